// The one door for requests: what a client asked for, checked against the export.
#pragma once

#include <cstdint>
#include <string_view>

#include "blockdev/device/block_device.h"
#include "blockdev/nbd/protocol.h"

namespace strata::nbd {

// The export's transmission flags as the handshake tells them.
[[nodiscard]] uint16_t transmission_flags(const device::Capabilities& capabilities,
                                          const Session& session) noexcept;

struct Verdict {
  uint32_t error = 0;                 // an NBD error value; 0: serve it
  std::string_view problem{};         // why, for people; static storage
  bool past_end = false;              // refused because the range does not lie inside the device
  uint64_t payload_bytes = 0;         // that follow the header, to receive or, if refused, to drain
  bool disconnect = false;            // the client says goodbye; nothing to answer
  bool status_payload = false;        // the payload says what a block status is about
  device::Op op = device::Op::kRead;  // if error is 0
};

// The longest payload of a block status: the effect's length and the one context that there is.
inline constexpr uint64_t kStatusPayloadMax = 12;

// After error 0 the range lies inside the device, is not empty for anything but a flush, is not
// longer than kPayloadBytesMax for reads and writes, and every flag is one that was advertised. A
// block status with status_payload has no range yet: judge_status_payload() finds it.
[[nodiscard]] Verdict judge(const RequestHeader& header, uint64_t size_bytes,
                            const device::Capabilities& capabilities,
                            const Session& session) noexcept;

// The rest of the verdict on a block status with payload. Sets header.length to that of the range.
[[nodiscard]] Verdict judge_status_payload(RequestHeader& header, Bytes payload,
                                           uint64_t size_bytes) noexcept;

// The NBD error value for a device's -errno (or 0).
[[nodiscard]] uint32_t wire_error(int32_t device_error) noexcept;

}  // namespace strata::nbd
