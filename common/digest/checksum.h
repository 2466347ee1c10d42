// The checksums of S3, and XXH3 for what is stored. Behind them: OpenSSL, ISA-L, xxHash.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"

namespace strata::digest {

// The algorithms a client may ask for (x-amz-checksum-ALGORITHM).
enum class ChecksumAlgorithm : uint8_t {
  kCrc32,
  kCrc32c,
  kCrc64Nvme,
  kSha1,
  kSha256,
  kSha512,
  kMd5,
  kXxhash64,
  kXxhash3,  // 64 bits
  kXxhash128,
};
inline constexpr ChecksumAlgorithm kChecksumAlgorithms[] = {
    ChecksumAlgorithm::kCrc32,    ChecksumAlgorithm::kCrc32c,   ChecksumAlgorithm::kCrc64Nvme,
    ChecksumAlgorithm::kSha1,     ChecksumAlgorithm::kSha256,   ChecksumAlgorithm::kSha512,
    ChecksumAlgorithm::kMd5,      ChecksumAlgorithm::kXxhash64, ChecksumAlgorithm::kXxhash3,
    ChecksumAlgorithm::kXxhash128};

// As S3 writes them: "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "SHA512", "MD5", "XXHASH64",
// "XXHASH3", "XXHASH128"; parsing ignores case.
[[nodiscard]] std::string_view checksum_name(ChecksumAlgorithm algorithm) noexcept;
[[nodiscard]] std::optional<ChecksumAlgorithm> parse_checksum_name(std::string_view name) noexcept;
// Bytes of its raw value.
[[nodiscard]] size_t checksum_size(ChecksumAlgorithm algorithm) noexcept;
// Whether the checksum of a whole follows from its parts' (the CRC family).
[[nodiscard]] bool checksum_combines(ChecksumAlgorithm algorithm) noexcept;

// A digest computed piece by piece. One thread at a time.
class Hasher {
 public:
  virtual ~Hasher() = default;
  virtual void update(Bytes bytes) = 0;
  // The raw value, big-endian as S3 encodes it. Call once; no update after it.
  [[nodiscard]] virtual std::string finish() = 0;
};
[[nodiscard]] std::unique_ptr<Hasher> make_hasher(ChecksumAlgorithm algorithm);
[[nodiscard]] std::unique_ptr<Hasher> make_md5();
[[nodiscard]] std::unique_ptr<Hasher> make_sha256();

// One call each; raw values.
[[nodiscard]] std::string checksum(ChecksumAlgorithm algorithm, Bytes bytes);
[[nodiscard]] std::string md5(Bytes bytes);
[[nodiscard]] std::string sha256(Bytes bytes);
[[nodiscard]] std::string hmac_sha256(Bytes key, Bytes message);
// For Signature Version 2 only.
[[nodiscard]] std::string hmac_sha1(Bytes key, Bytes message);

// The checksum of A followed by B, from both values and B's length. CRC family only (CHECK).
[[nodiscard]] std::string combine(ChecksumAlgorithm algorithm, std::string_view a,
                                  std::string_view b, uint64_t b_bytes);

// XXH3, 64 bits, for stored bytes.
[[nodiscard]] uint64_t xxh3(Bytes bytes, uint64_t seed = 0) noexcept;

// The same computed piece by piece, without a seed. One thread at a time.
class Xxh3 {
 public:
  Xxh3();
  ~Xxh3();
  Xxh3(const Xxh3&) = delete;
  Xxh3& operator=(const Xxh3&) = delete;
  void update(Bytes bytes) noexcept;
  // Of everything so far.
  [[nodiscard]] uint64_t value() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Equal without telling by timing where they differ.
[[nodiscard]] bool equal_constant_time(std::string_view a, std::string_view b) noexcept;

}  // namespace strata::digest
