// MD5, SHA-1 and SHA-256 over OpenSSL, inside this room only.
#pragma once

#include <memory>

#include "common/digest/checksum.h"

namespace strata::digest {

inline constexpr size_t kMd5Bytes = 16;
inline constexpr size_t kSha1Bytes = 20;
inline constexpr size_t kSha256Bytes = 32;

[[nodiscard]] std::unique_ptr<Hasher> make_openssl_md5();
[[nodiscard]] std::unique_ptr<Hasher> make_openssl_sha1();
[[nodiscard]] std::unique_ptr<Hasher> make_openssl_sha256();

}  // namespace strata::digest
