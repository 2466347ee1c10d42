#include "blockdev/device/range_guard.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

#include "common/base/check.h"

namespace strata::device {
namespace {

// DeviceState::guard.
constexpr uint8_t kOutside = 0;
constexpr uint8_t kFast = 1;
constexpr uint8_t kTable = 2;

bool conflict(const IoRequest& a, const IoRequest& b) noexcept {
  return (a.state.exclusive || b.state.exclusive) && a.state.first < b.state.last &&
         b.state.first < a.state.last;
}

}  // namespace

void RequestList::push_back(IoRequest& request) noexcept {
  request.state.next = nullptr;
  request.state.previous = tail_;
  (tail_ != nullptr ? tail_->state.next : head_) = &request;
  tail_ = &request;
}

void RequestList::remove(IoRequest& request) noexcept {
  DeviceState& state = request.state;
  (state.previous != nullptr ? state.previous->state.next : head_) = state.next;
  (state.next != nullptr ? state.next->state.previous : tail_) = state.previous;
  state.next = nullptr;
  state.previous = nullptr;
}

Status RangeGuard::add(Lane& lane) {
  lane.signal = UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!lane.signal.valid()) return errno_error(errno, "eventfd for a block queue");
  const std::lock_guard lock(mutex_);
  lanes_.push_back(&lane);
  return {};
}

void RangeGuard::remove(Lane& lane) noexcept {
  const std::lock_guard lock(mutex_);
  CHECK(lane.fast.load() == 0 && lane.granted == nullptr,
        "a block queue was destroyed before its requests completed");
  std::erase(lanes_, &lane);
}

bool RangeGuard::enter(Lane& lane, IoRequest& request, bool exclusive) noexcept {
  request.state.lane = &lane;
  request.state.exclusive = exclusive;
  if (!exclusive) {
    lane.fast.fetch_add(1, std::memory_order_seq_cst);
    if (exclusive_.load(std::memory_order_seq_cst) == 0) {
      request.state.guard = kFast;
      return true;
    }
    lane.fast.fetch_sub(1, std::memory_order_seq_cst);
  }
  const std::lock_guard lock(mutex_);
  const bool entered = enter_table(request, exclusive);
  // The count that was raised for a moment may have held an exclusive writer back.
  if (!exclusive) grant_waiting();
  return entered;
}

bool RangeGuard::enter_table(IoRequest& request, bool exclusive) noexcept {
  request.state.guard = kTable;
  if (exclusive) exclusive_.fetch_add(1, std::memory_order_seq_cst);
  bool free = may_hold(request);
  for (IoRequest* other = waiting_.front(); free && other != nullptr; other = other->state.next) {
    free = !conflict(*other, request);
  }
  (free ? held_ : waiting_).push_back(request);
  return free;
}

void RangeGuard::leave(Lane& lane, IoRequest& request) noexcept {
  const uint8_t guard = std::exchange(request.state.guard, kOutside);
  if (guard == kFast) {
    lane.fast.fetch_sub(1, std::memory_order_seq_cst);
    if (exclusive_.load(std::memory_order_seq_cst) == 0) return;
    const std::lock_guard lock(mutex_);
    grant_waiting();
  } else if (guard == kTable) {
    const std::lock_guard lock(mutex_);
    held_.remove(request);
    if (request.state.exclusive) exclusive_.fetch_sub(1, std::memory_order_seq_cst);
    grant_waiting();
  }
}

void RangeGuard::signal(Lane& lane) noexcept {
  const uint64_t one = 1;
  // The counter stays far below its maximum: the owner reads it back to zero.
  (void)!::write(lane.signal.get(), &one, sizeof one);
}

IoRequest* RangeGuard::take_granted(Lane& lane) noexcept {
  uint64_t count = 0;
  // Nothing to read means a signal for requests that were taken before: fine.
  (void)!::read(lane.signal.get(), &count, sizeof count);
  const std::lock_guard lock(mutex_);
  return std::exchange(lane.granted, nullptr);
}

bool RangeGuard::may_hold(const IoRequest& request) const noexcept {
  if (request.state.exclusive) {
    for (const Lane* lane : lanes_) {
      if (lane->fast.load(std::memory_order_seq_cst) != 0) return false;
    }
  }
  for (IoRequest* other = held_.front(); other != nullptr; other = other->state.next) {
    if (conflict(*other, request)) return false;
  }
  return true;
}

void RangeGuard::grant_waiting() noexcept {
  IoRequest* candidate = waiting_.front();
  while (candidate != nullptr) {
    IoRequest* const following = candidate->state.next;
    bool free = may_hold(*candidate);
    for (IoRequest* earlier = waiting_.front(); free && earlier != candidate;
         earlier = earlier->state.next) {
      free = !conflict(*earlier, *candidate);
    }
    if (free) {
      waiting_.remove(*candidate);
      held_.push_back(*candidate);
      Lane& lane = *static_cast<Lane*>(candidate->state.lane);
      candidate->state.next_queued = std::exchange(lane.granted, candidate);
      signal(lane);
    }
    candidate = following;
  }
}

}  // namespace strata::device
