// Bitmap: one bit a chunk of a volume, read and set by many threads without a lock.
//
// Its memory is taken from the system page by page as bits are set, so that it can be made for the
// greatest volume at once and need not grow with one.
//
// Thread rule: single bits from any thread; clear_all and assign while nobody else uses it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "blockdev/chunks/chunk.h"
#include "common/base/result.h"

namespace strata::snapshot {

// Chunks [first, end).
struct ChunkRange {
  uint64_t first = 0;
  uint64_t end = 0;
  [[nodiscard]] uint64_t count() const noexcept { return end - first; }
};

class Bitmap {
 public:
  static constexpr uint64_t kBits = chunks::kVolumeChunksMax;

  // kNoSpace if there is no address space.
  [[nodiscard]] static Result<std::unique_ptr<Bitmap>> create();
  ~Bitmap();
  Bitmap(const Bitmap&) = delete;
  Bitmap& operator=(const Bitmap&) = delete;

  [[nodiscard]] bool test(uint64_t bit) const noexcept {
    return (words_[bit / 64].load(std::memory_order_acquire) >> (bit % 64) & 1) != 0;
  }
  void set(uint64_t bit) noexcept {
    reach(bit + 1);
    words_[bit / 64].fetch_or(uint64_t{1} << (bit % 64), std::memory_order_acq_rel);
  }
  void clear(uint64_t bit) noexcept {
    words_[bit / 64].fetch_and(~(uint64_t{1} << (bit % 64)), std::memory_order_acq_rel);
  }
  void set_range(ChunkRange range) noexcept;
  [[nodiscard]] bool all(ChunkRange range) const noexcept { return !find(range, false); }
  // The first bit in the range that is as asked.
  [[nodiscard]] std::optional<uint64_t> find(ChunkRange range, bool is_set) const noexcept;
  [[nodiscard]] uint64_t count(ChunkRange range) const noexcept;
  // Sets what is set in the other one.
  void add(const Bitmap& other, uint64_t bits) noexcept;
  void clear_all() noexcept;

  [[nodiscard]] uint64_t word(uint64_t index) const noexcept {
    return words_[index].load(std::memory_order_acquire);
  }
  void or_word(uint64_t index, uint64_t bits) noexcept {
    if (bits == 0) return;
    reach((index + 1) * 64);
    words_[index].fetch_or(bits, std::memory_order_acq_rel);
  }

 private:
  explicit Bitmap(std::atomic<uint64_t>* words) noexcept : words_(words) {}
  void reach(uint64_t end) noexcept {
    uint64_t now = end_.load(std::memory_order_relaxed);
    while (now < end && !end_.compare_exchange_weak(now, end, std::memory_order_acq_rel)) {
    }
  }
  std::atomic<uint64_t>* words_;
  // No bit from here on was ever set: a search for one need not look further.
  std::atomic<uint64_t> end_{0};
};

}  // namespace strata::snapshot
