// Commands to devices' drivers (IORING_OP_URING_CMD): an operation of a Ring that only the wires to
// drivers use, and so not a member of it.
//
// Thread rule: as every method of Ring.
#pragma once

#include <cstdint>

#include "common/base/bytes.h"
#include "common/ring/ring.h"

namespace strata::ring {

inline constexpr size_t kCommandBytesMax = 16;

// The bytes are copied now. A driver may keep the command for as long as it has nothing to say, and
// Ring::cancel does not reach it: when the ring is destroyed the driver gives it up, and it does
// not complete. result: what the driver says, or -errno. address: of the entry beside the bytes, if
// the driver reads it.
void send_command(Ring& ring, Operation& op, int fd, uint32_t number, Bytes bytes,
                  uint64_t address = 0) noexcept;

}  // namespace strata::ring
