// The one door for requests: what a client asked for, checked against the export.
#pragma once

#include <cstdint>

#include "blockdev/device/block_device.h"
#include "blockdev/nbd/protocol.h"

namespace strata::nbd {

// The export's transmission flags as the handshake tells them.
[[nodiscard]] uint16_t transmission_flags(const device::Capabilities& capabilities) noexcept;

struct Verdict {
  uint32_t error = 0;                 // an NBD error value; 0: serve it
  uint64_t payload_bytes = 0;         // that follow the header, to receive or, if refused, to drain
  bool disconnect = false;            // the client says goodbye; nothing to answer
  device::Op op = device::Op::kRead;  // if error is 0
};

// After error 0 the range lies inside the device, is not empty for anything but a flush, is not
// longer than kPayloadBytesMax for reads and writes, and every flag is one that was advertised.
[[nodiscard]] Verdict judge(const RequestHeader& header, uint64_t size_bytes,
                            const device::Capabilities& capabilities) noexcept;

// The NBD error value for a device's -errno (or 0).
[[nodiscard]] uint32_t wire_error(int32_t device_error) noexcept;

}  // namespace strata::nbd
