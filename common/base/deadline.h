// Deadline: the point in steady time by which a wait must have ended, passed as a value.
#pragma once

#include <chrono>

namespace strata {

using SteadyTime = std::chrono::steady_clock::time_point;
using Duration = std::chrono::nanoseconds;

class Deadline {
 public:
  // Never passes. Only for waits that a stop() bounds.
  [[nodiscard]] static constexpr Deadline never() noexcept { return Deadline(SteadyTime::max()); }
  [[nodiscard]] static constexpr Deadline at(SteadyTime when) noexcept { return Deadline(when); }
  [[nodiscard]] static Deadline after(Duration wait) noexcept {
    return Deadline(std::chrono::steady_clock::now() +
                    std::chrono::duration_cast<SteadyTime::duration>(wait));
  }

  [[nodiscard]] constexpr SteadyTime when() const noexcept { return when_; }
  [[nodiscard]] constexpr bool is_never() const noexcept { return when_ == SteadyTime::max(); }
  [[nodiscard]] bool passed(SteadyTime now) const noexcept { return now >= when_; }
  [[nodiscard]] constexpr Deadline earlier(Deadline other) const noexcept {
    return other.when_ < when_ ? other : *this;
  }

 private:
  explicit constexpr Deadline(SteadyTime when) noexcept : when_(when) {}
  SteadyTime when_;
};

}  // namespace strata
