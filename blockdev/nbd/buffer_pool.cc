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

void BufferPool::open_arena() noexcept {
  // Once until everything is given back: what failed would fail again.
  arena_tried_ = true;
  constexpr size_t kHugePage = 2 * kMiB;
  arena_.reset(static_cast<std::byte*>(std::aligned_alloc(kHugePage, kArenaBytes)));
  if (arena_ == nullptr) return;
  if (!ring_.register_buffer({arena_.get(), kArenaBytes}).ok()) arena_.reset();
}

void BufferPool::close_arena() noexcept {
  if (arena_ != nullptr) ring_.unregister_buffer(arena_.get());
  arena_.reset();
  arena_tried_ = false;
  arena_used_ = 0;
  for (auto& buffers : arena_free_) {
    buffers.clear();
    buffers.shrink_to_fit();
  }
}

std::byte* BufferPool::take_from_arena(size_t index) noexcept {
  const uint64_t size = kBufferBytesMin << index;
  if (size > kArenaBufferBytesMax) return nullptr;
  if (!arena_tried_) open_arena();
  if (arena_ == nullptr) return nullptr;
  std::byte* buffer = nullptr;
  if (!arena_free_[index].empty()) {
    buffer = arena_free_[index].back();
    arena_free_[index].pop_back();
  } else if (arena_used_ + size <= kArenaBytes) {
    buffer = arena_.get() + arena_used_;
    arena_used_ += size;
  }
  return buffer;
}

std::byte* BufferPool::take(uint64_t bytes) noexcept {
  const size_t index = class_of(bytes);
  const uint64_t size = kBufferBytesMin << index;
  if (std::byte* const buffer = take_from_arena(index)) {
    bytes_out_ += size;
    return buffer;
  }
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
  bytes_out_ -= size;
  if (in_arena(buffer)) return arena_free_[index].push_back(buffer);
  std::unique_ptr<std::byte, Free> owned(buffer);
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
  close_arena();
}

}  // namespace strata::nbd
