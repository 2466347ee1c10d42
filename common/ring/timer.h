// Timers of a ring: things to do at a point in time on the ring's thread, without a system call.
#pragma once

#include <cstddef>
#include <vector>

#include "common/base/deadline.h"

namespace strata::ring {

// Its owner keeps it alive and unmoved while it is set, and clears it before it goes.
struct Timer {
  using Fire = void (*)(Timer& self) noexcept;
  static constexpr size_t kNotSet = ~size_t{0};
  Fire fire = nullptr;
  SteadyTime due{};           // while it is set
  size_t position = kNotSet;  // the list's
};

// The timers that are set. A ring has few of them, one for each queue that makes requests wait, so
// a walk over all of them is cheaper than an order.
class TimerList {
 public:
  // Setting one that is set moves it.
  void set(Timer& timer, SteadyTime due);
  void clear(Timer& timer) noexcept;
  // The earliest due time; SteadyTime::max() if none is set.
  [[nodiscard]] SteadyTime next_due() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return timers_.empty(); }
  // Fires what is due; at most as many as are set when it begins.
  void fire_due(SteadyTime now) noexcept;

 private:
  std::vector<Timer*> timers_;
};

}  // namespace strata::ring
