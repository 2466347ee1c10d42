// A drive that was away for a short while is brought up to date by the logs of changes: what did
// not change is not read, and all that did is as on the others.
#include <gtest/gtest.h>

#include <deque>
#include <map>

#include "common/fault/faulty_file_system.h"
#include "common/io/memory_file_system.h"
#include "tests/support/replica_fixture.h"

namespace strata::replica {
namespace {

using tests::random_text;
using tests::ReplicaFixture;

constexpr size_t kRowsThere = 1'000;
constexpr size_t kRowBytes = 2'000;

class JoinByLog : public ::testing::Test {
 protected:
  JoinByLog() : memory_(4) {
    for (io::MemoryFileSystem& disk : memory_) faulty_.emplace_back(disk);
    fixture_.emplace(std::vector<io::FileSystem*>{&faulty_[0], &faulty_[1], &faulty_[2]}, 3);
  }
  void SetUp() override {
    ASSERT_TRUE(fixture_->start().ok());
    for (size_t i = 0; i < kRowsThere; ++i) put(i, "a" + std::string(kRowBytes, 'x'));
    for (size_t i = 0; i < 8; ++i) put_blob("blob" + std::to_string(i), i);
  }
  static std::string key_of(size_t i) { return "row" + std::to_string(10'000 + i); }
  void put(size_t i, const std::string& value) {
    ASSERT_TRUE(fixture_->put(key_of(i), value).ok());
    rows_[key_of(i)] = value;
  }
  void put_blob(const std::string& key, uint64_t seed) {
    const auto ref = fixture_->put_blob(key, random_text(seed, seed % 2 == 0 ? 150'000 : 1'500));
    ASSERT_TRUE(ref.ok()) << ref.error().to_string();
    blobs_[key] = {*ref, seed};
  }
  void drop_blob(const std::string& key) {
    ASSERT_TRUE(fixture_->drop_blob(key, blobs_.at(key).first).ok());
    blobs_.erase(key);
  }
  void fail(size_t disk) {
    fault::FaultPlan plan;
    plan.rules.push_back({.operation = fault::Operation::kSync, .times = 1});
    ASSERT_TRUE(faulty_[disk].set_plan(std::move(plan)).ok());
    ASSERT_TRUE(fixture_->put("to-notice", "the failure").ok());
    fixture_->store().settle();  // nobody waits for a drive that is being filled
    faulty_[disk].clear_plan();
  }
  void change_some() {
    for (size_t i = 0; i < 20; ++i) put(i * 7, "b");
    for (size_t i = 0; i < 10; ++i) {
      ASSERT_TRUE(fixture_->remove(key_of(500 + i)).ok());
      rows_.erase(key_of(500 + i));
    }
    for (size_t i = 0; i < 5; ++i) put_blob("late" + std::to_string(i), 100 + i);
    drop_blob("blob1");
    drop_blob("blob2");
  }
  // What the resync reads and writes until it has nothing to do.
  uint64_t resync_bytes() {
    uint64_t bytes = 0;
    for (int steps = 0; steps < 10'000; ++steps) {
      const auto step = fixture_->store().resync().step();
      EXPECT_TRUE(step.ok()) << step.error().to_string();
      if (!step.ok() || !step->more) return bytes;
      bytes += step->bytes;
    }
    ADD_FAILURE() << "no end";
    return bytes;
  }
  void check_with(const std::vector<size_t>& disks) {
    fixture_->stop();
    for (size_t i = 0; i < 3; ++i) fixture_->disks()[i] = nullptr;
    for (const size_t disk : disks) fixture_->disks()[disk] = &faulty_[disk];
    ASSERT_TRUE(fixture_->start().ok());
    const auto listed = fixture_->scan({.from = "", .to = "", .rows_max = kScanRowsMax});
    ASSERT_TRUE(listed.ok());
    std::map<std::string, std::string> found;
    for (const Row& row : *listed) found[row.key] = row.value;
    for (const auto& [key, value] : rows_) ASSERT_EQ(found[key], value) << key;
    EXPECT_EQ(found.size(), rows_.size() + blobs_.size() + 1);
    for (const auto& [key, blob] : blobs_) {
      ASSERT_EQ(fixture_->read_blob(key, blob.first).value(),
                random_text(blob.second, blob.first.size_bytes));
    }
  }

  std::deque<io::MemoryFileSystem> memory_;
  std::deque<fault::FaultyFileSystem> faulty_;
  std::optional<ReplicaFixture> fixture_;
  std::map<std::string, std::string> rows_;
  std::map<std::string, std::pair<BlobRef, uint64_t>> blobs_;
};

TEST_F(JoinByLog, a_drive_that_went_out_reads_no_more_than_what_changed) {
  fail(1);
  change_some();
  ASSERT_TRUE(fixture_->store().return_drive({&faulty_[1], "/d1"}).ok());
  put(999, "c");  // while it joins
  EXPECT_LT(resync_bytes(), kRowsThere * kRowBytes);
  EXPECT_EQ(fixture_->store().status().drives_in_service(), 3u);
  check_with({0, 1});
  check_with({1, 2});
}

TEST_F(JoinByLog, so_does_one_that_was_away_at_the_start) {
  fixture_->stop();
  fixture_->disks()[2] = nullptr;
  ASSERT_TRUE(fixture_->start().ok());
  ASSERT_TRUE(fixture_->put("to-notice", "its absence").ok());
  change_some();
  ASSERT_TRUE(fixture_->store().return_drive({&faulty_[2], "/d2"}).ok());
  EXPECT_LT(resync_bytes(), kRowsThere * kRowBytes);
  EXPECT_EQ(fixture_->store().status().drives_in_service(), 3u);
  check_with({0, 2});
}

TEST_F(JoinByLog, one_whose_filling_was_cut_short_is_compared_as_a_whole) {
  fail(1);
  change_some();
  ASSERT_TRUE(fixture_->store().return_drive({&faulty_[1], "/d1"}).ok());
  ASSERT_TRUE(fixture_->store().resync().step().ok());
  fail(1);
  ASSERT_TRUE(fixture_->store().return_drive({&faulty_[1], "/d1"}).ok());
  EXPECT_GT(resync_bytes(), kRowsThere * kRowBytes);
  check_with({0, 1});
}

TEST_F(JoinByLog, a_drive_that_was_lately_filled_whole_does_not_vouch_for_what_was_before) {
  // Drive 1 goes, then 2 is filled anew: its log begins later than drive 1 went.
  fail(1);
  change_some();
  ASSERT_TRUE(fixture_->store().return_drive({&faulty_[1], "/d1"}).ok());
  (void)resync_bytes();
  fail(2);
  put(3, "d");
  ASSERT_TRUE(fixture_->store().return_drive({&faulty_[2], "/d2"}).ok());
  (void)resync_bytes();
  EXPECT_EQ(fixture_->store().status().drives_in_service(), 3u);
  check_with({1, 2});
  check_with({0, 2});
}

}  // namespace
}  // namespace strata::replica
