// MemoryDevice: a disk that is a piece of memory, for tests and as the null hypothesis of
// measurements: what a wire costs when the disk costs nothing. Nothing survives it, flush included.
//
// Requests complete inside submit. Overlapping requests of different queues at the same time are
// applied in an unspecified order, byte by byte.
#pragma once

#include <atomic>
#include <memory>

#include "blockdev/device/block_device.h"

namespace strata::device {

class MemoryDevice final : public BlockDevice {
 public:
  // Zeroed, and taken from the system when first written. kNoSpace if there is no such memory.
  [[nodiscard]] static Result<std::unique_ptr<MemoryDevice>> create(uint64_t size_bytes);
  ~MemoryDevice() override;
  MemoryDevice(const MemoryDevice&) = delete;
  MemoryDevice& operator=(const MemoryDevice&) = delete;

  [[nodiscard]] Geometry geometry() const noexcept override {
    return {.size_bytes = bytes_.size()};
  }
  [[nodiscard]] Capabilities capabilities() const noexcept override {
    return {.fast_zero = true, .cache = true};
  }
  [[nodiscard]] Result<std::unique_ptr<BlockQueue>> open_queue(ring::Ring& ring) override;

 private:
  explicit MemoryDevice(MutableBytes bytes) noexcept : bytes_(bytes) {}
  MutableBytes bytes_;
  // Passed by every request at its begin and end: what one queue has completed, another one that
  // starts later sees (guarantee 1), also where the processor orders memory less than x86 does.
  std::atomic<uint64_t> order_{0};
};

}  // namespace strata::device
