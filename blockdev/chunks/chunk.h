// A chunk: 512 KiB of a volume, called by the SHA-256 of its bytes. What two volumes, or two times
// of one volume, have in common is stored once; a chunk of zeroes is not stored at all.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"

namespace strata::chunks {

// The size of EBS's snapshot blocks. The last chunk of a volume is filled up with zeroes.
inline constexpr uint64_t kChunkBytes = 512 * kKiB;
inline constexpr size_t kHashBytes = 32;
// Of the greatest volume: 64 TiB.
inline constexpr uint64_t kVolumeChunksMax = 64 * kTiB / kChunkBytes;

struct ChunkId {
  std::array<std::byte, kHashBytes> hash{};
  friend auto operator<=>(const ChunkId&, const ChunkId&) = default;
  [[nodiscard]] std::string to_hex() const;
};

// bytes: kChunkBytes of them.
[[nodiscard]] ChunkId chunk_id(Bytes bytes);
// 64 lower-case hexadecimal digits; nullopt for anything else.
[[nodiscard]] std::optional<ChunkId> parse_chunk_id(std::string_view text);
[[nodiscard]] bool is_zero(Bytes bytes) noexcept;

// Chunks of a volume of that size, the last one cut short by its end included.
[[nodiscard]] constexpr uint64_t chunks_of(uint64_t size_bytes) noexcept {
  return (size_bytes + kChunkBytes - 1) / kChunkBytes;
}
// Bytes of the chunk that lie inside the volume.
[[nodiscard]] constexpr uint64_t bytes_of_chunk(uint64_t index, uint64_t size_bytes) noexcept {
  const uint64_t start = index * kChunkBytes;
  return size_bytes - start < kChunkBytes ? size_bytes - start : kChunkBytes;
}

}  // namespace strata::chunks
