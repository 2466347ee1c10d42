#include "blockdev/layers/rate_limit.h"

#include <algorithm>

#include "blockdev/layers/layer.h"

namespace strata::layers {
namespace {

void set_bucket(TokenBucket& bucket, const Rate& rate, SteadyTime now) noexcept {
  constexpr uint64_t kSlackPerSecond = std::chrono::seconds(1) / kSlack;
  const uint64_t tokens = rate.tokens != 0 ? rate.tokens : rate.per_second / kSlackPerSecond;
  bucket.set_rate(rate.per_second, tokens, now);
}

}  // namespace

void RateLimit::set(const RateSettings& settings, SteadyTime now) noexcept {
  set_bucket(iops_, settings.iops, now);
  set_bucket(iops_credit_, settings.iops_credit, now);
  set_bucket(bytes_, settings.bytes, now);
  set_bucket(bytes_credit_, settings.bytes_credit, now);
  unit_bytes_.store(std::max<uint32_t>(settings.unit_bytes, 1), std::memory_order_relaxed);
  random_costs_units_.store(settings.random_costs_units, std::memory_order_relaxed);
  active_.store(
      iops_.limits() || iops_credit_.limits() || bytes_.limits() || bytes_credit_.limits(),
      std::memory_order_relaxed);
}

SteadyTime RateLimit::admit(const device::IoRequest& request, SteadyTime now) noexcept {
  using device::Op;
  const bool moves = request.op == Op::kRead || request.op == Op::kWrite;
  if (!moves && request.op != Op::kWriteZeroes) return SteadyTime::min();
  const uint64_t length = moves ? length_of(request) : 0;
  const uint64_t unit = unit_bytes_.load(std::memory_order_relaxed);
  const uint64_t units = std::max<uint64_t>(1, (length + unit - 1) / unit);
  uint64_t bytes = length;
  if (moves && random_costs_units_.load(std::memory_order_relaxed) &&
      last_end_.load(std::memory_order_relaxed) != request.offset) {
    bytes = units * unit;
  }
  struct Take {
    TokenBucket& bucket;
    uint64_t tokens;
  };
  const std::array<Take, 4> takes = {Take{iops_, units}, Take{iops_credit_, units},
                                     Take{bytes_, bytes}, Take{bytes_credit_, bytes}};
  for (size_t i = 0; i < takes.size(); ++i) {
    const SteadyTime again = takes.at(i).bucket.take(takes.at(i).tokens, now);
    if (again == SteadyTime::min()) continue;
    for (size_t taken = 0; taken < i; ++taken) {
      takes.at(taken).bucket.give_back(takes.at(taken).tokens);
    }
    return again;
  }
  if (moves) last_end_.store(request.offset + length, std::memory_order_relaxed);
  return SteadyTime::min();
}

uint64_t RateLimit::iops_credit(SteadyTime now) const noexcept {
  return iops_credit_.limits() ? iops_credit_.level(now) : 0;
}

uint64_t RateLimit::bytes_credit(SteadyTime now) const noexcept {
  return bytes_credit_.limits() ? bytes_credit_.level(now) : 0;
}

}  // namespace strata::layers
