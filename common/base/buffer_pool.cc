#include "common/base/buffer_pool.h"

#include <new>

#include "common/base/check.h"

namespace strata {

BufferPool::BufferPool(size_t buffer_bytes, size_t kept_max)
    : buffer_bytes_(buffer_bytes), kept_max_(kept_max) {
  CHECK(buffer_bytes > 0 && buffer_bytes % kAlignment == 0, "a buffer is made of whole pages");
  kept_.reserve(kept_max);
}

BufferPool::~BufferPool() {
  for (std::byte* data : kept_) ::operator delete(data, std::align_val_t(kAlignment));
}

BufferPool::Buffer BufferPool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!kept_.empty()) {
      std::byte* const data = kept_.back();
      kept_.pop_back();
      return Buffer(this, data);
    }
  }
  void* const fresh = ::operator new(buffer_bytes_, std::align_val_t(kAlignment));
  return Buffer(this, static_cast<std::byte*>(fresh));
}

void BufferPool::give_back(std::byte* data) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (kept_.size() < kept_max_) {
      kept_.push_back(data);
      return;
    }
  }
  ::operator delete(data, std::align_val_t(kAlignment));
}

}  // namespace strata
