// CRC32C (Castagnoli), by ISA-L: as fast as memory where the processor helps.
#pragma once

#include <cstdint>

#include "common/base/bytes.h"

namespace strata::digest {

// Continues from the CRC of what came before; 0 to begin with.
[[nodiscard]] uint32_t crc32c(Bytes bytes, uint32_t before = 0);

}  // namespace strata::digest
