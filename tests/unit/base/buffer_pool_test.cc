#include "common/base/buffer_pool.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace strata {
namespace {

TEST(BufferPool, buffers_are_aligned_and_of_the_size_asked) {
  BufferPool pool(3 * BufferPool::kAlignment, 1);
  const BufferPool::Buffer buffer = pool.take();
  EXPECT_EQ(buffer.bytes().size(), 3 * BufferPool::kAlignment);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.bytes().data()) % BufferPool::kAlignment, 0u);
}

TEST(BufferPool, a_buffer_that_was_given_back_is_used_again) {
  BufferPool pool(BufferPool::kAlignment, 1);
  const std::byte* const first = pool.take().bytes().data();
  EXPECT_EQ(pool.take().bytes().data(), first);
}

TEST(BufferPool, two_buffers_in_use_are_never_the_same) {
  BufferPool pool(BufferPool::kAlignment, 1);
  const BufferPool::Buffer a = pool.take();
  const BufferPool::Buffer b = pool.take();
  EXPECT_NE(a.bytes().data(), b.bytes().data());
}

TEST(BufferPool, a_moved_buffer_has_one_owner) {
  BufferPool pool(BufferPool::kAlignment, 4);
  BufferPool::Buffer a = pool.take();
  const std::byte* const data = a.bytes().data();
  BufferPool::Buffer b = std::move(a);
  EXPECT_FALSE(static_cast<bool>(a));
  EXPECT_EQ(b.bytes().data(), data);
  a = std::move(b);
  EXPECT_EQ(a.bytes().data(), data);
}

}  // namespace
}  // namespace strata
