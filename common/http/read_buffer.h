// ReadBuffer: what a connection has received and not yet used; small while the connection is idle.
//
// Thread rule: a pool and its buffers belong to one event loop.
#pragma once

#include <memory>
#include <vector>

#include "common/base/bytes.h"

namespace strata::http {

// Blocks for bodies, kept for the next body so that each costs no page faults.
class BlockPool {
 public:
  static constexpr size_t kBlockBytes = 128 * kKiB;
  static constexpr size_t kFreeBlocksMax = 32;

  [[nodiscard]] std::unique_ptr<std::byte[]> take();
  void give(std::unique_ptr<std::byte[]> block);

 private:
  std::vector<std::unique_ptr<std::byte[]>> free_;
};

class ReadBuffer {
 public:
  // What an idle connection holds.
  static constexpr size_t kIdleBytes = 4 * kKiB;

  explicit ReadBuffer(BlockPool& pool) noexcept : pool_(pool) {}
  ReadBuffer(const ReadBuffer&) = delete;
  ReadBuffer& operator=(const ReadBuffer&) = delete;
  ~ReadBuffer() { replace(nullptr, 0); }

  // Received and not consumed; valid until the next call that is not const.
  [[nodiscard]] Bytes bytes() const noexcept { return {data_.get() + begin_, end_ - begin_}; }
  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
  [[nodiscard]] size_t capacity() const noexcept { return capacity_; }

  // Room for at least `capacity` bytes, those that are there included. Moves what is there.
  void reserve(size_t capacity);
  // Where the next received bytes go: everything that is free; empty when the buffer is full.
  [[nodiscard]] MutableBytes space() noexcept;
  void commit(size_t received) noexcept;
  void consume(size_t used) noexcept;
  // Back to kIdleBytes if what is there fits.
  void shrink();

 private:
  void replace(std::unique_ptr<std::byte[]> data, size_t capacity);

  BlockPool& pool_;
  std::unique_ptr<std::byte[]> data_;
  size_t capacity_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace strata::http
