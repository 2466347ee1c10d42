#include "common/digest/crc32c.h"

#include <isa-l/crc.h>

#include <algorithm>

namespace strata::digest {

uint32_t crc32c(Bytes bytes, uint32_t before) {
  // ISA-L leaves the inversions to the caller here, takes the length as an int and the data
  // without const, which it does not write to.
  constexpr size_t kPieceMax = size_t{1} << 30;
  uint32_t crc = ~before;
  while (!bytes.empty()) {
    const Bytes piece = bytes.first(std::min(bytes.size(), kPieceMax));
    auto* data = const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(piece.data()));
    crc = crc32_iscsi(data, static_cast<int>(piece.size()), crc);
    bytes = bytes.subspan(piece.size());
  }
  return ~crc;
}

}  // namespace strata::digest
