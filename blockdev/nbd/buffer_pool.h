// BufferPool: page-aligned buffers of request payloads, kept for the next request.
//
// Small buffers come from an arena that is registered with the ring, so that the kernel does not
// pin their pages for each request. Where it cannot be registered there is none.
//
// Sizes are powers of two from 4 KiB to 32 MiB. In steady state a buffer is taken and given back
// without the allocator. At most kKeptBytesMax stay in the pool when they are not used, and at most
// bytes_max are out at a time, by the callers' asking may_take() for what a client makes them take.
//
// Thread rule: one thread.
#pragma once

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "blockdev/nbd/protocol.h"
#include "common/base/bytes.h"
#include "common/ring/ring.h"

namespace strata::nbd {

class BufferPool {
 public:
  static constexpr uint64_t kBufferBytesMin = 4096;
  static constexpr uint64_t kKeptBytesMax = 32 * kMiB;

  // Of the arena, and of the largest buffer in it.
  static constexpr uint64_t kArenaBytes = 4 * kMiB;
  static constexpr uint64_t kArenaBufferBytesMax = 128 * kKiB;

  // bytes_max: at least kPayloadBytesMax. ring: the thread's; it outlives this.
  BufferPool(uint64_t bytes_max, ring::Ring& ring) noexcept : bytes_max_(bytes_max), ring_(ring) {}
  ~BufferPool() { close_arena(); }
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // Whether `occupied` more bytes keep to the limit.
  [[nodiscard]] bool may_take(uint64_t occupied) const noexcept {
    return bytes_out_ + occupied <= bytes_max_;
  }
  // What a request of `bytes` (1 to kPayloadBytesMax) occupies.
  [[nodiscard]] static uint64_t occupied(uint64_t bytes) noexcept;

  // occupied(bytes) bytes, with anything in them; nullptr if the system has none.
  [[nodiscard]] std::byte* take(uint64_t bytes) noexcept;
  void give_back(std::byte* buffer, uint64_t bytes) noexcept;
  // Frees what is kept; no buffer is out.
  void release() noexcept;

 private:
  struct Free {
    void operator()(std::byte* memory) const noexcept { std::free(memory); }
  };
  static constexpr size_t kClasses = 14;  // 4 KiB << 13 = 32 MiB
  static_assert(kBufferBytesMin << (kClasses - 1) == kPayloadBytesMax);
  [[nodiscard]] static size_t class_of(uint64_t bytes) noexcept;

  [[nodiscard]] bool in_arena(const std::byte* buffer) const noexcept {
    return arena_ != nullptr && buffer >= arena_.get() && buffer < arena_.get() + kArenaBytes;
  }
  [[nodiscard]] std::byte* take_from_arena(size_t index) noexcept;
  void open_arena() noexcept;
  void close_arena() noexcept;

  std::array<std::vector<std::unique_ptr<std::byte, Free>>, kClasses> kept_;
  const uint64_t bytes_max_;
  ring::Ring& ring_;
  std::unique_ptr<std::byte, Free> arena_;
  bool arena_tried_ = false;
  uint64_t arena_used_ = 0;  // bytes of it that were ever given out; they stay of their class
  std::array<std::vector<std::byte*>, kClasses> arena_free_;
  uint64_t bytes_out_ = 0;
  uint64_t kept_bytes_ = 0;
};

}  // namespace strata::nbd
