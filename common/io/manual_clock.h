// A clock that stands still until it is told to move: for tests.
#pragma once

#include <atomic>

#include "common/io/clock.h"

namespace strata::io {

// Any thread may read and set it.
class ManualClock final : public Clock {
 public:
  // Steady time starts at an arbitrary point, wall time at 2024-01-01 00:00:00 UTC.
  ManualClock() = default;

  [[nodiscard]] SteadyTime steady_now() const override {
    return SteadyTime(std::chrono::nanoseconds(steady_ns_.load(std::memory_order_acquire)));
  }
  [[nodiscard]] WallTime wall_now() const override {
    return WallTime(std::chrono::milliseconds(wall_ms_.load(std::memory_order_acquire)));
  }

  void set_steady(SteadyTime when) {
    steady_ns_.store(std::chrono::nanoseconds(when.time_since_epoch()).count(),
                     std::memory_order_release);
  }
  // Wall time may jump in both directions, as real clocks do.
  void set_wall(WallTime when) {
    wall_ms_.store(when.time_since_epoch().count(), std::memory_order_release);
  }
  // Moves both on by the same step, as time does when nobody touches the clock.
  void advance(std::chrono::milliseconds step) {
    steady_ns_.fetch_add(std::chrono::nanoseconds(step).count(), std::memory_order_acq_rel);
    wall_ms_.fetch_add(step.count(), std::memory_order_acq_rel);
  }

 private:
  static constexpr int64_t kStartSteadyNs = 1'000'000'000'000;
  static constexpr int64_t kStartWallMs = 1'704'067'200'000;
  std::atomic<int64_t> steady_ns_{kStartSteadyNs};
  std::atomic<int64_t> wall_ms_{kStartWallMs};
};

}  // namespace strata::io
