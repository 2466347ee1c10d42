// TokenBucket: a rate with room for bursts, shared by all queues of a volume, without a lock.
//
// It is one number: the time at which the bucket will be full. A request is let through while the
// bucket is not empty, and may leave it in debt by its own size, so that one larger than the bucket
// passes too. Being late costs nothing: what a late timer lets through late was counted from when
// it was due, as long as the bucket has room, so the rate is exact over time.
//
// Thread rule: from any thread.
#pragma once

#include <atomic>
#include <cstdint>

#include "common/base/deadline.h"

namespace strata::layers {

class TokenBucket {
 public:
  // per_second 0: everything passes. `tokens`: what the bucket holds when full. What has been used
  // stays used. A bucket begins full.
  void set_rate(uint64_t per_second, uint64_t tokens, SteadyTime now) noexcept;
  [[nodiscard]] bool limits() const noexcept {
    return per_second_.load(std::memory_order_relaxed) != 0;
  }
  // Takes the tokens and gives SteadyTime::min(), or takes none and gives when to ask again.
  [[nodiscard]] SteadyTime take(uint64_t tokens, SteadyTime now) noexcept;
  // Undoes a take of so many.
  void give_back(uint64_t tokens) noexcept;
  // Tokens that are there now; 0 while in debt.
  [[nodiscard]] uint64_t level(SteadyTime now) const noexcept;

 private:
  [[nodiscard]] int64_t time_of(uint64_t tokens) const noexcept;

  std::atomic<uint64_t> per_second_{0};
  std::atomic<int64_t> capacity_ns_{0};
  std::atomic<int64_t> full_at_ns_{INT64_MIN / 4};
};

}  // namespace strata::layers
