#include "blockdev/nbd/buffer_pool.h"

#include <bit>

#include "common/base/check.h"

namespace strata::nbd {

size_t BufferPool::class_of(uint64_t bytes) noexcept {
  CHECK(bytes > 0 && bytes <= kPayloadBytesMax);
  if (bytes <= kBufferBytesMin) return 0;
  return static_cast<size_t>(std::bit_width((bytes - 1) / kBufferBytesMin));
}

uint64_t BufferPool::occupied(uint64_t bytes) noexcept {
  return kBufferBytesMin << class_of(bytes);
}

std::byte* BufferPool::take(uint64_t bytes) noexcept {
  const size_t index = class_of(bytes);
  const uint64_t size = kBufferBytesMin << index;
  if (!kept_[index].empty()) {
    std::byte* const buffer = kept_[index].back().release();
    kept_[index].pop_back();
    kept_bytes_ -= size;
    bytes_out_ += size;
    return buffer;
  }
  auto* const buffer = static_cast<std::byte*>(std::aligned_alloc(kBufferBytesMin, size));
  if (buffer != nullptr) bytes_out_ += size;
  return buffer;
}

void BufferPool::give_back(std::byte* buffer, uint64_t bytes) noexcept {
  const size_t index = class_of(bytes);
  const uint64_t size = kBufferBytesMin << index;
  std::unique_ptr<std::byte, Free> owned(buffer);
  bytes_out_ -= size;
  if (kept_bytes_ + size > kKeptBytesMax) return;
  kept_[index].push_back(std::move(owned));
  kept_bytes_ += size;
}

void BufferPool::release() noexcept {
  for (auto& buffers : kept_) {
    buffers.clear();
    buffers.shrink_to_fit();
  }
  kept_bytes_ = 0;
}

}  // namespace strata::nbd
