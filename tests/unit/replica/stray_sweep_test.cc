// What a move of drives leaves where it does not belong any more is swept: all of it, whatever
// comes in between. A row that stayed would be listed after it has been deleted.
#include <gtest/gtest.h>

#include <deque>
#include <set>

#include "common/fault/faulty_file_system.h"
#include "common/io/memory_file_system.h"
#include "tests/support/index_access.h"
#include "tests/support/replica_fixture.h"

namespace strata::replica {
namespace {

using tests::ReplicaFixture;

constexpr size_t kDisks = 5;
constexpr size_t kStrayRows = 40;

std::string stray_key(size_t i) {
  return "row" + std::to_string(100 + i);
}

class SweepingStrays : public ::testing::Test {
 protected:
  SweepingStrays() : memory_(kDisks) {
    for (io::MemoryFileSystem& disk : memory_) faulty_.emplace_back(disk);
  }
  ReplicaFixture& start(size_t drives, uint32_t replicas) {
    std::vector<io::FileSystem*> disks;
    for (size_t i = 0; i < drives; ++i) disks.push_back(&faulty_[i]);
    fixture_ = std::make_unique<ReplicaFixture>(disks, replicas);
    EXPECT_TRUE(fixture_->start().ok());
    for (size_t i = 0; i < kStrayRows; ++i) EXPECT_TRUE(fixture_->put(stray_key(i), "1").ok());
    return *fixture_;
  }
  DriveFolderOption folder(size_t disk) { return {&faulty_[disk], "/d" + std::to_string(disk)}; }
  void step(size_t times) {
    for (size_t i = 0; i < times; ++i) {
      const auto done = fixture_->store().resync().step();
      ASSERT_TRUE(done.ok()) << done.error().to_string();
    }
  }
  std::set<std::string> listed() {
    std::set<std::string> keys;
    const Result<std::vector<Row>> rows = fixture_->scan();
    for (const Row& row : rows.value()) keys.insert(row.key);
    return keys;
  }

  std::deque<io::MemoryFileSystem> memory_;
  std::deque<fault::FaultyFileSystem> faulty_;
  std::unique_ptr<ReplicaFixture> fixture_;
};

TEST_F(SweepingStrays, nothing_deleted_comes_back_when_a_move_begins_in_the_middle_of_a_sweep) {
  constexpr size_t kStepsOfASweep = 12;
  for (size_t steps = 0; steps < kStepsOfASweep; ++steps) {
    SCOPED_TRACE(steps);
    fixture_.reset();
    faulty_.clear();
    memory_.clear();
    for (size_t i = 0; i < kDisks; ++i) faulty_.emplace_back(memory_.emplace_back());
    ReplicaFixture& fixture = start(3, 2);
    ASSERT_TRUE(fixture.store().add_drive(folder(3)).ok());
    while (fixture.store().status().drives_in_service() < 4) step(1);
    step(steps);
    ASSERT_TRUE(fixture.store().add_drive(folder(4)).ok());
    ASSERT_TRUE(fixture.resync().ok());
    ASSERT_EQ(fixture.store().status().drives_in_service(), 5u);
    for (size_t i = 0; i < kStrayRows; ++i) ASSERT_TRUE(fixture.remove(stray_key(i)).ok());
    ASSERT_EQ(listed(), std::set<std::string>());
  }
}

TEST_F(SweepingStrays, what_a_slow_drive_has_still_to_write_of_a_move_given_up_is_swept_too) {
  ReplicaFixture& fixture = start(3, 2);
  fixture.stop();
  std::set<std::string> elsewhere;
  for (size_t i = 0; i < kStrayRows; ++i) elsewhere.insert(stray_key(i));
  tests::with_index(faulty_[1], "/d1", [&](drive::Index& index) {
    for (const std::string& key : tests::keys_of(index, drive::Table::kRows)) elsewhere.erase(key);
  });
  ASSERT_FALSE(elsewhere.empty());
  ASSERT_TRUE(fixture.start().ok());
  // While drive 0 is drained, drive 1 is given changes that nobody waits for.
  ASSERT_TRUE(fixture.store().drain_drive("/d0").ok());
  fault::FaultPlan slow;
  slow.rules.push_back({.operation = fault::Operation::kSync,
                        .path_contains = ".log",
                        .effect = fault::Effect::kDelay,
                        .delay = std::chrono::milliseconds(100)});
  ASSERT_TRUE(faulty_[1].set_plan(std::move(slow)).ok());
  for (const std::string& key : elsewhere) ASSERT_TRUE(fixture.put(key, "2").ok());
  ASSERT_TRUE(fixture.store().return_drive(folder(0)).ok());
  ASSERT_TRUE(fixture.resync().ok());
  faulty_[1].clear_plan();
  for (const std::string& key : elsewhere) ASSERT_TRUE(fixture.remove(key).ok());
  const std::set<std::string> left = listed();
  EXPECT_EQ(left.size(), kStrayRows - elsewhere.size());
  for (const std::string& key : elsewhere) EXPECT_FALSE(left.contains(key)) << key;
}

}  // namespace
}  // namespace strata::replica
