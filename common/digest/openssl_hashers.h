// MD5, SHA-1, SHA-256 and SHA-512 over OpenSSL, inside this room only.
#pragma once

#include <memory>

#include "common/digest/checksum.h"

namespace strata::digest {

inline constexpr size_t kMd5Bytes = 16;
inline constexpr size_t kSha1Bytes = 20;
inline constexpr size_t kSha256Bytes = 32;
inline constexpr size_t kSha512Bytes = 64;

[[nodiscard]] std::unique_ptr<Hasher> make_openssl_md5();
[[nodiscard]] std::unique_ptr<Hasher> make_openssl_sha1();
[[nodiscard]] std::unique_ptr<Hasher> make_openssl_sha256();
[[nodiscard]] std::unique_ptr<Hasher> make_openssl_sha512();

}  // namespace strata::digest
