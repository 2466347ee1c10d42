// BufferPool: page-aligned buffers of request payloads, kept for the next request.
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

namespace strata::nbd {

class BufferPool {
 public:
  static constexpr uint64_t kBufferBytesMin = 4096;
  static constexpr uint64_t kKeptBytesMax = 32 * kMiB;

  // bytes_max: at least kPayloadBytesMax.
  explicit BufferPool(uint64_t bytes_max) noexcept : bytes_max_(bytes_max) {}

  // Whether `occupied` more bytes keep to the limit.
  [[nodiscard]] bool may_take(uint64_t occupied) const noexcept {
    return bytes_out_ + occupied <= bytes_max_;
  }
  // What a request of `bytes` (1 to kPayloadBytesMax) occupies.
  [[nodiscard]] static uint64_t occupied(uint64_t bytes) noexcept;

  // occupied(bytes) bytes, with anything in them; nullptr if the system has none.
  [[nodiscard]] std::byte* take(uint64_t bytes) noexcept;
  void give_back(std::byte* buffer, uint64_t bytes) noexcept;
  // Frees what is kept.
  void release() noexcept;

 private:
  struct Free {
    void operator()(std::byte* memory) const noexcept { std::free(memory); }
  };
  static constexpr size_t kClasses = 14;  // 4 KiB << 13 = 32 MiB
  static_assert(kBufferBytesMin << (kClasses - 1) == kPayloadBytesMax);
  [[nodiscard]] static size_t class_of(uint64_t bytes) noexcept;

  std::array<std::vector<std::unique_ptr<std::byte, Free>>, kClasses> kept_;
  const uint64_t bytes_max_;
  uint64_t bytes_out_ = 0;
  uint64_t kept_bytes_ = 0;
};

}  // namespace strata::nbd
