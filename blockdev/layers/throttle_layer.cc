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
    while (Shadow* const front = waiting_.front()) {
      if (!retired_) {
        const SteadyTime now = time_.now();
        const SteadyTime again = limit_.admit(*front, now);
        if (again != SteadyTime::min()) {
          alarm_->set(std::min(again, now + ThrottleLayer::kLookAgain));
          break;
        }
      }
      waiting_.pop();
      pass(*front);
    }
    letting_through_ = false;
  }

  RateLimit& limit_;
  Timekeeper& time_;
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
