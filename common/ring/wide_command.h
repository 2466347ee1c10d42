// One command to a device's driver whose bytes do not fit into the Ring's entries: a ring of its
// own with entries of 128 bytes, used once.
//
// For what is asked rarely and may take long, as a driver's control commands do. Any thread.
#pragma once

#include <cstdint>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace strata::ring {

inline constexpr size_t kWideCommandBytesMax = 80;

// Sends the command and waits for the driver's answer, however long that takes: a number, or
// -errno. kUnsupported where there is no io_uring, or one older than Linux 5.19.
[[nodiscard]] Result<int32_t> wide_command(int fd, uint32_t number, Bytes bytes) noexcept;

}  // namespace strata::ring
