// The doors for what the kernel says and is told of a disk.
#pragma once

#include <cstdint>

#include "blockdev/device/block_device.h"
#include "blockdev/ublk/protocol.h"
#include "common/base/result.h"

namespace strata::ublk {

// What requests are judged against.
struct DiskLimits {
  uint64_t device_bytes = 0;
  uint32_t request_bytes_max = kRequestBytesMax;
  device::Capabilities capabilities = {};
};

struct Verdict {
  int32_t error = 0;      // 0, or the -errno to answer
  bool past_end = false;  // the error is that it reaches past the end
};

// What a descriptor asks. If it is good, `out` is the request, but for its buffer; a read's or
// write's length is a multiple of the sector, and at most the limit.
[[nodiscard]] Verdict judge(const IoDescriptor& asked, const DiskLimits& limits,
                            device::IoRequest& out) noexcept;

// What the kernel is told when the disk failed: it understands full and not supported, and all
// else is an I/O error.
[[nodiscard]] int32_t answer_of_error(int32_t error) noexcept;

// What the kernel is told of a disk, whose size is a multiple of the sector. zero_copy: the disk
// gets the kernel's pages as they are.
[[nodiscard]] Params params_of(const device::Geometry& geometry,
                               const device::Capabilities& capabilities, uint32_t request_bytes_max,
                               bool zero_copy = false) noexcept;

// Whether a device as the kernel describes it is one that this server can serve: kUnsupported with
// what is wrong.
[[nodiscard]] Status check_info(const DeviceInfo& info);

}  // namespace strata::ublk
