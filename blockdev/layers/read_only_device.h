// ReadOnlyDevice: the same disk for somebody who may only read.
#pragma once

#include "blockdev/device/block_device.h"
#include "blockdev/layers/read_only_layer.h"

namespace strata::layers {

class ReadOnlyDevice final : public device::BlockDevice {
 public:
  // next outlives it.
  explicit ReadOnlyDevice(device::BlockDevice& next) noexcept : next_(next) {}
  [[nodiscard]] device::Geometry geometry() const noexcept override { return next_.geometry(); }
  [[nodiscard]] device::Capabilities capabilities() const noexcept override {
    return layer_.over(next_.capabilities());
  }
  [[nodiscard]] Result<std::unique_ptr<device::BlockQueue>> open_queue(ring::Ring& ring) override;

 private:
  device::BlockDevice& next_;
  ReadOnlyLayer layer_;
};

}  // namespace strata::layers
