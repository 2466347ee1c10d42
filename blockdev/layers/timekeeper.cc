#include "blockdev/layers/timekeeper.h"

namespace strata::layers {
namespace {

class RingAlarm final : public Alarm {
 public:
  RingAlarm(ring::Ring& loop, Timekeeper::Fire fire, void* argument)
      : loop_(loop), fire_(fire), argument_(argument) {
    timer_.owner = this;
    timer_.fire = [](ring::Timer& timer) noexcept {
      const RingAlarm& self = *static_cast<OwnedTimer&>(timer).owner;
      self.fire_(self.argument_);
    };
  }
  ~RingAlarm() override { loop_.clear_timer(timer_); }
  RingAlarm(const RingAlarm&) = delete;
  RingAlarm& operator=(const RingAlarm&) = delete;
  void set(SteadyTime due) override { loop_.set_timer(timer_, due); }
  void clear() noexcept override { loop_.clear_timer(timer_); }

 private:
  struct OwnedTimer : ring::Timer {
    RingAlarm* owner = nullptr;
  };
  ring::Ring& loop_;
  const Timekeeper::Fire fire_;
  void* const argument_;
  OwnedTimer timer_;
};

}  // namespace

std::unique_ptr<Alarm> SystemTimekeeper::make_alarm(ring::Ring& loop, Fire fire, void* argument) {
  return std::make_unique<RingAlarm>(loop, fire, argument);
}

}  // namespace strata::layers
