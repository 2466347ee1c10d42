#include "common/async/frame_pool.h"

#include <new>
#include <utility>

namespace strata::async {
namespace {

thread_local FramePool* current_pool = nullptr;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kPlainBlocks = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool kPlainBlocks = true;
#else
constexpr bool kPlainBlocks = false;
#endif
#else
constexpr bool kPlainBlocks = false;
#endif

}  // namespace

FramePool::~FramePool() {
  for (Free* block : free_) {
    while (block != nullptr) ::operator delete(std::exchange(block, block->next));
  }
}

void* FramePool::take(size_t bytes) {
  const size_t whole = rounded(bytes);
  if (whole > kFrameBytesMax) return ::operator new(whole);
  Free*& first = free_[whole / kStep - 1];
  if (first == nullptr) return ::operator new(whole);
  kept_bytes_ -= whole;
  return std::exchange(first, first->next);
}

void FramePool::give(void* block, size_t bytes) noexcept {
  const size_t whole = rounded(bytes);
  if (whole > kFrameBytesMax || kept_bytes_ + whole > kKeptBytesMax) {
    ::operator delete(block);
    return;
  }
  Free*& first = free_[whole / kStep - 1];
  first = new (block) Free{first};
  kept_bytes_ += whole;
}

FramePool::Scope::Scope(FramePool& pool) noexcept : outer_(std::exchange(current_pool, &pool)) {}

FramePool::Scope::~Scope() {
  current_pool = outer_;
}

void* allocate_frame(size_t bytes) {
  if (kPlainBlocks) return ::operator new(bytes);
  if (current_pool != nullptr) return current_pool->take(bytes);
  return ::operator new(FramePool::rounded(bytes));  // a pool may come to keep it
}

void free_frame(void* frame, size_t bytes) noexcept {
  if (kPlainBlocks || current_pool == nullptr) {
    ::operator delete(frame);
  } else {
    current_pool->give(frame, bytes);
  }
}

}  // namespace strata::async
