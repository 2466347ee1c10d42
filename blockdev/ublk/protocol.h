// The numbers and layouts of Linux' userspace block driver, ublk_drv, and this server's limits.
//
// Source: include/uapi/linux/ublk_cmd.h and Documentation/block/ublk.rst of Linux 6.0 to 7.3. They
// are written down here because the headers of the kernel that one builds on may be older than the
// kernel that one runs on.
#pragma once

#include <cstddef>
#include <cstdint>

namespace strata::ublk {

inline constexpr const char* kControlPath = "/dev/ublk-control";
inline constexpr uint32_t kSectorBytes = 512;

// What this server asks for and takes. The kernel's own limits are larger.
inline constexpr uint16_t kQueuesMax = 16;
inline constexpr uint16_t kQueueDepthMax = 1024;
inline constexpr uint16_t kQueueDepth = 128;
inline constexpr uint32_t kRequestBytesMax = 512 * 1024;  // a read's or write's
inline constexpr uint32_t kRequestBytesMin = 4096;        // what a kernel may make of it at least

// Control commands go to /dev/ublk-control in entries of 128 bytes, since 6.4 encoded as an ioctl.
enum class ControlCommand : uint8_t {
  kGetDeviceInfo = 0x02,
  kAddDevice = 0x04,
  kDeleteDevice = 0x05,
  kStartDevice = 0x06,
  kStopDevice = 0x07,
  kSetParams = 0x08,
  kStartRecovery = 0x10,
  kEndRecovery = 0x11,
  kGetDeviceInfo2 = 0x12,  // with the path of the character device, for whom it decides
  kGetFeatures = 0x13,
  kUpdateSize = 0x15,
};
// Commands of a queue go to /dev/ublkcN.
enum class QueueCommand : uint8_t { kFetch = 0x20, kCommitAndFetch = 0x21 };

inline constexpr uint32_t kControlBytes = 32;
inline constexpr uint32_t kQueueCommandBytes = 16;

// _IOR('u', number, bytes) or _IOWR.
constexpr uint32_t ioctl_number(bool writes, uint32_t number, uint32_t bytes) noexcept {
  return (writes ? 3U : 2U) << 30U | bytes << 16U | uint32_t{'u'} << 8U | number;
}
constexpr uint32_t on_wire(ControlCommand command, bool encoded) noexcept {
  const auto number = static_cast<uint32_t>(command);
  if (!encoded) return number;
  const bool reads = command == ControlCommand::kGetDeviceInfo ||
                     command == ControlCommand::kGetDeviceInfo2 ||
                     command == ControlCommand::kGetFeatures;
  return ioctl_number(!reads, number, kControlBytes);
}
constexpr uint32_t on_wire(QueueCommand command, bool encoded) noexcept {
  const auto number = static_cast<uint32_t>(command);
  return encoded ? ioctl_number(true, number, kQueueCommandBytes) : number;
}
static_assert(on_wire(ControlCommand::kGetFeatures, true) == 0x80207513);
static_assert(on_wire(ControlCommand::kAddDevice, true) == 0xc0207504);
static_assert(on_wire(QueueCommand::kFetch, true) == 0xc0107520);

inline constexpr uint32_t kAnyDevice = ~0U;
inline constexpr uint16_t kNoQueue = 0xffff;

struct ControlWire {
  uint32_t device = 0;
  uint16_t queue = kNoQueue;
  uint16_t length = 0;   // of what `address` points to
  uint64_t address = 0;  // begins with the path, if there is one
  uint64_t data = 0;
  uint16_t path_length = 0;
  uint16_t padding = 0;
  uint32_t reserved = 0;
};
static_assert(sizeof(ControlWire) == kControlBytes);

// What a kernel offers (GET_FEATURES), what a device is asked to have, and what it has then.
inline constexpr uint64_t kUserRecovery = 1U << 3;
inline constexpr uint64_t kRecoveryReissue = 1U << 4;
inline constexpr uint64_t kUnprivileged = 1U << 5;
inline constexpr uint64_t kIoctlEncode = 1U << 6;
inline constexpr uint64_t kUserCopy = 1U << 7;
inline constexpr uint64_t kUpdateSize = 1U << 10;
inline constexpr uint64_t kAutoBuffers = 1U << 11;  // UBLK_F_AUTO_BUF_REG

struct DeviceInfo {
  uint16_t queues = 0;
  uint16_t depth = 0;  // requests of a queue
  uint16_t state = 0;
  uint16_t padding0 = 0;
  uint32_t request_bytes_max = 0;
  uint32_t device = kAnyDevice;
  int32_t server_pid = -1;
  uint32_t padding1 = 0;
  uint64_t flags = 0;
  uint64_t server_flags = 0;  // the server's to use, and kept by the kernel
  uint32_t owner_uid = 0;
  uint32_t owner_gid = 0;
  uint64_t reserved1 = 0;
  uint64_t reserved2 = 0;
};
static_assert(sizeof(DeviceInfo) == 64);
inline constexpr uint16_t kStateDead = 0;
inline constexpr uint16_t kStateLive = 1;
inline constexpr uint16_t kStateQuiesced = 2;  // waits for a server

struct Params {
  uint32_t length = 0;
  uint32_t types = 0;
  uint32_t attributes = 0;
  uint8_t logical_shift = 0;
  uint8_t physical_shift = 0;
  uint8_t optimal_shift = 0;
  uint8_t minimum_shift = 0;
  uint32_t sectors_max = 0;  // of a request
  uint32_t chunk_sectors = 0;
  uint64_t sectors = 0;  // of the device
  uint64_t boundary_mask = 0;
  uint32_t discard_alignment = 0;
  uint32_t discard_granularity = 0;
  uint32_t discard_sectors_max = 0;
  uint32_t write_zeroes_sectors_max = 0;
  uint16_t discard_segments_max = 0;
  uint16_t reserved = 0;
  uint32_t numbers[4] = {};  // of the device's nodes; the kernel's to say
  uint32_t zoned[8] = {};
  uint32_t memory_alignment = 0;  // of direct I/O's buffers, less 1
  uint32_t padding[2] = {};
};
static_assert(offsetof(Params, sectors) == 24 && offsetof(Params, discard_alignment) == 40 &&
              offsetof(Params, numbers) == 60 && offsetof(Params, memory_alignment) == 108 &&
              sizeof(Params) == 120);
inline constexpr uint32_t kParamsBytes = 116;  // an older kernel takes the beginning that it knows
inline constexpr uint32_t kParamBasic = 1;
inline constexpr uint32_t kParamDiscard = 2;
inline constexpr uint32_t kParamMemoryAlignment = 16;
inline constexpr uint32_t kReadOnly = 1;
inline constexpr uint32_t kVolatileCache = 4;
inline constexpr uint32_t kFua = 8;

struct QueueWire {
  uint16_t queue = 0;
  uint16_t tag = 0;
  int32_t result = 0;    // bytes, or -errno
  uint64_t address = 0;  // of the tag's buffer; 0 with user copy
};
static_assert(sizeof(QueueWire) == kQueueCommandBytes);

// What the entry of such a command says beside it, with kAutoBuffers: where in the ring's table of
// buffers the request's data is to stand when it comes. If it cannot be put there the request comes
// all the same, with kFlagNoBuffer.
constexpr uint64_t auto_buffer(uint32_t index) noexcept {
  constexpr uint64_t kFallback = 1U << 16U;
  return kFallback | (index & 0xffffU);
}

// A request, as the kernel writes it into the memory that it shares with the server.
struct IoDescriptor {
  uint32_t op_flags = 0;
  uint32_t sectors = 0;
  uint64_t start_sector = 0;
  uint64_t address = 0;
};
static_assert(sizeof(IoDescriptor) == 24);
enum class IoOp : uint8_t { kRead = 0, kWrite = 1, kFlush = 2, kDiscard = 3, kWriteZeroes = 5 };
inline constexpr uint32_t kOpMask = 0xff;
inline constexpr uint32_t kFlagFua = 1U << 13;
inline constexpr uint32_t kFlagNoUnmap = 1U << 15;
inline constexpr uint32_t kFlagNoBuffer = 1U << 17;

// Where the descriptors of a queue lie in the character device, for mmap; page_bytes: the host's.
constexpr uint64_t descriptors_at(uint32_t queue, uint64_t page_bytes) noexcept {
  constexpr uint64_t kDepthOfKernel = 4096;
  const uint64_t bytes = kDepthOfKernel * sizeof(IoDescriptor);
  return queue * ((bytes + page_bytes - 1) / page_bytes * page_bytes);
}
// Where a request's data lies in it, for pread and pwrite (user copy).
constexpr uint64_t data_at(uint32_t queue, uint32_t tag) noexcept {
  return 0x80000000U + (uint64_t{queue} << 41U | uint64_t{tag} << 25U);
}

}  // namespace strata::ublk
