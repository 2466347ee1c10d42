#include "objstore/drive/log_spares.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/base/log.h"
#include "common/base/random.h"
#include "common/fault/faulty_file_system.h"
#include "common/io/memory_file_system.h"

namespace strata::drive {
namespace {

constexpr uint64_t kLogBytes = 3 * kMiB + 4096;
constexpr uint64_t kAllBytes = 10 * kMiB;

class LogSparesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    log::start(log::Level::kOff, log::Format::kHuman);
    ASSERT_TRUE(io::create_directories(disk_, "/index").ok());
  }
  void TearDown() override { log::start(log::Level::kWarning, log::Format::kHuman); }

  static void make_log(io::FileSystem& disk, const std::string& path, uint64_t bytes = kLogBytes) {
    auto file = disk.open(path, {.write = true, .create = true}).value();
    ASSERT_TRUE(file->write_at(0, ByteVector(bytes, std::byte{'r'})).ok());
    ASSERT_TRUE(file->sync().ok());
    ASSERT_TRUE(disk.sync_directory("/index").ok());
  }
  static bool all_are(const ByteVector& bytes, char what) {
    return std::ranges::all_of(bytes,
                               [&](std::byte b) { return b == static_cast<std::byte>(what); });
  }
  static ByteVector content(io::FileSystem& disk, const std::string& path) {
    return io::read_file(disk, path, kGiB).value();
  }

  io::MemoryFileSystem disk_;
  std::vector<std::string> reasons_;
  std::function<void(const std::string&)> failed_ = [this](const std::string& reason) {
    reasons_.push_back(reason);
  };
};

TEST_F(LogSparesTest, an_ended_log_comes_back_filled_with_zeros) {
  LogSpares spares(disk_, "/index", kAllBytes, failed_);
  EXPECT_FALSE(spares.take("/index/2.log"));
  make_log(disk_, "/index/1.log");
  ASSERT_TRUE(spares.give("/index/1.log"));
  EXPECT_FALSE(disk_.info("/index/1.log").ok());
  spares.settle();
  ASSERT_TRUE(spares.take("/index/2.log"));
  const ByteVector zeros = content(disk_, "/index/2.log");
  EXPECT_EQ(zeros.size(), kLogBytes);
  EXPECT_TRUE(all_are(zeros, '\0'));
  EXPECT_FALSE(spares.take("/index/3.log"));
}

TEST_F(LogSparesTest, short_logs_and_those_beyond_the_bound_are_not_kept) {
  LogSpares spares(disk_, "/index", kAllBytes, failed_);
  make_log(disk_, "/index/1.log", LogSpares::kSpareBytesMin - 1);
  EXPECT_FALSE(spares.give("/index/1.log"));
  for (const char* const path : {"/index/2.log", "/index/3.log", "/index/4.log"}) {
    make_log(disk_, path);
    EXPECT_TRUE(spares.give(path));
  }
  make_log(disk_, "/index/5.log");
  EXPECT_FALSE(spares.give("/index/5.log"));
  spares.settle();
  ASSERT_TRUE(spares.take("/index/6.log"));
  EXPECT_TRUE(spares.give("/index/5.log")) << "there is room again";
}

TEST_F(LogSparesTest, what_an_earlier_run_left_is_removed) {
  {
    LogSpares spares(disk_, "/index", kAllBytes, failed_);
    make_log(disk_, "/index/1.log");
    ASSERT_TRUE(spares.give("/index/1.log"));
    spares.settle();
  }
  make_log(disk_, "/index/2.log");
  EXPECT_EQ(disk_.list("/index").value().size(), 2u);
  LogSpares spares(disk_, "/index", kAllBytes, failed_);
  EXPECT_EQ(disk_.list("/index").value(), std::vector<std::string>{"2.log"});
}

// A log's name with zeros behind it would be read as a log from which flushed records have gone.
TEST_F(LogSparesTest, no_power_cut_brings_a_log_back_that_is_not_what_it_was) {
  SeededRandom random(11);
  bool all_done = false;
  uint64_t cut = 0;
  for (; !all_done && cut < 100; ++cut) {
    io::MemoryFileSystem disk;
    ASSERT_TRUE(io::create_directories(disk, "/index").ok());
    make_log(disk, "/index/1.log");
    disk.cut_after(cut);
    {
      LogSpares spares(disk, "/index", kAllBytes, failed_);
      if (spares.give("/index/1.log")) spares.settle();
      all_done = spares.take("/index/2.log");
    }
    for (int i = 0; i < 8; ++i) {
      const auto after = disk.crash_copy(random, {.survival = io::Survival::kRandom});
      if (!after->info("/index/1.log").ok()) continue;
      EXPECT_TRUE(all_are(content(*after, "/index/1.log"), 'r')) << "cut after " << cut;
    }
  }
  EXPECT_TRUE(all_done);
  EXPECT_GT(cut, 6u);
}

struct FailingSpareCase {
  const char* name;
  fault::Operation operation;
  Code code;
  bool disk_failed;
};
class FailingSpare : public LogSparesTest,
                     public ::testing::WithParamInterface<FailingSpareCase> {};

TEST_P(FailingSpare, is_no_spare_and_a_disk_that_failed_is_told) {
  fault::FaultyFileSystem faulty(disk_);
  LogSpares spares(faulty, "/index", kAllBytes, failed_);
  make_log(disk_, "/index/1.log");
  const FailingSpareCase& how = GetParam();
  ASSERT_TRUE(
      faulty.set_plan({.rules = {{.operation = how.operation, .times = 1, .code = how.code}}})
          .ok());
  if (spares.give("/index/1.log")) spares.settle();
  EXPECT_EQ(faulty.injected(), 1u);
  EXPECT_FALSE(spares.take("/index/2.log"));
  EXPECT_EQ(reasons_.size(), how.disk_failed ? 1u : 0u);
  // Unless it kept its name, and RocksDB removes it.
  EXPECT_EQ(disk_.list("/index").value().empty(), how.operation != fault::Operation::kRename);
}
INSTANTIATE_TEST_SUITE_P(
    LogSpares, FailingSpare,
    ::testing::Values(
        FailingSpareCase{"in_a_write", fault::Operation::kWrite, Code::kIo, true},
        FailingSpareCase{"in_a_flush", fault::Operation::kSync, Code::kIo, true},
        FailingSpareCase{"in_a_flush_of_the_folder", fault::Operation::kSyncDirectory, Code::kIo,
                         true},
        FailingSpareCase{"in_a_rename", fault::Operation::kRename, Code::kIo, true},
        FailingSpareCase{"for_want_of_space", fault::Operation::kWrite, Code::kNoSpace, false},
        FailingSpareCase{"for_want_of_descriptors", fault::Operation::kOpen, Code::kBusy, false},
        FailingSpareCase{"because_it_is_gone", fault::Operation::kOpen, Code::kNotFound, false}),
    [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace strata::drive
