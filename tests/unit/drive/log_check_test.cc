#include "objstore/drive/log_check.h"

#include <gtest/gtest.h>

#include <array>

#include "common/base/log.h"
#include "common/base/random.h"
#include "common/io/memory_file_system.h"
#include "objstore/drive/index.h"

namespace strata::drive {
namespace {

class LogCheck : public ::testing::Test {
 protected:
  void SetUp() override { log::start(log::Level::kOff, log::Format::kHuman); }
  void TearDown() override { log::start(log::Level::kWarning, log::Format::kHuman); }
  std::unique_ptr<Index> open() {
    return Index::open(disk_, "/index", cache_, [](const std::string&) {}).value();
  }
  static void write(Index& index, const std::string& key, size_t bytes, bool synced = true) {
    Batch batch = index.batch();
    batch.put(Table::kRows, key, std::string(bytes, 'v'));
    ASSERT_TRUE(index.write(batch, synced).ok());
  }
  // The file with this ending that was made last.
  std::string file(std::string_view part) {
    std::string found;
    const std::vector<std::string> names = disk_.list("/index").value();
    for (const std::string& name : names) {
      if (name.find(part) != std::string::npos) found = "/index/" + name;
    }
    return found;
  }
  void flip(const std::string& path, uint64_t at) {
    auto opened = disk_.open(path, {.write = true}).value();
    std::array<std::byte, 1> one{};
    ASSERT_EQ(opened->read_at(at, one).value(), 1u);
    one[0] ^= std::byte{0x10};
    ASSERT_TRUE(opened->write_at(at, one).ok());
  }
  // Where a log ends: behind it there are zeros to the end of the file.
  uint64_t end_of(const std::string& path) {
    ByteVector all = io::read_file(disk_, path, kGiB).value();
    while (!all.empty() && all.back() == std::byte{0}) all.pop_back();
    return all.size();
  }

  io::MemoryFileSystem disk_;
  IndexCache cache_{kMiB};
};

TEST_F(LogCheck, any_damaged_byte_in_front_of_a_flushed_record_is_found) {
  {
    auto index = open();
    // Records within a block, over several blocks, and over the files' whole length.
    for (const size_t bytes : {10u, 40'000u, 10u, 70'000u, 300u}) {
      write(*index, "k" + std::to_string(bytes), bytes);
    }
    index->seal();
  }
  const std::string log = file(".log");
  ASSERT_TRUE(check_logs(disk_, "/index").ok());
  const uint64_t sealed = end_of(log) - 30;
  for (uint64_t at = 0; at < sealed; at += at < 100 || at > sealed - 200 ? 1 : 997) {
    flip(log, at);
    const auto checked = check_logs(disk_, "/index");
    ASSERT_FALSE(checked.ok()) << "byte " << at << " of " << sealed;
    EXPECT_EQ(checked.error().reason, kReasonIndexDamaged);
    EXPECT_NE(checked.error().message.find(log), std::string::npos);
    flip(log, at);
  }
}

TEST_F(LogCheck, damage_in_an_older_log_file_shows_in_front_of_a_newer_one) {
  std::string older;
  {
    auto index = open();
    write(*index, "a", 10);
    older = file(".log");
    // Fills the table's memory, so that another log is begun; the first one is kept for "b".
    for (int i = 0; i < 12; ++i) {
      Batch batch = index->batch();
      batch.put(Table::kLog, "l" + std::to_string(i), std::string(kMiB, 'l'));
      ASSERT_TRUE(index->write(batch, true).ok());
    }
    ASSERT_NE(file(".log"), older);
  }
  if (!disk_.info(older).ok()) GTEST_SKIP() << "RocksDB has removed the older log already";
  ASSERT_TRUE(check_logs(disk_, "/index").ok());
  flip(older, end_of(older) - 1);
  EXPECT_FALSE(check_logs(disk_, "/index").ok());
}

TEST_F(LogCheck, a_torn_end_is_not_damage) {
  SeededRandom random(3);
  for (const io::Survival survival :
       {io::Survival::kNothing, io::Survival::kRandom, io::Survival::kEverything}) {
    for (uint64_t cut = 0; cut < 40; cut += 3) {
      io::MemoryFileSystem disk;
      {
        auto index = Index::open(disk, "/index", cache_, [](const std::string&) {}).value();
        disk.cut_after(cut);
        for (int i = 0; i < 30; ++i) {
          Batch batch = index->batch();
          batch.put(Table::kRows, "k" + std::to_string(i), std::string(1 + (i % 5) * 9'000, 'v'));
          if (!index->write(batch, i % 3 != 1).ok()) break;
        }
      }
      disk.crash(random, {.survival = survival, .sector_bytes = 512});
      const auto checked = check_logs(disk, "/index");
      ASSERT_TRUE(checked.ok()) << "cut after " << cut << ": " << checked.error().to_string();
      ASSERT_TRUE(check_manifest(disk, "/index").ok());
    }
  }
}

// RocksDB takes a rest of a block that is all zeros for the end of what was written there, and goes
// on with the next block.
TEST_F(LogCheck, what_follows_a_write_that_was_lost_does_not_come_back) {
  constexpr uint64_t kBlockBytes = 32 * kKiB;
  constexpr size_t kLong = 16'300;  // its length takes two bytes, as that of the next does
  std::string log;
  uint64_t first_end = 0;
  {
    auto index = open();
    write(*index, "a", 100);
    log = file(".log");
    first_end = end_of(log);
    write(*index, "b", kLong, false);
    const uint64_t overhead = end_of(log) - first_end - kLong;
    // The second ends where the block does.
    write(*index, "c", kBlockBytes - end_of(log) - overhead, false);
    ASSERT_EQ(end_of(log), kBlockBytes);
    write(*index, "d", 300, false);
  }
  const uint64_t second = first_end;
  auto opened = disk_.open(log, {.write = true}).value();
  ASSERT_TRUE(opened->write_at(second, ByteVector(kBlockBytes - second)).ok());
  auto index = open();
  const auto is_there = [&](const char* key) {
    return index->get(Table::kRows, key, Tier::kDisk).value().state == Index::Found::State::kFound;
  };
  EXPECT_TRUE(is_there("a"));
  EXPECT_FALSE(is_there("b"));
  EXPECT_FALSE(is_there("c"));
  EXPECT_FALSE(is_there("d")) << "a change without the ones before it";
}

TEST_F(LogCheck, a_lost_write_in_front_of_a_flushed_one_is_damage) {
  std::string log;
  {
    auto index = open();
    for (const char* key : {"a", "b", "c", "d"}) write(*index, key, 30'000);
    log = file(".log");
  }
  auto opened = disk_.open(log, {.write = true}).value();
  ASSERT_TRUE(opened->write_at(10'000, ByteVector(22'768)).ok());
  const uint64_t before = end_of(log);
  const auto checked = check_logs(disk_, "/index");
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().reason, kReasonIndexDamaged);
  EXPECT_EQ(end_of(log), before);
}

TEST_F(LogCheck, a_manifest_record_that_seems_to_reach_beyond_the_end_is_found) {
  open();
  const std::string manifest = file("MANIFEST");
  ASSERT_TRUE(check_manifest(disk_, "/index").ok());
  flip(manifest, 5);  // the length of the first record, its high byte
  const Status checked = check_manifest(disk_, "/index");
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().reason, kReasonIndexDamaged);
}

TEST_F(LogCheck, a_lost_write_in_the_manifest_is_found) {
  open();
  const std::string manifest = file("MANIFEST");
  auto opened = disk_.open(manifest, {.write = true}).value();
  const ByteVector nothing(40);
  ASSERT_TRUE(opened->write_at(0, nothing).ok());
  const Status checked = check_manifest(disk_, "/index");
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().reason, kReasonIndexDamaged);
}

}  // namespace
}  // namespace strata::drive
