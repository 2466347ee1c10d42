// Whether a device may get a filesystem: only one that holds nothing.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/result.h"

namespace strata::roof {

// kConflict, saying what was found, unless blkid and wipefs know nothing on the device and what is
// read of it is zeroes: all of it if `allocated_bytes` is small, else its first and last parts.
// allocated_bytes: what the volume's image occupies.
[[nodiscard]] Status check_blank(const std::string& device, uint64_t allocated_bytes);

}  // namespace strata::roof
