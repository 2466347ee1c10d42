#include "blockdev/layers/token_bucket.h"

#include <algorithm>

namespace strata::layers {
namespace {

constexpr double kNsPerSecond = 1e9;
// Times are kept below a hundred years, so that sums of them do not overflow.
constexpr double kTimeNsMax = 3.2e18;

int64_t nanoseconds(SteadyTime when) noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(when.time_since_epoch()).count();
}

int64_t time_at(uint64_t tokens, uint64_t per_second) noexcept {
  const double time = static_cast<double>(tokens) * kNsPerSecond / static_cast<double>(per_second);
  return static_cast<int64_t>(std::min(time, kTimeNsMax));
}

}  // namespace

int64_t TokenBucket::time_of(uint64_t tokens) const noexcept {
  const uint64_t rate = per_second_.load(std::memory_order_relaxed);
  return rate == 0 ? 0 : time_at(tokens, rate);
}

void TokenBucket::set_rate(uint64_t per_second, uint64_t tokens, SteadyTime now) noexcept {
  const uint64_t old_rate = per_second_.load(std::memory_order_relaxed);
  const int64_t used_ns = full_at_ns_.load(std::memory_order_relaxed) - nanoseconds(now);
  if (old_rate != 0 && per_second != 0 && used_ns > 0) {
    const double used = static_cast<double>(used_ns) * static_cast<double>(old_rate);
    const double same = std::min(used / static_cast<double>(per_second), kTimeNsMax);
    full_at_ns_.store(nanoseconds(now) + static_cast<int64_t>(same), std::memory_order_relaxed);
  } else {
    full_at_ns_.store(nanoseconds(now), std::memory_order_relaxed);
  }
  capacity_ns_.store(per_second == 0 ? 0 : time_at(tokens, per_second), std::memory_order_relaxed);
  per_second_.store(per_second, std::memory_order_relaxed);
}

SteadyTime TokenBucket::take(uint64_t tokens, SteadyTime now) noexcept {
  const uint64_t rate = per_second_.load(std::memory_order_relaxed);
  if (rate == 0) return SteadyTime::min();
  const int64_t cost = time_at(tokens, rate);
  const int64_t now_ns = nanoseconds(now);
  const int64_t capacity = capacity_ns_.load(std::memory_order_relaxed);
  int64_t full_at = full_at_ns_.load(std::memory_order_relaxed);
  while (true) {
    const int64_t base = std::max(full_at, now_ns);
    const int64_t empty_for = base - now_ns - capacity;
    if (empty_for > 0 || (empty_for == 0 && capacity > 0)) {
      return now + std::chrono::nanoseconds(std::max<int64_t>(empty_for, 1));
    }
    if (full_at_ns_.compare_exchange_weak(full_at, base + cost, std::memory_order_relaxed)) {
      return SteadyTime::min();
    }
  }
}

void TokenBucket::give_back(uint64_t tokens) noexcept {
  full_at_ns_.fetch_sub(time_of(tokens), std::memory_order_relaxed);
}

uint64_t TokenBucket::level(SteadyTime now) const noexcept {
  const int64_t used = full_at_ns_.load(std::memory_order_relaxed) - nanoseconds(now);
  const int64_t left = capacity_ns_.load(std::memory_order_relaxed) - std::max<int64_t>(used, 0);
  if (left <= 0) return 0;
  const auto rate = static_cast<double>(per_second_.load(std::memory_order_relaxed));
  return static_cast<uint64_t>(static_cast<double>(left) * rate / kNsPerSecond);
}

}  // namespace strata::layers
