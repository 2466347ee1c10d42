// The pool of coroutine frames: what comes back is used again, and what is kept is bounded.
#include "common/async/frame_pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <vector>

namespace strata::async {
namespace {

TEST(FramePool, a_block_that_came_back_serves_the_next_frame_of_its_size) {
  FramePool pool;
  void* const first = pool.take(1000);
  pool.give(first, 1000);
  EXPECT_EQ(pool.kept_bytes(), FramePool::rounded(1000));
  void* const smaller = pool.take(100);
  EXPECT_NE(smaller, first);
  void* const second = pool.take(1001);
  EXPECT_EQ(second, first);
  EXPECT_EQ(pool.kept_bytes(), 0u);
  pool.give(second, 1001);
  pool.give(smaller, 100);
}

TEST(FramePool, blocks_in_use_are_distinct_and_whole) {
  FramePool pool;
  for (int round = 0; round < 3; ++round) {
    std::set<void*> blocks;
    for (size_t bytes = 1; bytes <= FramePool::kFrameBytesMax + 100; bytes += 37) {
      void* const block = pool.take(bytes);
      std::memset(block, round, bytes);
      EXPECT_TRUE(blocks.insert(block).second);
      if (bytes % 2 == 0) {
        pool.give(block, bytes);
        blocks.erase(block);
      }
    }
    for (void* const block : blocks) ::operator delete(block);
  }
}

TEST(FramePool, keeps_no_more_than_its_bound) {
  FramePool pool;
  std::vector<void*> blocks;
  constexpr size_t kBytes = 2048;
  for (size_t i = 0; i < FramePool::kKeptBytesMax / kBytes + 10; ++i) {
    blocks.push_back(pool.take(kBytes));
  }
  for (void* const block : blocks) pool.give(block, kBytes);
  EXPECT_EQ(pool.kept_bytes(), FramePool::kKeptBytesMax);
}

TEST(FramePool, a_frame_may_be_made_off_a_loop_and_freed_on_one) {
  void* const frame = allocate_frame(300);
  FramePool pool;
  const FramePool::Scope scope(pool);
  free_frame(frame, 300);
  void* const again = allocate_frame(300);
  std::memset(again, 1, 300);
  free_frame(again, 300);
}

}  // namespace
}  // namespace strata::async
