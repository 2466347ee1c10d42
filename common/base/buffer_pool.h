// BufferPool: large buffers of one size, aligned for direct I/O, that are used again.
//
// A fresh megabyte costs a page fault for every 4 KiB of it and a pass of zeroing; one that was
// used before costs nothing.
//
// Thread rule: any thread. The pool outlives its buffers.
#pragma once

#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

#include "common/base/bytes.h"

namespace strata {

class BufferPool {
 public:
  static constexpr size_t kAlignment = 4096;

  // Movable owner of one buffer; gives it back when it goes.
  class Buffer {
   public:
    Buffer() = default;
    Buffer(Buffer&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)), data_(std::exchange(other.data_, nullptr)) {}
    Buffer& operator=(Buffer&& other) noexcept {
      std::swap(pool_, other.pool_);
      std::swap(data_, other.data_);
      return *this;
    }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() {
      if (data_ != nullptr) pool_->give_back(data_);
    }
    [[nodiscard]] explicit operator bool() const noexcept { return data_ != nullptr; }
    // All of it; what is in it is whatever was there before.
    [[nodiscard]] MutableBytes bytes() const noexcept { return {data_, pool_->buffer_bytes_}; }

   private:
    friend BufferPool;
    Buffer(BufferPool* pool, std::byte* data) noexcept : pool_(pool), data_(data) {}
    BufferPool* pool_ = nullptr;
    std::byte* data_ = nullptr;
  };

  // buffer_bytes: a multiple of kAlignment. At most kept_max unused buffers are kept.
  BufferPool(size_t buffer_bytes, size_t kept_max);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  [[nodiscard]] Buffer take();

 private:
  void give_back(std::byte* data) noexcept;

  const size_t buffer_bytes_;
  const size_t kept_max_;
  std::mutex mutex_;
  std::vector<std::byte*> kept_;  // guarded by mutex_
};

}  // namespace strata
