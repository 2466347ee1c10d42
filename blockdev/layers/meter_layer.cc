#include "blockdev/layers/meter_layer.h"

#include <cerrno>

namespace strata::layers {
namespace {

using device::IoRequest;
using device::Op;

size_t kind_of(Op op) noexcept {
  switch (op) {
    case Op::kRead:
      return 0;
    case Op::kWrite:
      return 1;
    case Op::kFlush:
      return 2;
    case Op::kTrim:
      return 3;
    case Op::kWriteZeroes:
      return 4;
    default:
      return 5;
  }
}

// The upper bound of the bucket in which the share lies, in microseconds.
uint64_t quantile_us(const metrics::LatencyHistogram::Snapshot& seen, double share) noexcept {
  const auto wanted = static_cast<uint64_t>(static_cast<double>(seen.count) * share);
  uint64_t below = 0;
  for (size_t i = 0; i < seen.counts.size(); ++i) {
    below += seen.counts.at(i);
    if (below > wanted || below == seen.count) return uint64_t{1} << i;
  }
  return 0;
}

class MeterQueue final : public LayerQueue {
 public:
  MeterQueue(device::BlockQueue& next, Meter& meter, Timekeeper& time) noexcept
      : LayerQueue(next), meter_(meter), time_(time) {}

  void submit(IoRequest& request) noexcept override {
    Shadow* const watched = shadow(request);
    if (watched == nullptr) return request.complete(request, -ENOMEM);
    watched->time = time_.now();
    pass(*watched);
  }

 private:
  void completed(Shadow& shadow, int32_t error) noexcept override {
    meter_.record(*shadow.original, error, time_.now() - shadow.time);
    answer(shadow, error);
  }

  Meter& meter_;
  Timekeeper& time_;
};

}  // namespace

Meter::Meter(metrics::Registry* registry, const std::string& volume) {
  if (registry == nullptr) return;
  for (size_t i = 0; i < kKinds; ++i) {
    const metrics::Labels labels = {{"volume", volume}, {"op", kKindNames.at(i)}};
    OfKind& kind = kinds_.at(i);
    kind.requests = &registry->counter("strata_volume_requests_total",
                                       "Requests to a volume that has a meter.", labels);
    kind.errors = &registry->counter("strata_volume_errors_total",
                                     "Requests to a metered volume that failed.", labels);
    kind.bytes = &registry->counter("strata_volume_bytes_total",
                                    "Bytes that requests to a metered volume were about.", labels);
    kind.seconds = &registry->latency("strata_volume_request_seconds",
                                      "How long requests to a metered volume took.", labels);
  }
}

void Meter::record(const IoRequest& request, int32_t error, Duration latency) noexcept {
  OfKind& kind = kinds_.at(kind_of(request.op));
  kind.requests->add();
  if (error != 0) {
    kind.errors->add();
  } else {
    kind.bytes->add(length_of(request));
  }
  kind.seconds->observe(latency);
}

Meter::Snapshot Meter::snapshot(size_t kind) const noexcept {
  const OfKind& of = kinds_.at(kind);
  const auto seen = of.seconds->snapshot();
  Snapshot out{
      .requests = of.requests->value(), .errors = of.errors->value(), .bytes = of.bytes->value()};
  if (seen.count == 0) return out;
  out.mean_us = static_cast<uint64_t>(seen.sum_seconds * 1e6 / static_cast<double>(seen.count));
  out.p50_us = quantile_us(seen, 0.50);
  out.p99_us = quantile_us(seen, 0.99);
  return out;
}

std::unique_ptr<LayerQueue> MeterLayer::open(device::BlockQueue& next, ring::Ring& /*ring*/) {
  return std::make_unique<MeterQueue>(next, meter_, time_);
}

}  // namespace strata::layers
