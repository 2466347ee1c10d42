#include "blockdev/nbd/buffer_pool.h"

#include <sys/mman.h>

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

void BufferPool::open_arena(Arena& arena) noexcept {
  // Once until everything is given back: what failed would fail again.
  arena.tried = true;
  constexpr size_t kHugePage = 2 * kMiB;
  arena.memory.reset(static_cast<std::byte*>(std::aligned_alloc(kHugePage, arena.bytes)));
  if (arena.memory == nullptr) return;
  // Without huge pages it is as good as other memory.
  if (&arena == &large_) (void)::madvise(arena.memory.get(), arena.bytes, MADV_HUGEPAGE);
  arena.registered = ring_.register_buffer({arena.memory.get(), arena.bytes}).ok();
  // Small buffers that are not registered are better off with the allocator.
  if (!arena.registered && &arena == &small_) arena.memory.reset();
}

void BufferPool::close_arenas() noexcept {
  for (Arena* arena : {&small_, &large_}) {
    if (arena->registered) ring_.unregister_buffer(arena->memory.get());
    arena->memory.reset();
    arena->tried = false;
    arena->registered = false;
    arena->used = 0;
    for (auto& buffers : arena->unused) {
      buffers.clear();
      buffers.shrink_to_fit();
    }
  }
}

std::byte* BufferPool::take_from(Arena& arena, size_t index) noexcept {
  const uint64_t size = kBufferBytesMin << index;
  if (!arena.tried) open_arena(arena);
  if (arena.memory == nullptr) return nullptr;
  std::byte* buffer = nullptr;
  if (!arena.unused[index].empty()) {
    buffer = arena.unused[index].back();
    arena.unused[index].pop_back();
  } else if (arena.used + size <= arena.bytes) {
    buffer = arena.memory.get() + arena.used;
    arena.used += size;
  }
  return buffer;
}

std::byte* BufferPool::take(uint64_t bytes) noexcept {
  const size_t index = class_of(bytes);
  const uint64_t size = kBufferBytesMin << index;
  Arena& arena = size <= small_.buffer_bytes_max ? small_ : large_;
  if (size <= arena.buffer_bytes_max) {
    if (std::byte* const buffer = take_from(arena, index)) {
      bytes_out_ += size;
      return buffer;
    }
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
  for (Arena* arena : {&small_, &large_}) {
    if (arena->holds(buffer)) return arena->unused[index].push_back(buffer);
  }
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
  close_arenas();
}

}  // namespace strata::nbd
