#include "common/http/read_buffer.h"

#include <utility>

#include "common/base/check.h"

namespace strata::http {

std::unique_ptr<std::byte[]> BlockPool::take() {
  if (free_.empty()) return std::make_unique_for_overwrite<std::byte[]>(kBlockBytes);
  std::unique_ptr<std::byte[]> block = std::move(free_.back());
  free_.pop_back();
  return block;
}

void BlockPool::give(std::unique_ptr<std::byte[]> block) {
  if (free_.size() < kFreeBlocksMax) free_.push_back(std::move(block));
}

void ReadBuffer::replace(std::unique_ptr<std::byte[]> data, size_t capacity) {
  if (!empty() && data) std::memcpy(data.get(), data_.get() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  std::swap(data_, data);
  const size_t old_capacity = std::exchange(capacity_, capacity);
  if (data && old_capacity == BlockPool::kBlockBytes) pool_.give(std::move(data));
}

void ReadBuffer::reserve(size_t capacity) {
  if (capacity <= capacity_) return;
  size_t bytes = std::max(capacity_, kIdleBytes);
  while (bytes < capacity) bytes *= 2;
  replace(bytes == BlockPool::kBlockBytes ? pool_.take()
                                          : std::make_unique_for_overwrite<std::byte[]>(bytes),
          bytes);
}

MutableBytes ReadBuffer::space() noexcept {
  if (begin_ > 0) {
    std::memmove(data_.get(), data_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  return {data_.get() + end_, capacity_ - end_};
}

void ReadBuffer::commit(size_t received) noexcept {
  CHECK(received <= capacity_ - end_);
  end_ += received;
}

void ReadBuffer::consume(size_t used) noexcept {
  CHECK(used <= end_ - begin_);
  begin_ += used;
  if (begin_ == end_) begin_ = end_ = 0;
}

void ReadBuffer::shrink() {
  if (capacity_ <= kIdleBytes || end_ - begin_ > kIdleBytes) return;
  replace(std::make_unique_for_overwrite<std::byte[]>(kIdleBytes), kIdleBytes);
}

}  // namespace strata::http
