// MeterLayer: counts requests, errors and bytes, and how long requests took, for each kind of
// request. What it shows is what is below it: over a throttle the waiting is in, under it not.
#pragma once

#include <array>
#include <string>

#include "blockdev/layers/layer.h"
#include "blockdev/layers/timekeeper.h"
#include "common/metrics/metrics.h"

namespace strata::layers {

// Thread rule: from any thread; a few relaxed atomics a request.
class Meter {
 public:
  // Reads, writes, flushes, trims, write zeroes, and all else.
  static constexpr size_t kKinds = 6;
  static constexpr std::array<const char*, kKinds> kKindNames = {"read", "write",  "flush",
                                                                 "trim", "zeroes", "other"};
  // With a registry the numbers are series in it, with the volume's name as a label.
  Meter(metrics::Registry* registry, const std::string& volume);
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;

  void record(const device::IoRequest& request, int32_t error, Duration latency) noexcept;

  struct Snapshot {
    uint64_t requests = 0;
    uint64_t errors = 0;
    uint64_t bytes = 0;
    uint64_t mean_us = 0;
    uint64_t p50_us = 0;  // upper bounds, powers of two
    uint64_t p99_us = 0;
  };
  [[nodiscard]] Snapshot snapshot(size_t kind) const noexcept;

 private:
  struct OfKind {
    metrics::Counter own_requests, own_errors, own_bytes;
    metrics::LatencyHistogram own_seconds;
    metrics::Counter* requests = &own_requests;
    metrics::Counter* errors = &own_errors;
    metrics::Counter* bytes = &own_bytes;
    metrics::LatencyHistogram* seconds = &own_seconds;
  };
  std::array<OfKind, kKinds> kinds_;
};

class MeterLayer final : public Layer {
 public:
  // meter and time outlive the layer.
  MeterLayer(Meter& meter, Timekeeper& time) noexcept : meter_(meter), time_(time) {}
  [[nodiscard]] std::unique_ptr<LayerQueue> open(device::BlockQueue& next,
                                                 ring::Ring& ring) override;

 private:
  Meter& meter_;
  Timekeeper& time_;
};

}  // namespace strata::layers
