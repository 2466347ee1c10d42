// The memory of a queue that is idle: given back, and never with data in it that somebody needs.
#include <poll.h>

#include "tests/unit/ublk/ublk_fixture.h"

namespace strata::ublk {
namespace {

class UblkIdle : public Ublk {
 protected:
  static constexpr uint32_t kSectors = kRequestBytesMax / kSectorBytes;
  static constexpr Duration kSoon = std::chrono::milliseconds(2);

  // So much that it is worth giving back.
  void use() {
    for (uint32_t i = 0; i < 10; ++i) {
      const ByteVector data = pattern(kRequestBytesMax, static_cast<uint8_t>(1 + 2 * i));
      ASSERT_EQ(write(uint64_t{i} * kSectors, data), static_cast<int32_t>(kRequestBytesMax));
      ASSERT_EQ(read(uint64_t{i} * kSectors, kSectors), data);
    }
  }
  // On a busy host a pause in the middle of the use may have been one too, and what was used after
  // it is not worth giving back.
  [[nodiscard]] bool used_and_given_back() {
    for (int i = 0; i < 100; ++i) {
      use();
      if (given_back(200)) return true;
    }
    return false;
  }
  [[nodiscard]] bool given_back(int patience_ms) {
    for (int i = 0; i < patience_ms; ++i) {
      if (kernel_.all_zeroes(0)) return true;
      poll(nullptr, 0, 1);
    }
    return false;
  }
};

TEST_F(UblkIdle, the_memory_of_an_idle_queue_is_given_back_without_user_copy_too) {
  kernel_.always = kIoctlEncode;
  kernel_.in_next_turn = true;
  start({.depth = 4, .idle_time = kSoon});
  EXPECT_TRUE(used_and_given_back());
  EXPECT_TRUE(used_and_given_back()) << "and again";
}

TEST_F(UblkIdle, with_user_copy_as_well) {
  start({.depth = 4, .user_copy = true, .idle_time = kSoon});
  EXPECT_TRUE(used_and_given_back());
}

TEST_F(UblkIdle, requests_that_come_as_the_memory_goes_lose_nothing) {
  kernel_.always = kIoctlEncode;
  kernel_.in_next_turn = true;
  start({.depth = 4, .idle_time = std::chrono::microseconds(200)});
  uint32_t pause_us = 0;
  for (uint32_t round = 0; round < 60; ++round) {
    const ByteVector data = pattern(kRequestBytesMax, static_cast<uint8_t>(1 + round));
    for (uint32_t i = 0; i < 9; ++i) {
      ASSERT_EQ(write(uint64_t{i} * kSectors, data), static_cast<int32_t>(kRequestBytesMax));
    }
    // Around the time after which it is given back.
    pause_us = (pause_us + 37) % 400;
    const SteadyTime until = std::chrono::steady_clock::now() + std::chrono::microseconds(pause_us);
    while (std::chrono::steady_clock::now() < until) {
    }
    const auto last = kernel_.post(0, IoOp::kWrite, 0, kSectors, data);
    const auto seen = kernel_.post(0, IoOp::kRead, kSectors, kSectors);
    ASSERT_EQ(kernel_.wait(0, last), static_cast<int32_t>(kRequestBytesMax));
    ASSERT_EQ(kernel_.wait(0, seen), static_cast<int32_t>(kRequestBytesMax));
    ASSERT_EQ(seen->data, data) << round;
    ASSERT_EQ(read(0, kSectors), data) << round;
  }
}

TEST_F(UblkIdle, a_kernel_that_moves_data_at_any_time_finds_its_memory_kept) {
  start({.depth = 4, .idle_time = kSoon});
  use();
  // The data of a write is there, and the request has not come for long.
  kernel_.withheld = true;
  const ByteVector data = pattern(kRequestBytesMax, 99);
  const auto early = kernel_.post(0, IoOp::kWrite, 0, kSectors, data);
  EXPECT_FALSE(given_back(50)) << "longer than the queue would have been idle";
  kernel_.let_come(0);
  ASSERT_EQ(kernel_.wait(0, early), static_cast<int32_t>(kRequestBytesMax));
  EXPECT_EQ(read(0, kSectors), data);
}

}  // namespace
}  // namespace strata::ublk
