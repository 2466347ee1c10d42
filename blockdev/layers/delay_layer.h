// DelayLayer: a request is answered no earlier than its latency after its arrival. The disk works
// meanwhile, so the whole takes the longer of the two; for a disk slower than the latency the layer
// costs nothing. Every request is delayed: flushes too, as over a network.
#pragma once

#include <atomic>

#include "blockdev/layers/latency.h"
#include "blockdev/layers/layer.h"
#include "blockdev/layers/timekeeper.h"

namespace strata::layers {

class DelayLayer final : public Layer {
 public:
  // latency and time outlive the layer. The n-th queue's random numbers follow from the seed.
  DelayLayer(const Latency& latency, Timekeeper& time, uint64_t seed) noexcept
      : latency_(latency), time_(time), seed_(seed) {}
  [[nodiscard]] std::unique_ptr<LayerQueue> open(device::BlockQueue& next,
                                                 ring::Ring& ring) override;
  // Switching the latency off is seen by waiting requests within this time.
  static constexpr Duration kLookAgain = std::chrono::milliseconds(50);

 private:
  const Latency& latency_;
  Timekeeper& time_;
  const uint64_t seed_;
  std::atomic<uint64_t> queues_{0};
};

}  // namespace strata::layers
