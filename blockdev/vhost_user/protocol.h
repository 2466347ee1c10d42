// The numbers and layouts of the vhost-user protocol and of virtio-blk, as far as a disk needs
// them.
//
// Sources: QEMU, docs/interop/vhost-user.rst; OASIS, Virtual I/O Device (VIRTIO) 1.2, 2.7 (split
// virtqueues) and 5.2 (block device). Everything on the socket and in the rings is in the byte
// order of the host, which must be little-endian.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace strata::vhost_user {

static_assert(std::endian::native == std::endian::little);

// Limits of this server.
inline constexpr uint32_t kQueuesMax = 16;
inline constexpr uint32_t kRingEntriesMax = 1024;
inline constexpr uint32_t kRegionsMax = 64;        // memory regions of one front end
inline constexpr uint32_t kTableRegionsMax = 8;    // in one SET_MEM_TABLE: the protocol's own
inline constexpr uint32_t kSegmentsMax = 1024;     // parts of one request
inline constexpr uint32_t kSegmentsOffered = 126;  // seg_max: what a ring of 128 entries holds
inline constexpr uint32_t kRangesMax = 16;         // of one discard or write zeroes
inline constexpr uint64_t kRegionBytesMax = uint64_t{1} << 46;
inline constexpr size_t kPayloadBytesMax = 512;  // the longest is a full memory table: 264
inline constexpr size_t kFdsMax = 8;             // of one message

enum class Message : uint32_t {
  kGetFeatures = 1,
  kSetFeatures = 2,
  kSetOwner = 3,
  kResetOwner = 4,
  kSetMemTable = 5,
  kSetVringNum = 8,
  kSetVringAddr = 9,
  kSetVringBase = 10,
  kGetVringBase = 11,
  kSetVringKick = 12,
  kSetVringCall = 13,
  kSetVringErr = 14,
  kGetProtocolFeatures = 15,
  kSetProtocolFeatures = 16,
  kGetQueueNum = 17,
  kSetVringEnable = 18,
  kSetBackendRequestFd = 21,
  kGetConfig = 24,
  kSetConfig = 25,
  kGetInflightFd = 31,
  kSetInflightFd = 32,
  kResetDevice = 34,
  kGetMaxMemSlots = 36,
  kAddMemRegion = 37,
  kRemoveMemRegion = 38,
};

// Back end to front end, on a socket of its own.
inline constexpr uint32_t kBackendConfigChange = 2;

struct MessageHeader {
  uint32_t request = 0;
  uint32_t flags = 0;
  uint32_t size = 0;  // of the payload
};
static_assert(sizeof(MessageHeader) == 12);
inline constexpr uint32_t kVersionMask = 3;
inline constexpr uint32_t kVersion = 1;
inline constexpr uint32_t kFlagReply = 1U << 2;
inline constexpr uint32_t kFlagNeedReply = 1U << 3;

// Features: bits of GET_FEATURES.
inline constexpr uint64_t bit(uint32_t number) noexcept {
  return uint64_t{1} << number;
}
inline constexpr uint64_t kBlkSegMax = bit(2);
inline constexpr uint64_t kBlkReadOnly = bit(5);
inline constexpr uint64_t kBlkBlockSize = bit(6);
inline constexpr uint64_t kBlkFlush = bit(9);
inline constexpr uint64_t kBlkTopology = bit(10);
inline constexpr uint64_t kBlkConfigWce = bit(11);
inline constexpr uint64_t kBlkMultiQueue = bit(12);
inline constexpr uint64_t kBlkDiscard = bit(13);
inline constexpr uint64_t kBlkWriteZeroes = bit(14);
inline constexpr uint64_t kRingIndirect = bit(28);
inline constexpr uint64_t kRingEventIndex = bit(29);
inline constexpr uint64_t kProtocolFeatures = bit(30);
inline constexpr uint64_t kVersion1 = bit(32);

// Protocol features.
inline constexpr uint64_t kProtocolMultiQueue = bit(0);
inline constexpr uint64_t kProtocolReplyAck = bit(3);
inline constexpr uint64_t kProtocolBackendRequests = bit(5);
inline constexpr uint64_t kProtocolConfig = bit(9);
inline constexpr uint64_t kProtocolInflight = bit(12);
inline constexpr uint64_t kProtocolResetDevice = bit(13);
inline constexpr uint64_t kProtocolMemSlots = bit(15);
inline constexpr uint64_t kProtocolOffered =
    kProtocolMultiQueue | kProtocolReplyAck | kProtocolBackendRequests | kProtocolConfig |
    kProtocolInflight | kProtocolResetDevice | kProtocolMemSlots;

struct VringState {
  uint32_t index = 0;
  uint32_t number = 0;
};
struct VringAddress {
  uint32_t index = 0;
  uint32_t flags = 0;
  uint64_t descriptors = 0;  // addresses of the front end's own
  uint64_t used = 0;
  uint64_t available = 0;
  uint64_t log = 0;
};
static_assert(sizeof(VringAddress) == 40);

struct RegionWire {
  uint64_t guest_address = 0;
  uint64_t bytes = 0;
  uint64_t user_address = 0;  // in the front end
  uint64_t file_offset = 0;
};
static_assert(sizeof(RegionWire) == 32);

struct ConfigWire {
  uint32_t offset = 0;
  uint32_t size = 0;
  uint32_t flags = 0;
};
inline constexpr uint32_t kConfigBytesMax = 256;
inline constexpr uint32_t kConfigFromDriver = 0;  // the flags of a SET_CONFIG by the guest

struct InflightWire {
  uint64_t bytes = 0;
  uint64_t file_offset = 0;
  uint16_t queues = 0;
  uint16_t entries = 0;
};
inline constexpr size_t kInflightWireBytes = 20;  // some front ends send the padding too
static_assert(sizeof(InflightWire) == 24);

// The number of a SET_VRING_KICK, CALL or ERR.
inline constexpr uint64_t kVringIndexMask = 0xff;
inline constexpr uint64_t kVringNoFd = bit(8);

// Split virtqueues.
struct Descriptor {
  uint64_t address = 0;  // of the guest
  uint32_t length = 0;
  uint16_t flags = 0;
  uint16_t next = 0;
};
static_assert(sizeof(Descriptor) == 16);
inline constexpr uint16_t kDescriptorNext = 1;
inline constexpr uint16_t kDescriptorWrite = 2;  // the device writes there
inline constexpr uint16_t kDescriptorIndirect = 4;

struct UsedElement {
  uint32_t id = 0;
  uint32_t length = 0;
};
inline constexpr uint16_t kAvailableNoInterrupt = 1;
inline constexpr uint16_t kUsedNoNotify = 1;

// virtio-blk.
inline constexpr uint32_t kSectorBytes = 512;
struct BlockHeader {
  uint32_t type = 0;
  uint32_t reserved = 0;
  uint64_t sector = 0;
};
static_assert(sizeof(BlockHeader) == 16);
struct BlockRange {
  uint64_t sector = 0;
  uint32_t sectors = 0;
  uint32_t flags = 0;
};
static_assert(sizeof(BlockRange) == 16);
inline constexpr uint32_t kRangeUnmap = 1;
enum class BlockType : uint32_t {
  kIn = 0,
  kOut = 1,
  kFlush = 4,
  kGetId = 8,
  kDiscard = 11,
  kWriteZeroes = 13,
};
inline constexpr uint8_t kStatusOk = 0;
inline constexpr uint8_t kStatusError = 1;
inline constexpr uint8_t kStatusUnsupported = 2;
inline constexpr size_t kIdBytes = 20;

struct BlockConfig {
  uint64_t capacity = 0;  // sectors
  uint32_t size_max = 0;
  uint32_t seg_max = 0;
  uint16_t cylinders = 0;
  uint8_t heads = 0;
  uint8_t track_sectors = 0;
  uint32_t block_bytes = 0;
  uint8_t physical_block_exponent = 0;
  uint8_t alignment_offset = 0;
  uint16_t io_blocks_min = 0;
  uint32_t io_blocks_optimal = 0;
  uint8_t writeback = 0;
  uint8_t unused0 = 0;
  uint16_t queues = 0;
  uint32_t discard_sectors_max = 0;
  uint32_t discard_ranges_max = 0;
  uint32_t discard_alignment_sectors = 0;
  uint32_t write_zeroes_sectors_max = 0;
  uint32_t write_zeroes_ranges_max = 0;
  uint8_t write_zeroes_may_unmap = 0;
  uint8_t unused1[3] = {};
};
inline constexpr size_t kConfigWceOffset = 32;
static_assert(offsetof(BlockConfig, writeback) == kConfigWceOffset);
static_assert(offsetof(BlockConfig, write_zeroes_may_unmap) == 56);

}  // namespace strata::vhost_user
