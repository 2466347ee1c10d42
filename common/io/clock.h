// The one way to ask for the time. Handed in, so that tests decide what time it is.
#pragma once

#include <chrono>

#include "common/base/deadline.h"

namespace strata::io {

// Wall time in milliseconds since 1970-01-01 UTC: S3's resolution. Never used to order changes.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

// Thread rule: every method from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual SteadyTime steady_now() const = 0;
  [[nodiscard]] virtual WallTime wall_now() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] SteadyTime steady_now() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] WallTime wall_now() const override {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now());
  }
};

}  // namespace strata::io
