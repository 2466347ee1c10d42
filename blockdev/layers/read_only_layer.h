// ReadOnlyLayer: writes, trims and zeroings fail with EPERM, and the device says that it is
// read-only. Flushes pass: they change nothing.
#pragma once

#include "blockdev/layers/layer.h"

namespace strata::layers {

class ReadOnlyLayer final : public Layer {
 public:
  [[nodiscard]] std::unique_ptr<LayerQueue> open(device::BlockQueue& next,
                                                 ring::Ring& ring) override;
  [[nodiscard]] device::Capabilities over(device::Capabilities next) const noexcept override {
    next.read_only = true;
    return next;
  }
};

}  // namespace strata::layers
