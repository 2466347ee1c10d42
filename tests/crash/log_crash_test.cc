// The index alone on a small disk, where its logs end after some hundred writes and come back as
// spares: the power is cut again and again, also while spares are filled and taken. What was
// acknowledged is there; the batch under way is there whole or absent.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "common/base/log.h"
#include "common/io/memory_file_system.h"
#include "objstore/drive/index.h"
#include "objstore/drive/log_spares.h"
#include "tests/support/seeds.h"

namespace strata::drive {
namespace {

constexpr uint64_t kSmallDisk = 128 * kMiB;  // the smallest logs
constexpr int kLives = 12;
constexpr int kKeys = 200;
constexpr size_t kValueBytesMax = 12'000;
constexpr int kBatchesMax = 1'500;
constexpr uint64_t kMutationsMax = 2'000;

struct Batched {
  std::map<std::string, std::string> rows;  // empty value: removed
};

class LogCrash : public ::testing::Test {
 protected:
  void SetUp() override { log::start(log::Level::kOff, log::Format::kHuman); }
  void TearDown() override { log::start(log::Level::kWarning, log::Format::kHuman); }

  Batched draw() {
    Batched out;
    const uint64_t rows = 1 + random_.below(4);
    for (uint64_t i = 0; i < rows; ++i) {
      const std::string key = "k" + std::to_string(random_.below(kKeys));
      const bool removed = random_.below(5) == 0;
      out.rows[key] = removed ? "" : std::string(1 + random_.below(kValueBytesMax), letter());
    }
    return out;
  }
  char letter() { return static_cast<char>('a' + random_.below(26)); }

  static Status write(Index& index, const Batched& drawn, bool synced) {
    Batch batch = index.batch();
    for (const auto& [key, value] : drawn.rows) {
      if (value.empty()) batch.remove(Table::kRows, key);
      if (!value.empty()) batch.put(Table::kRows, key, value);
    }
    return index.write(batch, synced);
  }
  static void apply(std::map<std::string, std::string>& to, const Batched& drawn) {
    for (const auto& [key, value] : drawn.rows) {
      if (value.empty()) to.erase(key);
      if (!value.empty()) to[key] = value;
    }
  }
  static std::map<std::string, std::string> content(const Index& index) {
    std::map<std::string, std::string> out;
    Cursor cursor = index.cursor(Table::kRows);
    for (cursor.seek(""); cursor.valid(); cursor.next()) {
      out.emplace(cursor.key(), cursor.value());
    }
    EXPECT_TRUE(cursor.status().ok());
    return out;
  }
  static bool has_spare(io::FileSystem& disk) {
    const auto names = disk.list("/index");
    return names.ok() && std::ranges::any_of(*names, [](const std::string& name) {
             return name.starts_with(kSparePrefix);
           });
  }

  void live_and_die(uint64_t synced_of_8);

  uint64_t seed_ = tests::test_seed();
  SeededRandom random_{seed_};
  IndexCache cache_{kMiB};
};

// synced_of_8: of eight batches, so many are flushed.
void LogCrash::live_and_die(uint64_t synced_of_8) {
  SCOPED_TRACE("STRATA_TEST_SEED=" + std::to_string(seed_));
  io::MemoryFileSystem disk({.capacity_bytes = kSmallDisk});
  ASSERT_TRUE(io::create_directories(disk, "/index").ok());
  std::map<std::string, std::string> acknowledged;
  int spares_seen = 0;
  for (int life = 0; life < kLives; ++life) {
    std::vector<std::map<std::string, std::string>> possible = {acknowledged};
    {
      auto opened = Index::open(disk, "/index", cache_, [](const std::string&) {});
      ASSERT_TRUE(opened.ok()) << "life " << life << ": " << opened.error().to_string();
      Index& index = **opened;
      ASSERT_EQ(content(index), acknowledged) << "life " << life;
      disk.cut_after(random_.below(kMutationsMax));
      for (int i = 0; i < kBatchesMax && disk.powered(); ++i) {
        const Batched drawn = draw();
        const bool synced = random_.below(8) < synced_of_8;
        apply(acknowledged, drawn);
        possible.push_back(acknowledged);
        const Status written = write(index, drawn, synced);
        if (!written.ok()) break;
        // What is flushed takes everything before it along.
        if (synced) possible.erase(possible.begin(), possible.end() - 1);
        if (i % 40 == 0 && disk.powered() && has_spare(disk)) ++spares_seen;
      }
      disk.cut_after(0);
    }
    disk.crash(random_, {.survival = io::Survival::kRandom,
                         .sector_bytes = random_.below(2) == 0 ? 512u : 4096u});
    auto opened = Index::open(disk, "/index", cache_, [](const std::string&) {});
    ASSERT_TRUE(opened.ok()) << "life " << life << ": " << opened.error().to_string();
    const auto found = content(**opened);
    ASSERT_NE(std::ranges::find(possible, found), possible.end()) << "life " << life;
    acknowledged = found;
  }
  EXPECT_GT(spares_seen, 0) << "the disk is small enough for logs to end";
}

TEST_F(LogCrash, logs_over_spares_keep_what_was_acknowledged) {
  live_and_die(7);
}

// A later batch that a crash left must not be there without an earlier one that it took.
TEST_F(LogCrash, of_batches_that_were_not_flushed_the_first_ones_are_there) {
  live_and_die(1);
}

}  // namespace
}  // namespace strata::drive
