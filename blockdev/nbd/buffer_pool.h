// BufferPool: page-aligned buffers of request payloads, kept for the next request.
//
// Small buffers come from an arena that is registered with the ring, so that the kernel does not
// pin their pages for each request. Where it cannot be registered there is none. Large ones come
// from another one, of huge pages where the system has some: then 1 MiB is a few pieces for the
// disk, and not 256.
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

  // Of the arenas, and of the largest buffers in them.
  static constexpr uint64_t kArenaBytes = 4 * kMiB;
  static constexpr uint64_t kArenaBufferBytesMax = 128 * kKiB;
  static constexpr uint64_t kLargeArenaBytes = 16 * kMiB;
  static constexpr uint64_t kLargeArenaBufferBytesMax = 2 * kMiB;

  // bytes_max: at least kPayloadBytesMax. ring: the thread's; it outlives this.
  BufferPool(uint64_t bytes_max, ring::Ring& ring) noexcept : bytes_max_(bytes_max), ring_(ring) {}
  ~BufferPool() { close_arenas(); }
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

  struct Arena {
    uint64_t bytes = 0;
    uint64_t buffer_bytes_max = 0;
    std::unique_ptr<std::byte, Free> memory{};
    bool tried = false;
    bool registered = false;
    uint64_t used = 0;  // bytes of it that were ever given out; they stay of their class
    std::array<std::vector<std::byte*>, kClasses> unused{};

    [[nodiscard]] bool holds(const std::byte* buffer) const noexcept {
      return memory != nullptr && buffer >= memory.get() && buffer < memory.get() + bytes;
    }
  };
  [[nodiscard]] std::byte* take_from(Arena& arena, size_t index) noexcept;
  void open_arena(Arena& arena) noexcept;
  void close_arenas() noexcept;

  std::array<std::vector<std::unique_ptr<std::byte, Free>>, kClasses> kept_;
  const uint64_t bytes_max_;
  ring::Ring& ring_;
  Arena small_{.bytes = kArenaBytes, .buffer_bytes_max = kArenaBufferBytesMax};
  Arena large_{.bytes = kLargeArenaBytes, .buffer_bytes_max = kLargeArenaBufferBytesMax};
  uint64_t bytes_out_ = 0;
  uint64_t kept_bytes_ = 0;
};

}  // namespace strata::nbd
