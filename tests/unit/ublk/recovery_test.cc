// A server that is killed or leaves, and the next one.
#include <iostream>

#include "common/base/random.h"
#include "common/io/memory_file_system.h"
#include "tests/support/seam_device.h"
#include "tests/support/seeds.h"
#include "tests/unit/ublk/ublk_fixture.h"

namespace strata::ublk {
namespace {

using device::Op;

TEST_F(Ublk, requests_that_a_killed_server_did_not_answer_are_served_by_the_next) {
  start({.queues = 2});
  ASSERT_EQ(write(0, pattern(4096, 1)), 4096);
  // It is killed after the disk did it and before the kernel heard so.
  kernel_.answers_lost = true;
  const auto lost = kernel_.post(1, IoOp::kWrite, 8, 8, pattern(4096, 2));
  const auto unread = kernel_.post(0, IoOp::kRead, 0, 8);
  device_.reset();
  kernel_.answers_lost = false;
  EXPECT_FALSE(lost->result.has_value());
  const auto waiting = kernel_.post(0, IoOp::kFlush, 0, 0);
  auto next = take_up();
  ASSERT_TRUE(next.ok()) << next.error().message;
  EXPECT_EQ(kernel_.wait(1, lost), 4096);
  EXPECT_EQ(kernel_.wait(0, unread), 4096);
  EXPECT_EQ(unread->data, pattern(4096, 1));
  EXPECT_EQ(kernel_.wait(0, waiting), 0);
  EXPECT_EQ(read(8, 8), pattern(4096, 2));
  EXPECT_EQ(instruments_.recovered.value(), 1U);
  EXPECT_TRUE((*next)->recoverable());
  EXPECT_TRUE((*next)->end(false).ok());
}

TEST_F(Ublk, a_server_that_leaves_answers_what_is_under_way) {
  start({.depth = 4});
  std::vector<testing::SimulatedUblk::SharedRequest> all;
  for (uint32_t i = 0; i < 64; ++i) {
    all.push_back(kernel_.post(0, IoOp::kWrite, i * 8, 8, pattern(4096, static_cast<uint8_t>(i))));
  }
  device_->leave();
  device_.reset();
  device_ = take_up().value();
  for (uint32_t i = 0; i < 64; ++i) EXPECT_EQ(kernel_.wait(0, all[i]), 4096);
  for (uint32_t i = 0; i < 64; ++i) {
    EXPECT_EQ(read(i * 8, 8), pattern(4096, static_cast<uint8_t>(i)));
  }
}

TEST_F(Ublk, the_next_server_waits_until_the_kernel_has_noticed_the_end_of_the_last) {
  start();
  device_.reset();
  kernel_.busy_times = 3;
  EXPECT_TRUE(take_up().ok());
}

TEST_F(Ublk, and_not_longer_than_it_has_time) {
  start();
  device_.reset();
  kernel_.busy_times = 1'000'000;
  const auto next = take_up(kIdentity, Duration(0));
  ASSERT_FALSE(next.ok());
  EXPECT_EQ(next.error().code, Code::kBusy);
  kernel_.busy_times = 0;
  EXPECT_TRUE(take_up().ok()) << "it still waits for a server";
}

TEST_F(Ublk, a_recovery_that_was_cut_short_is_finished_by_the_next_server) {
  start();
  device_.reset();
  ASSERT_TRUE(kernel_.start_recovery(0).ok());  // and killed
  EXPECT_TRUE(take_up().ok());
}

TEST_F(Ublk, a_device_of_another_server_with_the_same_number_is_left_alone) {
  start();
  device_.reset();
  const auto next = take_up(kIdentity + 1);
  ASSERT_FALSE(next.ok());
  EXPECT_EQ(next.error().code, Code::kNotFound);
  EXPECT_TRUE(Device::discard(kernel_, 0, kIdentity + 1).ok());
  EXPECT_EQ(kernel_.devices(), 1U);
  EXPECT_TRUE(Device::exists(kernel_, 0, kIdentity).value());
  EXPECT_FALSE(Device::exists(kernel_, 0, kIdentity + 1).value());
  EXPECT_FALSE(Device::exists(kernel_, 7, kIdentity).value());
}

TEST_F(Ublk, a_device_that_never_started_is_cleared_away) {
  DeviceInfo wanted;
  wanted.queues = 1;
  wanted.depth = 8;
  wanted.request_bytes_max = kRequestBytesMax;
  wanted.server_flags = kIdentity;
  ASSERT_TRUE(kernel_.add(wanted).ok());  // and killed
  const auto next = take_up();
  ASSERT_FALSE(next.ok());
  EXPECT_EQ(next.error().code, Code::kNotFound);
  EXPECT_EQ(kernel_.devices(), 0U);
}

TEST_F(Ublk, a_device_that_cannot_be_recovered_is_cleared_away) {
  kernel_.privileged = false;
  start();
  device_.reset();
  const auto next = take_up();
  ASSERT_FALSE(next.ok());
  EXPECT_EQ(next.error().code, Code::kNotFound);
  EXPECT_EQ(kernel_.devices(), 0U);
}

TEST_F(Ublk, a_device_without_a_server_can_be_discarded) {
  start();
  device_.reset();
  EXPECT_TRUE(Device::discard(kernel_, 0, kIdentity).ok());
  EXPECT_EQ(kernel_.devices(), 0U);
  EXPECT_TRUE(Device::discard(kernel_, 0, kIdentity).ok());
}

TEST_F(Ublk, a_next_server_that_fails_leaves_the_device_waiting) {
  start();
  device_.reset();
  kernel_.fetch_error = -EINVAL;
  EXPECT_FALSE(take_up().ok());
  kernel_.fetch_error = 0;
  EXPECT_TRUE(take_up().ok());
}

// Of every block, the value that is stable and those that were answered after it.
struct Ledger {
  static constexpr uint64_t kBlocks = 16;
  std::array<uint8_t, kBlocks> stable{};
  std::array<std::vector<uint8_t>, kBlocks> since;
  void flushed(uint64_t block) {
    if (!since[block].empty()) stable[block] = since[block].back();
    since[block].clear();
  }
  [[nodiscard]] bool may_hold(uint64_t block, uint8_t value) const {
    return value == stable[block] ||
           std::find(since[block].begin(), since[block].end(), value) != since[block].end();
  }
};

TEST_F(Ublk, what_was_flushed_or_written_with_fua_survives_a_power_cut) {
  constexpr uint64_t kBlock = 4096;
  const uint64_t seed = tests::test_seed();
  std::cout << "seed " << seed << " (repeat with STRATA_TEST_SEED)\n";
  SeededRandom random(seed);
  io::MemoryFileSystem files;
  {
    auto image = files.open("image", {.write = true, .create = true}).value();
    ASSERT_TRUE(image->truncate(Ledger::kBlocks * kBlock).ok() && image->sync().ok());
    ASSERT_TRUE(files.sync_directory("/").ok());
  }
  testing::SeamDevice disk(files.open("image", {.write = true}).value(), Ledger::kBlocks * kBlock);
  exports_.add("disk", disk);
  start({.queues = 2});
  Ledger ledger;
  for (int step = 1; step <= 200; ++step) {
    const auto queue = static_cast<uint16_t>(random.below(2));
    const uint64_t block = random.below(Ledger::kBlocks);
    if (random.below(5) == 0) {
      ASSERT_EQ(kernel_.run(queue, IoOp::kFlush, 0, 0), 0);
      for (uint64_t i = 0; i < Ledger::kBlocks; ++i) ledger.flushed(i);
    } else {
      const auto value = static_cast<uint8_t>(1 + random.below(255));
      const bool fua = random.below(4) == 0;
      ledger.since[block].push_back(value);
      const ByteVector data(kBlock, static_cast<std::byte>(value));
      ASSERT_EQ(write(block * kBlock / kSectorBytes, data, fua ? kFlagFua : 0, queue), kBlock);
      if (fua) ledger.flushed(block);
    }
    const auto outcome = files.crash_copy(random);
    const auto image = outcome->open("image", {.write = true}).value();
    ByteVector got(kBlock);
    for (uint64_t i = 0; i < Ledger::kBlocks; ++i) {
      ASSERT_EQ(image->read_at(i * kBlock, got).value(), kBlock);
      // A sector is old or new, each for itself.
      for (size_t at = 0; at < kBlock; at += kSectorBytes) {
        ASSERT_TRUE(ledger.may_hold(i, static_cast<uint8_t>(got[at]))) << "block " << i;
      }
    }
  }
  device_.reset();
}

}  // namespace
}  // namespace strata::ublk
