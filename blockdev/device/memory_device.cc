#include "blockdev/device/memory_device.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cstring>

namespace strata::device {
namespace {

class MemoryQueue final : public BlockQueue {
 public:
  MemoryQueue(MutableBytes bytes, std::atomic<uint64_t>& order) noexcept
      : bytes_(bytes), order_(order) {}

  void submit(IoRequest& request) noexcept override {
    order_.fetch_add(1, std::memory_order_acq_rel);
    switch (request.op) {
      case Op::kRead:
        std::memcpy(request.buffer.data(), bytes_.data() + request.offset, request.buffer.size());
        break;
      case Op::kWrite:
        std::memcpy(bytes_.data() + request.offset, request.buffer.data(), request.buffer.size());
        break;
      case Op::kTrim:
      case Op::kWriteZeroes:
        std::memset(bytes_.data() + request.offset, 0, request.length);
        break;
      case Op::kFlush:
        break;
    }
    order_.fetch_add(1, std::memory_order_acq_rel);
    request.complete(request, 0);
  }

 private:
  MutableBytes bytes_;
  std::atomic<uint64_t>& order_;
};

}  // namespace

Result<std::unique_ptr<MemoryDevice>> MemoryDevice::create(uint64_t size_bytes) {
  void* memory = mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return Error(Code::kNoSpace, fmt::format("no memory for a disk of {} bytes", size_bytes));
  }
  return std::unique_ptr<MemoryDevice>(
      new MemoryDevice({static_cast<std::byte*>(memory), size_bytes}));
}

MemoryDevice::~MemoryDevice() {
  munmap(bytes_.data(), bytes_.size());
}

Result<std::unique_ptr<BlockQueue>> MemoryDevice::open_queue(ring::Ring& /*ring*/) {
  return std::unique_ptr<BlockQueue>(std::make_unique<MemoryQueue>(bytes_, order_));
}

}  // namespace strata::device
