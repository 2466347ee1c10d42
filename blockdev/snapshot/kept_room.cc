#include "blockdev/snapshot/kept_room.h"

#include <bit>
#include <cstdlib>

#include "common/base/check.h"

namespace strata::snapshot {

std::shared_ptr<KeptRoom> KeptRoom::create(size_t slabs_max) {
  return std::shared_ptr<KeptRoom>(new KeptRoom(slabs_max));
}

KeptRoom::~KeptRoom() {
  for (std::byte* slab : slabs_) std::free(slab);
}

KeptRoom::Piece KeptRoom::take(size_t blocks) {
  CHECK(blocks >= 1 && blocks <= kPieceBlocksMax);
  const auto size_class = static_cast<size_t>(std::bit_width(blocks - 1));
  const std::lock_guard lock(mutex_);
  std::vector<std::byte*>& unused = unused_[size_class];
  if (unused.empty() && !add_slab(size_class)) return {};
  std::byte* const piece = unused.back();
  unused.pop_back();
  return {piece, GiveBack{shared_from_this(), size_class}};
}

// Under mutex_.
bool KeptRoom::add_slab(size_t size_class) {
  if (slabs_.size() >= slabs_max_) return false;
  auto* const slab = static_cast<std::byte*>(std::aligned_alloc(kBlockBytes, kSlabBytes));
  if (slab == nullptr) return false;
  slabs_.push_back(slab);
  const size_t piece_bytes = kBlockBytes << size_class;
  // All that are ever given back find room in the list.
  unused_[size_class].reserve(slabs_.size() * (kSlabBytes / piece_bytes));
  for (size_t at = 0; at < kSlabBytes; at += piece_bytes) {
    unused_[size_class].push_back(slab + at);
  }
  return true;
}

void KeptRoom::give_back(std::byte* piece, size_t size_class) noexcept {
  const std::lock_guard lock(mutex_);
  unused_[size_class].push_back(piece);
}

}  // namespace strata::snapshot
