// FramePool: memory for the frames of coroutines, kept by the loop that they run on.
//
// A request runs through a dozen coroutines, each with a frame from the heap; many frames are too
// large for the allocator's fast path. A loop keeps the frames that end and gives them to those
// that begin. Off a loop, and in builds that look for wrong uses of memory, frames are plain heap
// blocks.
//
// Thread rule: a pool is used by the thread that is inside it; a block may come back to another
// pool than it came from, or to none.
#pragma once

#include <array>
#include <cstddef>

namespace strata::async {

class FramePool {
 public:
  // Frames beyond this are not kept.
  static constexpr size_t kFrameBytesMax = 4096;
  // The most that a pool keeps.
  static constexpr size_t kKeptBytesMax = size_t{1} << 20;

  FramePool() = default;
  ~FramePool();
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;

  // A block of at least so many bytes, one at the least.
  [[nodiscard]] void* take(size_t bytes);
  // A block that a pool gave out, or operator new for rounded(bytes).
  void give(void* block, size_t bytes) noexcept;
  [[nodiscard]] static constexpr size_t rounded(size_t bytes) noexcept {
    return (bytes + kStep - 1) / kStep * kStep;
  }
  [[nodiscard]] size_t kept_bytes() const noexcept { return kept_bytes_; }

  // While it lives, frames that this thread makes and frees go through the pool.
  class Scope {
   public:
    explicit Scope(FramePool& pool) noexcept;
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    FramePool* outer_;
  };

 private:
  static constexpr size_t kStep = 64;
  struct Free {
    Free* next;
  };
  std::array<Free*, kFrameBytesMax / kStep> free_{};  // by size, in steps
  size_t kept_bytes_ = 0;
};

// What promises allocate their frames with.
[[nodiscard]] void* allocate_frame(size_t bytes);
void free_frame(void* frame, size_t bytes) noexcept;

}  // namespace strata::async
