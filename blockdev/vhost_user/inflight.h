// InflightLog: which requests of a ring are being served, in memory that the front end keeps, so
// that a server that was killed is followed by one that loses no request and repeats none that the
// guest has seen finished. Source: vhost-user.rst, "Inflight I/O tracking", split virtqueues.
//
//   taken       desc[head] = {inflight 1, counter}
//   finished    linked into the list of the last batch: desc[head].next, last_batch_head
//   published   the used ring's index moves; then the batch's inflight become 0; then used_idx
//   moves
//
// If used_idx is not the used ring's index, the server died between the two: what the list holds
// has been published. Everything else in flight is served again, in the order of the counters.
// A request in flight may have reached the disk already: serving it again writes the same bytes,
// which the guest may not change until it is told.
//
// The memory belongs to the other side: numbers are bounded before use. Thread rule: one thread.
#pragma once

#include <cstdint>
#include <vector>

#include "common/base/bytes.h"

namespace strata::vhost_user {

class InflightLog {
 public:
  // Of one ring; the regions of several rings lie behind each other.
  [[nodiscard]] static uint64_t region_bytes(uint32_t entries) noexcept;

  InflightLog() = default;
  // memory: region_bytes(entries), aligned to 8.
  InflightLog(MutableBytes memory, uint32_t entries) noexcept
      : memory_(memory), entries_(entries) {}
  [[nodiscard]] bool present() const noexcept { return !memory_.empty(); }

  // At the ring's start: true if the region tells of an earlier life. Then `resume` are the heads
  // to serve again, in order, and each is below `entries`; the next one to fetch is `used` plus
  // their number. Else the region is made new.
  [[nodiscard]] bool recover(uint16_t used, std::vector<uint16_t>& resume);

  // Of so many ring entries it can tell.
  [[nodiscard]] uint32_t entries() const noexcept { return entries_; }

  void taken(uint16_t head) noexcept;
  // It is no request: it will not be answered, and is not to be tried by the next server.
  void forgotten(uint16_t head) noexcept;
  void finished(uint16_t head) noexcept;
  // The used ring's index is `used` now, by everything finished since the last call.
  void published(uint16_t used) noexcept;

 private:
  [[nodiscard]] std::byte* entry(uint16_t head) const noexcept;
  MutableBytes memory_;
  uint32_t entries_ = 0;
  uint64_t counter_ = 0;
  std::vector<uint16_t> batch_;
};

// What the driver chose of the write cache, behind the regions of the rings: a front end that
// connects again does not say it again, and the guest goes on as it chose. Strata's own; other
// servers hand it on unread.
enum class CacheChoice : uint8_t {
  kUnknown = 0,  // also whatever else the other side put there
  kWriteBack = 1,
  kWriteThrough = 2,
};
inline constexpr uint64_t kCacheNoteBytes = 64;
// note: kCacheNoteBytes, or empty: then it is unknown, and noted nowhere.
[[nodiscard]] CacheChoice noted_cache(MutableBytes note) noexcept;
void note_cache(MutableBytes note, CacheChoice choice) noexcept;

}  // namespace strata::vhost_user
