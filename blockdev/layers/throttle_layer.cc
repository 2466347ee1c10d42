#include "blockdev/layers/throttle_layer.h"

#include <algorithm>
#include <cerrno>

namespace strata::layers {
namespace {

class ThrottleQueue final : public LayerQueue {
 public:
  ThrottleQueue(device::BlockQueue& next, ring::Ring& ring, RateLimit& limit, Timekeeper& time)
      : LayerQueue(next),
        limit_(limit),
        time_(time),
        alarm_(time.make_alarm(
            ring, [](void* self) noexcept { static_cast<ThrottleQueue*>(self)->let_through(); },
            this)) {}

  void submit(device::IoRequest& request) noexcept override {
    if (waiting_.front() == nullptr && (retired_ || !limit_.active())) return next_.submit(request);
    Shadow* const waits = shadow(request);
    if (waits == nullptr) return request.complete(request, -ENOMEM);
    const bool first = waiting_.front() == nullptr;
    waiting_.push(*waits);
    if (first) let_through();
  }

  void retire() noexcept override {
    retired_ = true;
    let_through();
  }

 private:
  // Passes on what may go, and waits for the rest.
  void let_through() noexcept {
    if (letting_through_) return;  // called from inside a completion of one that was passed on
    const Busy busy(*this);
    letting_through_ = true;
    const SteadyTime now = time_.now();
    SteadyTime at = count_from(now);
    while (Shadow* const front = waiting_.front()) {
      if (!retired_) {
        const SteadyTime again = limit_.admit(*front, at);
        if (again != SteadyTime::min()) {
          at = again;
          if (again <= now) continue;
          due_ = again;
          alarm_->set(std::min(again, now + ThrottleLayer::kLookAgain));
          break;
        }
      }
      waiting_.pop();
      pass(*front);
    }
    late_ = now - std::min(at, now);
    letting_through_ = false;
  }

  // The time that requests are counted at. When requests waited and we were woken well after the
  // first of them was due, it is so much behind, until that is made up for: the rate is kept on a
  // machine whose processors are not always to be had.
  SteadyTime count_from(SteadyTime now) noexcept {
    if (due_ < now - ThrottleLayer::kOnTime) {
      late_ = std::min(late_ + (now - due_), ThrottleLayer::kLateMax);
      make_up_until_ = now + ThrottleLayer::kLateMax;
    }
    due_ = SteadyTime::max();
    if (now >= make_up_until_) late_ = Duration(0);
    return now - late_;
  }

  RateLimit& limit_;
  Timekeeper& time_;
  SteadyTime due_ = SteadyTime::max();  // when the first that waits may go
  Duration late_{0};                    // still to be made up for, until:
  SteadyTime make_up_until_ = SteadyTime::min();
  Waiting waiting_;
  bool letting_through_ = false;
  bool retired_ = false;
  std::unique_ptr<Alarm> alarm_;
};

}  // namespace

std::unique_ptr<LayerQueue> ThrottleLayer::open(device::BlockQueue& next, ring::Ring& ring) {
  return std::make_unique<ThrottleQueue>(next, ring, limit_, time_);
}

}  // namespace strata::layers
