// Time for layers that a test turns by hand: alarms ring inside advance(), in their order.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "blockdev/layers/timekeeper.h"

namespace strata::testing {

// Thread rule: one thread.
class ManualTimekeeper final : public layers::Timekeeper {
 public:
  [[nodiscard]] SteadyTime now() const override { return now_; }
  [[nodiscard]] std::unique_ptr<layers::Alarm> make_alarm(ring::Ring&, Fire fire,
                                                          void* argument) override {
    return std::make_unique<ManualAlarm>(*this, fire, argument);
  }
  void advance(Duration step) {
    const SteadyTime end = now_ + step;
    while (ManualAlarm* const next = earliest()) {
      if (*next->due_ > end) break;
      now_ = std::max(now_, *next->due_);
      next->due_.reset();
      next->fire_(next->argument_);
    }
    now_ = end;
  }
  // Time passes in which no alarm is heard; those that were due then are afterwards.
  void stand_still(Duration step) {
    now_ += step;
    advance(Duration(0));
  }
  [[nodiscard]] Duration since_start() const { return now_ - kStart; }

 private:
  static constexpr SteadyTime kStart{std::chrono::hours(1000)};
  class ManualAlarm final : public layers::Alarm {
   public:
    ManualAlarm(ManualTimekeeper& time, Fire fire, void* argument)
        : time_(time), fire_(fire), argument_(argument) {
      time_.alarms_.push_back(this);
    }
    ~ManualAlarm() override { std::erase(time_.alarms_, this); }
    ManualAlarm(const ManualAlarm&) = delete;
    ManualAlarm& operator=(const ManualAlarm&) = delete;
    void set(SteadyTime due) override { due_ = due; }
    void clear() noexcept override { due_.reset(); }

   private:
    friend class ManualTimekeeper;
    ManualTimekeeper& time_;
    const Fire fire_;
    void* const argument_;
    std::optional<SteadyTime> due_;
  };
  ManualAlarm* earliest() const {
    ManualAlarm* first = nullptr;
    for (ManualAlarm* one : alarms_) {
      if (one->due_ && (first == nullptr || *one->due_ < *first->due_)) first = one;
    }
    return first;
  }
  SteadyTime now_ = kStart;
  std::vector<ManualAlarm*> alarms_;
};

}  // namespace strata::testing
