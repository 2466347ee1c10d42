#include "blockdev/chunks/chunk.h"

#include <cstring>

#include "common/base/check.h"
#include "common/codec/text.h"
#include "common/digest/checksum.h"

namespace strata::chunks {

std::string ChunkId::to_hex() const {
  return codec::to_hex(Bytes(hash));
}

ChunkId chunk_id(Bytes bytes) {
  CHECK(bytes.size() == kChunkBytes, "a chunk has its full size");
  const std::string raw = digest::sha256(bytes);
  ChunkId id;
  std::memcpy(id.hash.data(), raw.data(), kHashBytes);
  return id;
}

std::optional<ChunkId> parse_chunk_id(std::string_view text) {
  if (text.size() != 2 * kHashBytes) return std::nullopt;
  const std::optional<std::string> raw = codec::from_hex(text);
  if (!raw) return std::nullopt;
  ChunkId id;
  std::memcpy(id.hash.data(), raw->data(), kHashBytes);
  if (id.to_hex() != text) return std::nullopt;
  return id;
}

bool is_zero(Bytes bytes) noexcept {
  // A range that begins with a zero and equals itself moved by one is all zeroes.
  return bytes.empty() || (bytes.front() == std::byte{0} &&
                           std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

}  // namespace strata::chunks
