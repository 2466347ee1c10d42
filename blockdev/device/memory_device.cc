#include "blockdev/device/memory_device.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

namespace strata::device {
namespace {

constexpr uint64_t kMemoryPageBytes = 4096;
// Less than this is zeroed faster than the page tables are changed.
constexpr uint64_t kPunchBytesMin = 128 * kKiB;

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
        zero(bytes_.subspan(request.offset, request.length),
             request.op == Op::kTrim || request.may_punch);
        break;
      case Op::kFlush:
      case Op::kCache:
        break;
      case Op::kBlockStatus:
        return request.complete(request, -EOPNOTSUPP);
    }
    order_.fetch_add(1, std::memory_order_acq_rel);
    request.complete(request, 0);
  }

 private:
  // Whole pages are given back where that is allowed: a memset of a large range would hold the
  // thread for as long as writing it does.
  static void zero(MutableBytes range, bool may_punch) noexcept {
    const auto address = reinterpret_cast<uintptr_t>(range.data());
    const uint64_t lead = round_up(address, kMemoryPageBytes) - address;
    if (!may_punch || range.size() < lead + kPunchBytesMin) {
      std::memset(range.data(), 0, range.size());
      return;
    }
    const uint64_t pages = round_down(range.size() - lead, kMemoryPageBytes);
    std::memset(range.data(), 0, lead);
    if (madvise(range.data() + lead, pages, MADV_DONTNEED) != 0) {
      std::memset(range.data() + lead, 0, pages);
    }
    std::memset(range.data() + lead + pages, 0, range.size() - lead - pages);
  }

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
