#include "blockdev/ublk/request.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cerrno>

namespace strata::ublk {
namespace {

constexpr uint32_t kDiscardSectorsMax = uint32_t{1} << 22;      // 2 GiB
constexpr uint32_t kWriteZeroesSectorsMax = uint32_t{1} << 18;  // 128 MiB
constexpr uint32_t kBlockBytesMax = 4096;  // a kernel takes blocks of a page at most

uint8_t shift_of(uint32_t bytes) noexcept {
  return static_cast<uint8_t>(std::bit_width(bytes) - 1);
}

// The operation, or -EOPNOTSUPP.
int32_t op_of(uint32_t op_flags, const device::Capabilities& capabilities,
              device::Op& out) noexcept {
  switch (static_cast<IoOp>(op_flags & kOpMask)) {
    case IoOp::kRead:
      out = device::Op::kRead;
      return 0;
    case IoOp::kWrite:
      out = device::Op::kWrite;
      return 0;
    case IoOp::kFlush:
      out = device::Op::kFlush;
      return 0;
    case IoOp::kDiscard:
      out = device::Op::kTrim;
      return capabilities.trim ? 0 : -EOPNOTSUPP;
    case IoOp::kWriteZeroes:
      out = device::Op::kWriteZeroes;
      return capabilities.write_zeroes ? 0 : -EOPNOTSUPP;
  }
  return -EOPNOTSUPP;
}

}  // namespace

Verdict judge(const IoDescriptor& asked, const DiskLimits& limits,
              device::IoRequest& out) noexcept {
  if (const int32_t error = op_of(asked.op_flags, limits.capabilities, out.op); error != 0) {
    return {error};
  }
  out.fua = (asked.op_flags & kFlagFua) != 0 && limits.capabilities.fua;
  out.may_punch = (asked.op_flags & kFlagNoUnmap) == 0;
  out.offset = 0;
  out.length = 0;
  if (out.op == device::Op::kFlush) return {};
  if (out.op != device::Op::kRead && limits.capabilities.read_only) return {-EPERM};
  const uint64_t sectors = limits.device_bytes / kSectorBytes;
  if (asked.sectors == 0) return {-EINVAL};
  if (asked.start_sector > sectors || asked.sectors > sectors - asked.start_sector) {
    return {-EIO, true};
  }
  out.offset = asked.start_sector * kSectorBytes;
  out.length = uint64_t{asked.sectors} * kSectorBytes;
  const bool data = out.op == device::Op::kRead || out.op == device::Op::kWrite;
  if (data && out.length > limits.request_bytes_max) return {-EINVAL};
  return {};
}

int32_t answer_of_error(int32_t error) noexcept {
  return error == -ENOSPC || error == -EOPNOTSUPP ? error : -EIO;
}

Params params_of(const device::Geometry& geometry, const device::Capabilities& capabilities,
                 uint32_t request_bytes_max, bool zero_copy) noexcept {
  const uint32_t block =
      std::bit_floor(std::clamp(geometry.block_bytes_preferred, kSectorBytes, kBlockBytesMax));
  Params out;
  out.length = kParamsBytes;
  out.types = kParamBasic;
  out.logical_shift = shift_of(kSectorBytes);
  out.physical_shift = shift_of(block);
  out.minimum_shift = shift_of(block);
  out.optimal_shift = shift_of(block);
  out.sectors_max = request_bytes_max / kSectorBytes;
  out.sectors = geometry.size_bytes / kSectorBytes;
  if (zero_copy) {
    // Who reads and writes past the page cache aligns his memory to the sector anyway, and most
    // disks ask for no more.
    out.types |= kParamMemoryAlignment;
    out.memory_alignment = kSectorBytes - 1;
  }
  if (capabilities.read_only) out.attributes |= kReadOnly;
  // With a volatile cache the kernel flushes. It knows no FUA without one.
  if (capabilities.flush) out.attributes |= kVolatileCache | (capabilities.fua ? kFua : 0U);
  if (capabilities.read_only || (!capabilities.trim && !capabilities.write_zeroes)) return out;
  out.types |= kParamDiscard;
  out.discard_granularity = block;
  out.discard_segments_max = 1;
  if (capabilities.trim) out.discard_sectors_max = kDiscardSectorsMax;
  if (capabilities.write_zeroes) out.write_zeroes_sectors_max = kWriteZeroesSectorsMax;
  return out;
}

Status check_info(const DeviceInfo& info) {
  const bool good = info.queues >= 1 && info.queues <= kQueuesMax && info.depth >= 1 &&
                    info.depth <= kQueueDepthMax && info.request_bytes_max >= kRequestBytesMin &&
                    info.request_bytes_max <= kRequestBytesMax &&
                    info.request_bytes_max % kSectorBytes == 0 && info.device != kAnyDevice;
  if (good) return {};
  return Error(Code::kUnsupported,
               fmt::format("the kernel's ublk device {} has {} queues of {} requests of {} bytes; "
                           "this server serves up to {} of {} of {} to {}",
                           info.device, info.queues, info.depth, info.request_bytes_max, kQueuesMax,
                           kQueueDepthMax, kRequestBytesMin, kRequestBytesMax));
}

}  // namespace strata::ublk
