// A memory disk under a LayerStack, with a clock that the test turns, and a count of what reaches
// the disk.
#pragma once

#include <gtest/gtest.h>

#include <deque>

#include "blockdev/device/memory_device.h"
#include "blockdev/layers/layer_stack.h"
#include "tests/support/block_io.h"
#include "tests/support/manual_timekeeper.h"

namespace strata::layers {

// Passes everything on and counts it.
class CountingDevice final : public device::BlockDevice {
 public:
  explicit CountingDevice(device::BlockDevice& next) : next_(next) {}
  device::Geometry geometry() const noexcept override { return next_.geometry(); }
  device::Capabilities capabilities() const noexcept override { return next_.capabilities(); }
  Result<std::unique_ptr<device::BlockQueue>> open_queue(ring::Ring& ring) override {
    auto queue = next_.open_queue(ring);
    return std::unique_ptr<device::BlockQueue>(
        std::make_unique<Queue>(*this, std::move(queue).value()));
  }
  int arrived = 0;
  device::IoRequest last = {};

 private:
  struct Queue final : device::BlockQueue {
    Queue(CountingDevice& device, std::unique_ptr<device::BlockQueue> queue)
        : owner(device), next(std::move(queue)) {}
    void submit(device::IoRequest& request) noexcept override {
      ++owner.arrived;
      owner.last = request;
      next->submit(request);
    }
    CountingDevice& owner;
    std::unique_ptr<device::BlockQueue> next;
  };
  device::BlockDevice& next_;
};

class StackTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kSize = kMiB;
  using Pending = testing::BlockIo::Pending;

  void set_layers(std::initializer_list<const char*> texts) {
    StackSettings settings;
    for (const char* text : texts) settings.layers.push_back(parse_layer(text).value());
    stack_.set(settings);
  }
  // Begins a request that may have to wait.
  Pending& begin(device::Op op, uint64_t offset = 0, uint64_t length = 4096) {
    Pending& request = pending_.emplace_back();
    request.op = op;
    request.offset = offset;
    request.length = length;
    if (op == device::Op::kRead || op == device::Op::kWrite) {
      request.buffer = MutableBytes(buffer_).first(length);
    }
    io_.start(request);
    return request;
  }
  int done() const {
    return static_cast<int>(std::count_if(pending_.begin(), pending_.end(),
                                          [](const Pending& one) { return one.done; }));
  }

  std::unique_ptr<device::MemoryDevice> memory_ = device::MemoryDevice::create(kSize).value();
  CountingDevice disk_{*memory_};
  testing::ManualTimekeeper time_;
  metrics::Registry registry_;
  LayerStack stack_{disk_, time_, &registry_, "db", 7};
  testing::BlockIo io_{stack_};
  ByteVector buffer_ = ByteVector(kSize);
  std::deque<Pending> pending_;
};

}  // namespace strata::layers
