#include "blockdev/layers/latency.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace strata::layers {

// Source: Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014).
uint64_t mix_bits(uint64_t state) noexcept {
  state += 0x9e3779b97f4a7c15;
  state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9;
  state = (state ^ (state >> 27)) * 0x94d049bb133111eb;
  return state ^ (state >> 31);
}

double LatencySampler::uniform() noexcept {
  const uint64_t bits = mix_bits(state_) >> 11;
  state_ += 0x9e3779b97f4a7c15;
  return (static_cast<double>(bits) + 1.0) / 9007199254740992.0;  // 2^53
}

Duration LatencySampler::sample(const LatencySettings& settings) noexcept {
  const auto median = static_cast<double>(settings.median_us);
  double us = median;
  if (settings.p99_us > settings.median_us) {
    constexpr double kNormalP99 = 2.3263478740408408;  // 99% of a standard normal is below
    const double sigma = std::log(static_cast<double>(settings.p99_us) / median) / kNormalP99;
    const double normal =
        std::sqrt(-2.0 * std::log(uniform())) * std::cos(2.0 * std::numbers::pi * uniform());
    us = median * std::exp(sigma * normal);
  }
  us = std::min(us, static_cast<double>(kLatencyUsMax));
  return std::chrono::nanoseconds(static_cast<int64_t>(us * 1000.0));
}

}  // namespace strata::layers
