// Where things are in a blob file, and how its parts are checked. No I/O here.
//
//   header   4 KiB: what this file is, before its length is known
//   blocks   64 KiB each, the last one shorter, padded with zeros to a multiple of 4 KiB
//   table    one checksum a block, padded with zeros so that the footer ends on 4 KiB
//   footer   64 bytes: what this file is, its length, the table's checksum
//
// Blocks begin at multiples of 4 KiB and hold nothing but data, so that they can be read and
// written directly, without the page cache. A block's checksum covers the cluster, the blob and the
// block's place in it. docs/drive-format.md has the fields and a worked example.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "objstore/drive/id128.h"
#include "objstore/drive/record_format.h"

namespace strata::drive {

inline constexpr uint64_t kBlockBytes = 64 * kKiB;
inline constexpr uint64_t kBlobAlignment = 4096;
inline constexpr uint64_t kBlobHeaderBytes = 4096;
inline constexpr uint64_t kBlobFooterBytes = 64;
inline constexpr uint64_t kBlobBytesMax = 5 * kGiB;

// The last two of the 32 digits of a blob's id name its folder: the first ones grow with time.
inline constexpr size_t kBlobFolderDigitAt = 30;

struct BlobLayout {
  uint64_t size_bytes = 0;
  [[nodiscard]] uint64_t blocks() const noexcept {
    return (size_bytes + kBlockBytes - 1) / kBlockBytes;
  }
  [[nodiscard]] static uint64_t block_offset(uint64_t block) noexcept {
    return kBlobHeaderBytes + block * kBlockBytes;
  }
  // The block's bytes of data, and what it takes in the file.
  [[nodiscard]] uint64_t block_bytes(uint64_t block) const noexcept {
    return std::min(kBlockBytes, size_bytes - block * kBlockBytes);
  }
  [[nodiscard]] uint64_t table_offset() const noexcept {
    return kBlobHeaderBytes + round_up(size_bytes, kBlobAlignment);
  }
  [[nodiscard]] uint64_t file_bytes() const noexcept {
    return table_offset() + round_up(blocks() * 8 + kBlobFooterBytes, kBlobAlignment);
  }
  [[nodiscard]] uint64_t footer_offset() const noexcept { return file_bytes() - kBlobFooterBytes; }
};

// `padded`: the block's data with its padding.
[[nodiscard]] uint64_t block_checksum(RecordSeed seed, const Id128& id, uint64_t block,
                                      Bytes padded);

[[nodiscard]] ByteVector encode_blob_header(RecordSeed seed, const Id128& id);
[[nodiscard]] Status check_blob_header(RecordSeed seed, const Id128& id, Bytes header);

// What a header or footer says of itself, unchecked: for people who look at a damaged file.
// nullopt: it does not begin like one, or is too short.
struct BlobClaim {
  Id128 id;
  uint64_t size_bytes = 0;  // of a footer
};
[[nodiscard]] std::optional<BlobClaim> claim_of_header(Bytes header);
[[nodiscard]] std::optional<BlobClaim> claim_of_footer(Bytes footer);

// Table, padding and footer: what follows the blocks.
[[nodiscard]] ByteVector encode_blob_tail(RecordSeed seed, const Id128& id, uint64_t size_bytes,
                                          const std::vector<uint64_t>& checksums);
[[nodiscard]] Status check_blob_footer(RecordSeed seed, const Id128& id, uint64_t size_bytes,
                                       Bytes footer);
// The whole tail: the table too.
[[nodiscard]] Status check_blob_tail(RecordSeed seed, const Id128& id, uint64_t size_bytes,
                                     Bytes tail);

}  // namespace strata::drive
