// What a chain asks for, as a virtio-blk request: taken apart, and judged against the disk.
// Source: VIRTIO 1.2, 5.2.6.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "blockdev/device/block_device.h"
#include "blockdev/vhost_user/chain.h"
#include "blockdev/vhost_user/protocol.h"

namespace strata::vhost_user {

// Of one range of a discard or write zeroes; told to the driver.
inline constexpr uint32_t kDiscardSectorsMax = uint32_t{1} << 22;      // 2 GiB
inline constexpr uint32_t kWriteZeroesSectorsMax = uint32_t{1} << 18;  // 128 MiB
inline constexpr uint64_t kRequestBytesMax = uint64_t{1} << 30;

struct BlockRequest {
  BlockHeader header;
  std::byte* status = nullptr;  // where the answer's last byte goes
  uint64_t data_bytes = 0;      // of the side that the type uses
  uint64_t writable_bytes = 0;  // all that the device may write, the status included
};

// Takes the header off the front and the status off the end of the chain; what is left of its
// segments is the data of the side that the type uses. Empty text, or what is wrong: then there is
// no place for an answer.
[[nodiscard]] std::string_view take_apart(Chain& chain, BlockRequest& out) noexcept;

// What is to be done.
struct BlockVerdict {
  uint8_t status = kStatusOk;  // anything else is the answer
  bool answer_id = false;
  bool past_end = false;  // refused only because it goes beyond the end: the disk may have grown
  device::Op op = device::Op::kRead;
  uint64_t offset = 0;  // bytes; of reads and writes
};
[[nodiscard]] BlockVerdict judge(const BlockRequest& request, uint64_t device_bytes,
                                 const device::Capabilities& capabilities) noexcept;

// The ranges of a discard or write zeroes, copied and judged.
struct BlockRanges {
  std::array<BlockRange, kRangesMax> ranges;
  uint32_t count = 0;
};
// The status: kStatusOk, or the answer. `past_end` as above.
[[nodiscard]] uint8_t judge_ranges(const Chain& data, uint64_t data_bytes, device::Op op,
                                   uint64_t device_bytes, BlockRanges& out,
                                   bool& past_end) noexcept;

// The answer to a device's -errno.
[[nodiscard]] uint8_t status_of(int32_t device_error) noexcept;

}  // namespace strata::vhost_user
