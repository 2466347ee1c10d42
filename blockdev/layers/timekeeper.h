// What time it is for the layers, and how they wait: alarms on the ring's thread. Handed in, so
// that a test turns the clock itself.
#pragma once

#include <memory>

#include "common/base/deadline.h"
#include "common/ring/ring.h"

namespace strata::layers {

// Calls what it was made with once, at or after the time it was last set to. Thread rule: its
// ring's thread.
class Alarm {
 public:
  virtual ~Alarm() = default;
  virtual void set(SteadyTime due) = 0;  // moves it, if it is set
  virtual void clear() noexcept = 0;
};

// Thread rule: from any thread.
class Timekeeper {
 public:
  using Fire = void (*)(void* argument) noexcept;
  virtual ~Timekeeper() = default;
  [[nodiscard]] virtual SteadyTime now() const = 0;
  // The loop outlives the alarm.
  [[nodiscard]] virtual std::unique_ptr<Alarm> make_alarm(ring::Ring& loop, Fire fire,
                                                          void* argument) = 0;
};

// Steady time, and the ring's own timers.
class SystemTimekeeper final : public Timekeeper {
 public:
  [[nodiscard]] SteadyTime now() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] std::unique_ptr<Alarm> make_alarm(ring::Ring& loop, Fire fire,
                                                  void* argument) override;
};

}  // namespace strata::layers
