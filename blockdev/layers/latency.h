// Latency: how long a request takes at least, fixed or lognormal, as disks and networks do.
//
// Thread rule: Latency from any thread; a LatencySampler on one.
#pragma once

#include <atomic>
#include <cstdint>

#include "common/base/deadline.h"

namespace strata::layers {

inline constexpr uint64_t kLatencyUsMax = 60'000'000;

struct LatencySettings {
  uint64_t median_us = 0;  // 0: none
  uint64_t p99_us = 0;     // 99 of 100 requests are faster; as the median, or 0: all are alike
  bool operator==(const LatencySettings&) const = default;
};

// The settings now, changeable while requests are under way.
class Latency {
 public:
  void set(const LatencySettings& settings) noexcept {
    median_us_.store(settings.median_us, std::memory_order_relaxed);
    p99_us_.store(settings.p99_us, std::memory_order_relaxed);
  }
  [[nodiscard]] bool active() const noexcept {
    return median_us_.load(std::memory_order_relaxed) != 0;
  }
  [[nodiscard]] LatencySettings settings() const noexcept {
    return {median_us_.load(std::memory_order_relaxed), p99_us_.load(std::memory_order_relaxed)};
  }

 private:
  std::atomic<uint64_t> median_us_{0};
  std::atomic<uint64_t> p99_us_{0};
};

// Repeatable from its seed.
class LatencySampler {
 public:
  explicit LatencySampler(uint64_t seed) noexcept : state_(seed) {}
  [[nodiscard]] Duration sample(const LatencySettings& settings) noexcept;

 private:
  [[nodiscard]] double uniform() noexcept;  // in (0, 1]
  uint64_t state_;
};

// One step of the generator SplitMix64: the bits of `state` mixed.
[[nodiscard]] uint64_t mix_bits(uint64_t state) noexcept;

}  // namespace strata::layers
