// RangeGuard: keeps a read-modify-write of part of a block apart from every other writer of it.
//
// Direct I/O writes whole blocks. A write of a part of one reads the block, changes it and writes
// it back; another write to the block in between, on whichever queue, would be lost. So such a
// write is exclusive on its range, and all others are shared.
//
//   fast    No exclusive writer exists. A shared writer counts itself in its lane and that is all:
//           two atomic operations on a cache line of its own, no lock.
//   table   At least one exclusive writer exists. Everybody enters a table of ranges under a mutex;
//           who overlaps an exclusive range waits its turn. An exclusive writer also waits until
//           the writers that entered by the fast way have left.
//
// Invariants
//   1. A shared writer raises its lane's count before it looks for exclusive writers; an exclusive
//      writer announces itself before it looks at the counts (both sequentially consistent). So at
//      least one of the two sees the other.
//   2. Waiting requests are granted in order of arrival where they overlap: nobody starves.
//
// Thread rule: a lane belongs to its queue's thread; the guard is shared by all.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "blockdev/device/block_device.h"
#include "common/base/unique_fd.h"

namespace strata::device {

// A list of requests by state.next and state.previous, oldest first.
class RequestList {
 public:
  void push_back(IoRequest& request) noexcept;
  void remove(IoRequest& request) noexcept;
  [[nodiscard]] IoRequest* front() const noexcept { return head_; }

 private:
  IoRequest* head_ = nullptr;
  IoRequest* tail_ = nullptr;
};

class RangeGuard {
 public:
  // One queue's side of the guard.
  struct alignas(64) Lane {
    std::atomic<uint32_t> fast{0};
    UniqueFd signal;               // readable when `granted` may hold requests
    IoRequest* granted = nullptr;  // by state.next_queued; under the guard's mutex
  };

  [[nodiscard]] Status add(Lane& lane);
  void remove(Lane& lane) noexcept;

  // True: the request holds its range [state.first, state.last) now. False: it is kept and will
  // be in take_granted() of its lane later.
  [[nodiscard]] bool enter(Lane& lane, IoRequest& request, bool exclusive) noexcept;
  // Gives the range back. A request that never entered is ignored.
  void leave(Lane& lane, IoRequest& request) noexcept;
  // Makes the lane's signal readable, for what else its thread is to be told.
  static void signal(Lane& lane) noexcept;
  // Clears the lane's signal and returns what has been granted to it, linked by next_queued.
  [[nodiscard]] IoRequest* take_granted(Lane& lane) noexcept;

 private:
  [[nodiscard]] bool enter_table(IoRequest& request, bool exclusive) noexcept;
  [[nodiscard]] bool may_hold(const IoRequest& request) const noexcept;
  void grant_waiting() noexcept;

  std::atomic<uint32_t> exclusive_{0};  // exclusive writers that hold or wait
  std::mutex mutex_;
  std::vector<Lane*> lanes_;
  RequestList held_;
  RequestList waiting_;
};

}  // namespace strata::device
