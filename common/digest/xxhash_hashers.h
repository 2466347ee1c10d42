// XXH64, XXH3 and XXH128 as checksums of S3 (seed 0, canonical byte order), inside this room only.
// Source: the xxHash specification; "canonical representation" is big-endian.
#pragma once

#include <memory>

#include "common/digest/checksum.h"

namespace strata::digest {

inline constexpr size_t kXxhash64Bytes = 8;
inline constexpr size_t kXxhash3Bytes = 8;
inline constexpr size_t kXxhash128Bytes = 16;

[[nodiscard]] std::unique_ptr<Hasher> make_xxhash64();
[[nodiscard]] std::unique_ptr<Hasher> make_xxhash3();
[[nodiscard]] std::unique_ptr<Hasher> make_xxhash128();

}  // namespace strata::digest
