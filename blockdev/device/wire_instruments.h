// What every wire counts of the requests that it serves. Recording is a few relaxed atomics; any
// thread.
#pragma once

#include <array>
#include <string>

#include "blockdev/device/block_device.h"
#include "common/metrics/metrics.h"

namespace strata::device {

struct WireInstruments {
  struct OfOp {
    metrics::Counter* requests = nullptr;
    metrics::Counter* errors = nullptr;
    metrics::LatencyHistogram* seconds = nullptr;  // from a request's last byte to its answer
  };

  // `prefix` begins every name: "strata_nbd". The registry outlives this.
  WireInstruments(metrics::Registry& registry, const std::string& prefix);
  [[nodiscard]] OfOp& of(Op op) noexcept { return ops[static_cast<size_t>(op)]; }
  [[nodiscard]] const OfOp& of(Op op) const noexcept { return ops[static_cast<size_t>(op)]; }

  std::array<OfOp, kOps> ops;
  metrics::Counter& refused_requests;
  metrics::Counter& read_bytes;
  metrics::Counter& written_bytes;
};

}  // namespace strata::device
