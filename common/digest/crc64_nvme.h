// CRC-64/NVME. ISA-L 2.30 does not have it, so it is here: carry-less multiplication where the
// processor has it, tables elsewhere.
// Source: NVM Express NVM Command Set specification, 64b CRC; Intel, "Fast CRC Computation for
// Generic Polynomials Using PCLMULQDQ Instruction".
#pragma once

#include <cstdint>

#include "common/base/bytes.h"

namespace strata::digest {

// Continues a CRC: 0 to begin with, then the last result.
[[nodiscard]] uint64_t crc64_nvme(uint64_t crc, Bytes bytes) noexcept;

// The same by tables alone, on any processor.
[[nodiscard]] uint64_t crc64_nvme_by_tables(uint64_t crc, Bytes bytes) noexcept;

}  // namespace strata::digest
