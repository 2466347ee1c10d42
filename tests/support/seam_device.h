// A disk that is a file behind the seam, so that a simulated disk can lose power under it. Requests
// complete inside submit.
#pragma once

#include <cerrno>
#include <memory>
#include <mutex>

#include "blockdev/device/block_device.h"
#include "common/io/file_system.h"

namespace strata::testing {

class SeamDevice final : public device::BlockDevice {
 public:
  SeamDevice(std::unique_ptr<io::File> file, uint64_t size_bytes)
      : file_(std::move(file)), size_bytes_(size_bytes) {}
  [[nodiscard]] device::Geometry geometry() const noexcept override {
    return {.size_bytes = size_bytes_};
  }
  [[nodiscard]] device::Capabilities capabilities() const noexcept override { return {}; }
  [[nodiscard]] Result<std::unique_ptr<device::BlockQueue>> open_queue(ring::Ring&) override {
    return std::unique_ptr<device::BlockQueue>(std::make_unique<Queue>(*this));
  }

 private:
  struct Queue final : device::BlockQueue {
    explicit Queue(SeamDevice& owner) : device(owner) {}
    void submit(device::IoRequest& request) noexcept override {
      const Status done = device.run(request);
      request.complete(request, done.ok() ? 0 : -EIO);
    }
    SeamDevice& device;
  };
  [[nodiscard]] Status run(device::IoRequest& request) {
    const std::lock_guard lock(mutex_);
    switch (request.op) {
      case device::Op::kRead: {
        TRY_ASSIGN(const size_t got, file_->read_at(request.offset, request.buffer));
        if (got != request.buffer.size()) return Error(Code::kIo, "past the end");
        return {};
      }
      case device::Op::kWrite:
        TRY(file_->write_at(request.offset, request.buffer));
        return request.fua ? file_->sync_data() : Status();
      case device::Op::kFlush:
        return file_->sync_data();
      default:
        return Error(Code::kUnsupported, "not needed here");
    }
  }
  std::mutex mutex_;
  std::unique_ptr<io::File> file_;
  const uint64_t size_bytes_;
};

}  // namespace strata::testing
