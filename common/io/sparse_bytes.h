// The content of a simulated file: a size and the pages that were written or reserved.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>

#include "common/base/bytes.h"

namespace strata::io {

// Copies share their pages, which are never changed once they are made, so a copy may be used by
// another thread. One object: one thread at a time. The caller has checked that offset + length
// does not pass 2^63-1.
class SparseBytes {
 public:
  static constexpr uint64_t kPageBytes = 4096;

  [[nodiscard]] uint64_t size() const noexcept { return size_; }
  [[nodiscard]] uint64_t allocated_bytes() const noexcept { return pages_.size() * kPageBytes; }

  // Bytes copied: fewer than asked only at the end. Holes are zeroes.
  [[nodiscard]] size_t read(uint64_t offset, MutableBytes out) const;
  // Extends the content if it ends before the range does.
  void write(uint64_t offset, Bytes data);
  // Cuts the content, or extends it with a hole.
  void resize(uint64_t size_bytes);
  // Makes every page of the range count as allocated, and extends the content to its end.
  void reserve(uint64_t offset, uint64_t length);

  // How much of the range's beginning can be written if at most `budget_bytes` of new pages may be
  // allocated.
  [[nodiscard]] uint64_t fitting(uint64_t offset, uint64_t length, uint64_t budget_bytes) const;

 private:
  using Page = std::array<std::byte, kPageBytes>;
  uint64_t size_ = 0;
  std::map<uint64_t, std::shared_ptr<const Page>> pages_;  // by page index; null is all zeroes
};

}  // namespace strata::io
