// TokenBucket: when the next piece of work may begin, so that the bytes a second stay below a rate.
//
// What a step will cost is known only when it is done, so a step is always let through when nothing
// is owed, and what it took is owed afterwards.
//
// Thread rule: none of its own; the owner's lock guards it. It never asks for the time: every call
// is told.
#pragma once

#include <cstdint>

#include "common/base/deadline.h"

namespace strata::worker {

// Credit that gathers while nothing is taken: this long at the full rate.
inline constexpr Duration kBurst = std::chrono::seconds(1);
// More than this is never owed, whatever a single step took.
inline constexpr Duration kDebtMax = std::chrono::hours(24);

class TokenBucket {
 public:
  // Bytes a second; 0: no limit.
  explicit TokenBucket(uint64_t rate) : rate_(rate) {}

  [[nodiscard]] uint64_t rate() const noexcept { return rate_; }
  // What is owed stays owed, in bytes: at a higher rate it is paid sooner.
  void set_rate(uint64_t rate, SteadyTime now);
  void take(uint64_t bytes, SteadyTime now);
  // From then on nothing is owed. May lie in the past.
  [[nodiscard]] SteadyTime ready() const noexcept { return free_at_; }

 private:
  uint64_t rate_;
  SteadyTime free_at_{};
};

}  // namespace strata::worker
