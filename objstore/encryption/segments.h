// The form of sealed bytes: docs/object-format.md has the grammar.
//
//   sealed  := [salt:16] segment*           the salt only for a part of a multipart upload
//   segment := ciphertext tag:16            of 64 KiB of plain bytes; the last has 1 to 64 KiB
//
// Nonce of a segment: its number (8 bytes, big-endian), 1 if it is the last else 0 (1 byte), three
// zero bytes. The key is used for nothing else, so no nonce comes twice. Thread rule: one task at a
// time.
#pragma once

#include <cstdint>
#include <memory>

#include "common/async/byte_source.h"
#include "common/base/bytes.h"
#include "common/base/random.h"
#include "common/crypto/aes_gcm.h"
#include "common/crypto/secret.h"

namespace strata::encryption {

inline constexpr uint64_t kSegmentBytes = 64 * kKiB;
inline constexpr uint64_t kSealedSegmentBytes = kSegmentBytes + crypto::kTagBytes;
inline constexpr size_t kSaltBytes = 16;

// How a run of bytes is sealed: as one object, or as a part that has a salt in front.
enum class Form { kObject, kPart };

// The stored length of so many plain bytes; 0 for none.
[[nodiscard]] uint64_t sealed_bytes(uint64_t plain_bytes, Form form) noexcept;

// Where the plain bytes [offset, offset + length) of `plain_bytes` lie: whole segments.
struct SealedRange {
  uint64_t first_segment = 0;
  uint64_t offset = 0;  // in the sealed bytes, the salt counted
  uint64_t length = 0;
  uint64_t skip = 0;  // plain bytes of the first segment before the range
};
// length > 0 and the range lies inside (CHECK).
[[nodiscard]] SealedRange sealed_range(uint64_t offset, uint64_t length, uint64_t plain_bytes,
                                       Form form);

// The key of a part: from the upload's data key and the part's salt.
[[nodiscard]] crypto::Secret part_key(const crypto::Secret& data_key, Bytes salt);

// Seals a stream front to back. A segment is kept back until it is known whether it is the last.
class Sealer {
 public:
  // For a whole object.
  explicit Sealer(const crypto::Secret& data_key);
  // For a part: draws its salt, which comes out first.
  Sealer(const crypto::Secret& data_key, RandomSource& random);

  // What of the sealed bytes is complete now; valid until the next call.
  [[nodiscard]] Bytes update(Bytes plain);
  // The rest. Call once. Nothing if there were no bytes at all.
  [[nodiscard]] Bytes finish();

 private:
  void seal_pending(bool last);

  ByteVector salt_;  // not given out yet; drawn before the cipher gets its key
  crypto::AesGcm cipher_;
  ByteVector pending_;
  ByteVector out_;
  uint64_t next_segment_ = 0;
};

// Opens sealed segments as they come and gives the plain bytes of a range.
class OpenedSource final : public async::ByteSource {
 public:
  // `sealed` begins with the range's first segment and has range.length bytes. length: of the plain
  // range. plain_bytes: of the whole run.
  OpenedSource(const crypto::Secret& key, const SealedRange& range, uint64_t length,
               uint64_t plain_bytes, std::unique_ptr<async::ByteSource> sealed);

  // kCorrupt for a segment that does not open, and for a stream that is too short.
  [[nodiscard]] async::Task<Result<Bytes>> next() override;
  [[nodiscard]] bool ended() const noexcept override;

 private:
  [[nodiscard]] async::Task<Result<Bytes>> end();
  [[nodiscard]] async::Task<Result<Bytes>> gather(uint64_t wanted);
  [[nodiscard]] Status open_segment(Bytes sealed);
  [[nodiscard]] uint64_t sealed_bytes_of(uint64_t segment) const noexcept;

  crypto::AesGcm cipher_;
  std::unique_ptr<async::ByteSource> sealed_;
  uint64_t plain_bytes_;
  uint64_t last_segment_;
  uint64_t segment_;
  uint64_t skip_;
  uint64_t left_;
  ByteVector gathered_;  // of the segment that is coming in
  Bytes piece_;          // of the source, not used yet
  bool source_ended_ = false;
  ByteVector plain_;
};

}  // namespace strata::encryption
