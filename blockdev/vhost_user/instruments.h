// What the vhost-user servers count, all together. Recording is a few relaxed atomics; any thread.
#pragma once

#include <array>
#include <cstdint>

#include "blockdev/device/block_device.h"
#include "common/metrics/metrics.h"

namespace strata::vhost_user {

struct Instruments {
  struct OfOp {
    metrics::Counter* requests = nullptr;
    metrics::Counter* errors = nullptr;
    metrics::LatencyHistogram* seconds = nullptr;
  };

  explicit Instruments(metrics::Registry& registry);
  [[nodiscard]] OfOp& of(device::Op op) noexcept { return ops[static_cast<size_t>(op)]; }

  std::array<OfOp, device::kOps> ops;
  metrics::Counter& refused_requests;
  metrics::Counter& resumed_requests;
  metrics::Counter& read_bytes;
  metrics::Counter& written_bytes;
  metrics::Counter& accepted;
  metrics::Counter& refused_sessions;
  metrics::Counter& broken_rings;
};

}  // namespace strata::vhost_user
