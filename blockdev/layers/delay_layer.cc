#include "blockdev/layers/delay_layer.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace strata::layers {
namespace {

class DelayQueue final : public LayerQueue {
 public:
  DelayQueue(device::BlockQueue& next, ring::Ring& ring, const Latency& latency, Timekeeper& time,
             uint64_t seed)
      : LayerQueue(next),
        latency_(latency),
        time_(time),
        sampler_(seed),
        alarm_(time.make_alarm(
            ring, [](void* self) noexcept { static_cast<DelayQueue*>(self)->answer_due(); },
            this)) {}

  void submit(device::IoRequest& request) noexcept override {
    if (retired_ || !latency_.active()) return next_.submit(request);
    Shadow* const delayed = shadow(request);
    if (delayed == nullptr) return request.complete(request, -ENOMEM);
    delayed->time = time_.now() + sampler_.sample(latency_.settings());
    pass(*delayed);
  }

  void retire() noexcept override {
    retired_ = true;
    answer_due();
  }

 private:
  void completed(Shadow& shadow, int32_t error) noexcept override {
    if (retired_ || !latency_.active() || shadow.time <= time_.now()) return answer(shadow, error);
    shadow.error = error;
    insert(shadow);
    if (first_ == &shadow) set_alarm();
  }

  // Not long ahead: when the latency is switched off, what waits is answered soon.
  void set_alarm() noexcept {
    alarm_->set(std::min(first_->time, time_.now() + DelayLayer::kLookAgain));
  }

  // By due time. Requests mostly end in the order in which they are due, and the list is as long as
  // a wire's requests under way.
  void insert(Shadow& shadow) noexcept {
    Shadow** place = &first_;
    if (last_ != nullptr && first_ != nullptr && last_->time <= shadow.time) place = &last_->next;
    while (*place != nullptr && (*place)->time <= shadow.time) place = &(*place)->next;
    shadow.next = *place;
    *place = &shadow;
    if (shadow.next == nullptr) last_ = &shadow;
  }

  void answer_due() noexcept {
    const Busy busy(*this);
    const bool all = retired_ || !latency_.active();
    while (first_ != nullptr && (all || first_->time <= time_.now())) {
      Shadow& due = *first_;
      first_ = std::exchange(due.next, nullptr);
      if (first_ == nullptr) last_ = nullptr;
      answer(due, due.error);
    }
    if (first_ != nullptr) set_alarm();
  }

  const Latency& latency_;
  Timekeeper& time_;
  LatencySampler sampler_;
  Shadow* first_ = nullptr;
  Shadow* last_ = nullptr;
  bool retired_ = false;
  std::unique_ptr<Alarm> alarm_;
};

}  // namespace

std::unique_ptr<LayerQueue> DelayLayer::open(device::BlockQueue& next, ring::Ring& ring) {
  return std::make_unique<DelayQueue>(next, ring, latency_, time_,
                                      mix_bits(seed_ + queues_.fetch_add(1)));
}

}  // namespace strata::layers
