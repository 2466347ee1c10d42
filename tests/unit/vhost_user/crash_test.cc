// Flushed means there: a guest writes and flushes, and the power is cut at any time.
#include <algorithm>
#include <iostream>

#include "common/io/memory_file_system.h"
#include "tests/support/seam_device.h"
#include "tests/support/seeds.h"
#include "tests/unit/vhost_user/server_fixture.h"

namespace strata::vhost_user {
namespace {

constexpr uint64_t kBlocks = 16;
constexpr uint32_t kBlock = 4096;

// Of every block, the value that is stable and those that were answered after it.
struct Ledger {
  std::array<uint8_t, kBlocks> stable{};
  std::array<std::vector<uint8_t>, kBlocks> since;
  void wrote(uint64_t block, uint8_t value) { since[block].push_back(value); }
  void flushed(uint64_t block) {
    if (!since[block].empty()) stable[block] = since[block].back();
    since[block].clear();
  }
};

class VhostUserCrash : public VhostUser, public ::testing::WithParamInterface<bool> {
 protected:
  void expect_kept(io::MemoryFileSystem& disk, const Ledger& ledger) {
    const auto image = disk.open("image", {.write = true}).value();
    ByteVector got(kBlock);
    for (uint64_t block = 0; block < kBlocks; ++block) {
      ASSERT_EQ(image->read_at(block * kBlock, got).value(), kBlock);
      // A sector is old or new, each for itself.
      for (size_t at = 0; at < kBlock; at += kSectorBytes) {
        const auto value = static_cast<uint8_t>(got[at]);
        const auto& later = ledger.since[block];
        ASSERT_TRUE(value == ledger.stable[block] ||
                    std::find(later.begin(), later.end(), value) != later.end())
            << "block " << block << " holds " << int{value};
      }
    }
  }
};
INSTANTIATE_TEST_SUITE_P(WriteBackAndThrough, VhostUserCrash, ::testing::Bool(),
                         [](const auto& param) { return param.param ? "back" : "through"; });

TEST_P(VhostUserCrash, what_was_flushed_or_written_through_survives_a_power_cut) {
  const bool writeback = GetParam();
  const uint64_t seed = tests::test_seed();
  std::cout << "seed " << seed << " (repeat with STRATA_TEST_SEED)\n";
  SeededRandom random(seed);
  io::MemoryFileSystem files;
  {
    auto image = files.open("image", {.write = true, .create = true}).value();
    ASSERT_TRUE(image->truncate(kBlocks * kBlock).ok() && image->sync().ok());
    ASSERT_TRUE(files.sync_directory("/").ok());
  }
  start(keep(std::make_unique<testing::SeamDevice>(files.open("image", {.write = true}).value(),
                                                   kBlocks * kBlock)),
        {.queues = 2});
  FrontEnd front({.queues = 2, .without = writeback ? 0 : kBlkFlush | kBlkConfigWce});
  ASSERT_TRUE(front.open(path()));
  Ledger ledger;
  for (int step = 1; step <= 200; ++step) {
    const auto queue = static_cast<uint32_t>(random.below(2));
    const uint64_t at = front.data_at() + queue * 64 * kKiB;
    if (random.below(6) == 0) {
      ASSERT_EQ(front.run(queue, BlockType::kFlush, 0, at, 0), kStatusOk);
      for (uint64_t block = 0; block < kBlocks; ++block) ledger.flushed(block);
    } else {
      const uint64_t block = random.below(kBlocks);
      const auto value = static_cast<uint8_t>(1 + random.below(255));
      std::memset(front.memory(at + FrontEnd::kDataAt, kBlock).data(), value, kBlock);
      ledger.wrote(block, value);
      ASSERT_EQ(front.run(queue, BlockType::kOut, block * kBlock / kSectorBytes, at, kBlock),
                kStatusOk);
      if (!writeback) ledger.flushed(block);
    }
    const auto outcome = files.crash_copy(random);
    expect_kept(*outcome, ledger);
    if (HasFatalFailure()) return;
  }
  server_.reset();
}

}  // namespace
}  // namespace strata::vhost_user
