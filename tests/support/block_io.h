// Requests to a BlockDevice from a test: one queue on a ring of its own, one request at a time or
// many at once.
#pragma once

#include <cstdlib>
#include <memory>
#include <vector>

#include "blockdev/device/block_device.h"
#include "common/base/check.h"

namespace strata::testing {

// Thread rule: used on the thread that made it.
class BlockIo {
 public:
  struct Pending : device::IoRequest {
    bool done = false;
    int32_t error = 0;
  };

  explicit BlockIo(device::BlockDevice& device) {
    auto ring = ring::Ring::create({});
    CHECK(ring.ok(), ring.ok() ? "" : ring.error().message);
    ring_ = std::move(ring).value();
    auto queue = device.open_queue(*ring_);
    CHECK(queue.ok(), queue.ok() ? "" : queue.error().message);
    queue_ = std::move(queue).value();
    CHECK(ring_->run_once(Deadline::after(Duration(0))).ok());
  }

  void start(Pending& request) {
    request.complete = [](device::IoRequest& self, int32_t error) noexcept {
      auto& pending = static_cast<Pending&>(self);
      CHECK(!pending.done);
      pending.done = true;
      pending.error = error;
    };
    queue_->submit(request);
  }
  void wait(const Pending& request) {
    while (!request.done) CHECK(ring_->run_once(Deadline::never()).ok());
  }
  int32_t run(Pending request) {
    start(request);
    wait(request);
    return request.error;
  }

  int32_t read(uint64_t offset, MutableBytes into) {
    Pending request;
    request.offset = offset;
    request.buffer = into;
    return run(request);
  }
  int32_t write(uint64_t offset, Bytes from, bool fua = false) {
    Pending request;
    request.op = device::Op::kWrite;
    request.offset = offset;
    request.fua = fua;
    // A device reads from the buffer of a write, and only reads.
    request.buffer = {const_cast<std::byte*>(from.data()), from.size()};
    return run(request);
  }
  int32_t range(device::Op op, uint64_t offset, uint64_t length, bool may_punch = true,
                bool fua = false) {
    Pending request;
    request.op = op;
    request.offset = offset;
    request.length = length;
    request.may_punch = may_punch;
    request.fua = fua;
    return run(request);
  }
  [[nodiscard]] ring::Ring& ring() noexcept { return *ring_; }
  int32_t flush() { return range(device::Op::kFlush, 0, 0); }

 private:
  std::unique_ptr<ring::Ring> ring_;
  std::unique_ptr<device::BlockQueue> queue_;
};

// Memory at an address that is, or is off by `skew` from, a multiple of 4096.
class AlignedBuffer {
 public:
  explicit AlignedBuffer(size_t bytes, size_t skew = 0)
      : memory_(static_cast<std::byte*>(std::aligned_alloc(4096, round_up(bytes + skew + 1, 4096))),
                &std::free),
        bytes_(memory_.get() + skew, bytes) {
    CHECK(memory_ != nullptr);
  }
  [[nodiscard]] MutableBytes bytes() noexcept { return bytes_; }

 private:
  std::unique_ptr<std::byte, decltype(&std::free)> memory_;
  MutableBytes bytes_;
};

}  // namespace strata::testing
