#include "common/io/sparse_bytes.h"

#include <algorithm>

namespace strata::io {
namespace {

// The part of a range that lies in one page.
struct Piece {
  uint64_t page = 0;
  size_t within = 0;
  size_t length = 0;
};
Piece piece_at(uint64_t offset, uint64_t left) {
  const auto within = static_cast<size_t>(offset % SparseBytes::kPageBytes);
  return {offset / SparseBytes::kPageBytes, within,
          static_cast<size_t>(std::min<uint64_t>(left, SparseBytes::kPageBytes - within))};
}

}  // namespace

size_t SparseBytes::read(uint64_t offset, MutableBytes out) const {
  if (offset >= size_) return 0;
  out = out.first(static_cast<size_t>(std::min<uint64_t>(out.size(), size_ - offset)));
  size_t done = 0;
  while (done < out.size()) {
    const Piece piece = piece_at(offset + done, out.size() - done);
    const auto found = pages_.find(piece.page);
    if (found == pages_.end() || found->second == nullptr) {
      std::memset(out.data() + done, 0, piece.length);
    } else {
      std::memcpy(out.data() + done, found->second->data() + piece.within, piece.length);
    }
    done += piece.length;
  }
  return out.size();
}

void SparseBytes::write(uint64_t offset, Bytes data) {
  if (data.empty()) return;
  size_ = std::max(size_, offset + data.size());
  while (!data.empty()) {
    const Piece piece = piece_at(offset, data.size());
    std::shared_ptr<const Page>& slot = pages_[piece.page];
    auto fresh = slot == nullptr ? std::make_shared<Page>() : std::make_shared<Page>(*slot);
    std::memcpy(fresh->data() + piece.within, data.data(), piece.length);
    slot = std::move(fresh);
    offset += piece.length;
    data = data.subspan(piece.length);
  }
}

void SparseBytes::resize(uint64_t size_bytes) {
  if (size_bytes < size_) {
    pages_.erase(pages_.lower_bound(round_up(size_bytes, kPageBytes) / kPageBytes), pages_.end());
    const auto within = static_cast<size_t>(size_bytes % kPageBytes);
    const auto last = pages_.find(size_bytes / kPageBytes);
    if (within != 0 && last != pages_.end() && last->second != nullptr) {
      // What is cut off reads as zeroes if the content grows again.
      auto fresh = std::make_shared<Page>(*last->second);
      std::fill(fresh->begin() + static_cast<std::ptrdiff_t>(within), fresh->end(), std::byte{0});
      last->second = std::move(fresh);
    }
  }
  size_ = size_bytes;
}

void SparseBytes::reserve(uint64_t offset, uint64_t length) {
  if (length == 0) return;
  size_ = std::max(size_, offset + length);
  const uint64_t last = (offset + length - 1) / kPageBytes;
  for (uint64_t page = offset / kPageBytes; page <= last; ++page) pages_.try_emplace(page);
}

uint64_t SparseBytes::fitting(uint64_t offset, uint64_t length, uint64_t budget_bytes) const {
  uint64_t fits = 0;
  while (fits < length) {
    const Piece piece = piece_at(offset + fits, length - fits);
    if (!pages_.contains(piece.page)) {
      if (budget_bytes < kPageBytes) break;
      budget_bytes -= kPageBytes;
    }
    fits += piece.length;
  }
  return fits;
}

}  // namespace strata::io
