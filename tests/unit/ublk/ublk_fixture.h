// A device on a simulated driver, over a disk that remembers what it was asked.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <vector>

#include "blockdev/device/memory_device.h"
#include "blockdev/ublk/device.h"
#include "tests/support/block_exports.h"
#include "tests/support/simulated_ublk.h"

namespace strata::ublk {

// A disk in memory that says what it can, notes what it is asked, and fails on demand.
class NotingDisk final : public device::BlockDevice {
 public:
  struct Note {
    device::Op op;
    uint64_t offset;
    uint64_t length;
    bool fua;
    bool may_punch;
    bool registered;
  };
  explicit NotingDisk(uint64_t bytes)
      : size_bytes(bytes), memory_(device::MemoryDevice::create(bytes).value()) {}

  device::Capabilities can = {};
  std::atomic<uint64_t> size_bytes;
  std::atomic<int32_t> fails_with = 0;
  std::atomic<bool> refuses_registered = false;
  testing::SimulatedUblk* kernel = nullptr;  // knows what stands in a ring's table of buffers

  device::Geometry geometry() const noexcept override { return {.size_bytes = size_bytes}; }
  device::Capabilities capabilities() const noexcept override { return can; }
  Result<std::unique_ptr<device::BlockQueue>> open_queue(ring::Ring& ring) override {
    return std::unique_ptr<device::BlockQueue>(
        std::make_unique<Queue>(*this, ring, memory_->open_queue(ring).value()));
  }
  [[nodiscard]] std::vector<Note> notes() {
    const std::lock_guard lock(mutex_);
    return notes_;
  }

 private:
  struct Queue final : device::BlockQueue {
    Queue(NotingDisk& owner, ring::Ring& own_ring, std::unique_ptr<device::BlockQueue> inner)
        : disk(owner), ring(own_ring), below(std::move(inner)) {}
    void submit(device::IoRequest& request) noexcept override {
      {
        const std::lock_guard lock(disk.mutex_);
        disk.notes_.push_back({request.op, request.offset, request.length, request.fua,
                               request.may_punch, request.registered.exists()});
      }
      if (disk.fails_with != 0) return request.complete(request, disk.fails_with);
      if (!request.registered.exists()) return below->submit(request);
      if (disk.refuses_registered) return request.complete(request, -EINVAL);
      device::IoRequest inner = request;
      inner.registered = {};
      inner.buffer = disk.kernel->buffer(ring, request.registered.index).first(request.length);
      inner.complete = [](device::IoRequest&, int32_t error) noexcept { CHECK(error == 0); };
      below->submit(inner);  // and it is done
      request.complete(request, 0);
    }
    NotingDisk& disk;
    ring::Ring& ring;
    std::unique_ptr<device::BlockQueue> below;
  };
  std::unique_ptr<device::MemoryDevice> memory_;
  std::mutex mutex_;
  std::vector<Note> notes_;  // under mutex_
};

class Ublk : public ::testing::Test {
 protected:
  static constexpr uint64_t kSize = 64 * kMiB;
  static constexpr uint64_t kIdentity = 0x5eed;

  Ublk() {
    disk_.kernel = &kernel_;
    exports_.add("disk", disk_);
  }
  [[nodiscard]] Result<std::unique_ptr<Device>> make(DeviceOptions options = {}) {
    options.identity = kIdentity;
    return Device::create(kernel_, exports_.lease("disk").value(), instruments_, options);
  }
  [[nodiscard]] Result<std::unique_ptr<Device>> take_up(
      uint64_t identity = kIdentity, Duration patience = std::chrono::seconds(5)) {
    return Device::recover(kernel_, 0, identity, exports_.lease("disk").value(), instruments_,
                           Deadline::after(patience));
  }
  void start(DeviceOptions options = {}) {
    auto made = make(std::move(options));
    ASSERT_TRUE(made.ok()) << made.error().message;
    device_ = std::move(made).value();
  }
  static ByteVector pattern(size_t bytes, uint8_t seed = 1) {
    ByteVector out(bytes);
    for (size_t i = 0; i < bytes; ++i) out[i] = static_cast<std::byte>(seed + i * 7 + i / 251);
    return out;
  }
  [[nodiscard]] ByteVector read(uint64_t sector, uint32_t sectors, uint16_t queue = 0) {
    const auto request = kernel_.post(queue, IoOp::kRead, sector, sectors);
    EXPECT_EQ(kernel_.wait(queue, request), static_cast<int32_t>(sectors * kSectorBytes));
    return request->data;
  }
  int32_t write(uint64_t sector, const ByteVector& data, uint32_t flags = 0, uint16_t queue = 0) {
    return kernel_.run(queue, IoOp::kWrite, sector,
                       static_cast<uint32_t>(data.size() / kSectorBytes), data, flags);
  }
  // More than a device of two queues and few tags can take at a time.
  void write_and_read_many() {
    std::vector<testing::SimulatedUblk::SharedRequest> writes;
    for (uint32_t i = 0; i < 200; ++i) {
      writes.push_back(kernel_.post(static_cast<uint16_t>(i % 2), IoOp::kWrite, i * 8, 8,
                                    pattern(4096, static_cast<uint8_t>(i))));
    }
    for (uint32_t i = 0; i < 200; ++i) {
      ASSERT_EQ(kernel_.wait(static_cast<uint16_t>(i % 2), writes[i]), 4096);
    }
    for (uint32_t i = 0; i < 200; ++i) {
      ASSERT_EQ(read(i * 8, 8), pattern(4096, static_cast<uint8_t>(i)));
    }
  }

  NotingDisk disk_{kSize};
  testing::BlockExports exports_;
  testing::SimulatedUblk kernel_;
  metrics::Registry registry_;
  Instruments instruments_{registry_};
  std::unique_ptr<Device> device_;
};

}  // namespace strata::ublk
