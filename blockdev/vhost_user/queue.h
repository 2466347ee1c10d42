// Queue: one virtqueue: from what the guest makes available to what it finds used.
//
//   stopped -> running -> stopped            by SET_VRING_KICK and GET_VRING_BASE
//                 |
//                 +-> broken                 the guest put nonsense into the ring; the error
//                                            descriptor says so, and what is under way ends
//
// Completions only record; pump() decides, once per turn of the loop: requests go on with their
// next piece, new ones are fetched, and what is finished is published.
//
// A turn hands on its work every few requests (kHandOver): to the disk what was taken, to the guest
// what is finished. Were it done once at a turn's end, the server, the disk and the guest would
// work one after the other: each waits for all of the other's requests, and a depth of 32 is served
// as one request of 32 parts.
//
// A request whose data lies in one piece of memory is read from or written to there; else it passes
// through a bounce buffer, a piece at a time.
//
// Bounds: as many requests as the ring has entries; a head that is in flight is not taken again.
// Thread rule: its session's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "blockdev/vhost_user/block_request.h"
#include "blockdev/vhost_user/inflight.h"
#include "blockdev/vhost_user/shared.h"
#include "blockdev/vhost_user/split_ring.h"

namespace strata::vhost_user {

class Queue;

struct Slot : device::IoRequest {
  Queue* queue = nullptr;
  Slot* next = nullptr;  // in the list of those that are done, or that wait for a buffer
  uint16_t head = 0;
  bool busy = false;
  bool flush_after = false;
  int32_t error = 0;
  std::byte* status = nullptr;
  uint64_t writable_bytes = 0;
  // The data, and how far it is: `piece` bytes are under way from segments[at] + inside.
  std::vector<Segment> segments;
  size_t at = 0;
  uint64_t inside = 0;
  uint64_t left = 0;
  uint64_t piece = 0;
  std::byte* bounce = nullptr;
  BlockRanges ranges;
  uint32_t range = 0;
  SteadyTime started;
};

class Queue {
 public:
  Queue(Shared& shared, uint32_t index) noexcept : shared_(shared), index_(index) {}
  ~Queue();
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  // What the front end says of a ring. Nothing of the session is active then.
  [[nodiscard]] Status set_entries(uint32_t entries);
  [[nodiscard]] Status set_base(uint32_t base);
  [[nodiscard]] Status set_address(const VringAddress& address);
  void set_inflight(InflightLog log) noexcept { inflight_ = log; }
  // Takes a running ring's areas from the changed memory. One that has none there is not served
  // until it has: a front end changes its memory a region at a time.
  void remap();
  // Begins to serve; kInvalidArgument if what it needs has not been said.
  [[nodiscard]] Status start(UniqueFd kick);
  // Serves no more; where it would go on.
  uint16_t stop();

  // At any time.
  void set_call(UniqueFd call) noexcept;
  void set_error(UniqueFd error) noexcept { error_.set(std::move(error)); }
  void set_enabled(bool enabled) noexcept { enabled_ = enabled; }

  [[nodiscard]] bool running() const noexcept { return kick_ != nullptr; }
  // Everything that can be done now. True: there is more, in a next turn.
  bool pump(bool may_fetch);
  // The other side is gone: writes nothing to its memory any more. What is at the disk comes back
  // to slots that nobody looks at.
  void abandon();

 private:
  friend class BouncePool;
  [[nodiscard]] bool fetch();
  void take(uint16_t head);
  void begin(Slot& slot, const BlockRequest& request, const BlockVerdict& verdict);
  void begin_ranges(Slot& slot, uint64_t data_bytes);
  void answer_id(Slot& slot) noexcept;
  void advance();
  void go_on(Slot& slot);
  void next_piece(Slot& slot);
  void next_bounced(Slot& slot);
  void next_range(Slot& slot);
  void submit(Slot& slot) noexcept;
  void end_piece(Slot& slot) noexcept;
  void release_bounce(Slot& slot);
  static void copy_bounce(Slot& slot, bool to_guest) noexcept;
  void completed(Slot& slot, int32_t error) noexcept;
  void finish(Slot& slot, uint8_t status) noexcept;
  void publish();
  void break_ring(std::string_view why);

  Shared& shared_;
  const uint32_t index_;
  uint32_t entries_ = 0;
  VringAddress address_;
  bool has_address_ = false;
  bool enabled_ = false;
  bool broken_ = false;
  bool mapped_ = false;  // its areas lie in the memory
  SplitRing ring_;
  InflightLog inflight_;
  std::unique_ptr<Watch> kick_;
  Signal call_;
  Signal error_;
  uint16_t next_available_ = 0;
  uint16_t used_ = 0;
  std::vector<uint16_t> resume_;  // of an earlier server, served first
  size_t resumed_ = 0;
  std::vector<Slot> slots_;
  Slot* done_ = nullptr;
  std::vector<UsedElement> finished_;
  Chain chain_;
};

}  // namespace strata::vhost_user
