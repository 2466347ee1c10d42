// A drive that keeps readers waiting: another one answers, the slow one is suspect and asked last
// until it has been well for a while.
#include <gtest/gtest.h>

#include <deque>
#include <thread>

#include "common/fault/faulty_file_system.h"
#include "common/io/memory_file_system.h"
#include "tests/support/replica_fixture.h"

namespace strata::replica {
namespace {

using tests::random_text;
using tests::ReplicaFixture;

constexpr size_t kDrives = 3;
constexpr size_t kSlowKeys = 12;

// Wall time stands still; steady time goes when it is told to.
class HandClock final : public io::Clock {
 public:
  [[nodiscard]] SteadyTime steady_now() const override { return SteadyTime(now_.load()); }
  [[nodiscard]] io::WallTime wall_now() const override { return {}; }
  void advance(Duration by) { now_ = now_.load() + by; }

 private:
  std::atomic<Duration> now_{std::chrono::hours(1)};
};

class SlowDrive : public ::testing::Test {
 protected:
  SlowDrive() : memory_(kDrives) {
    for (io::MemoryFileSystem& disk : memory_) faulty_.emplace_back(disk);
    std::vector<io::FileSystem*> disks;
    for (fault::FaultyFileSystem& disk : faulty_) disks.push_back(&disk);
    fixture_.emplace(disks, 3);
    fixture_->workers.clock = &clock_;
    fixture_->read_wait_max = std::chrono::milliseconds(100);
    EXPECT_TRUE(fixture_->start().ok());
    for (size_t i = 0; i < kSlowKeys; ++i) {
      const auto ref = fixture_->put_blob(key(i), random_text(i, size_of(i)));
      EXPECT_TRUE(ref.ok());
      refs_.push_back(*ref);
    }
    // Started anew, the drives have to be read.
    fixture_->stop();
    EXPECT_TRUE(fixture_->start().ok());
  }
  ~SlowDrive() override {
    for (fault::FaultyFileSystem& disk : faulty_) disk.clear_plan();
  }
  static std::string key(size_t i) { return "key" + std::to_string(i); }
  static size_t size_of(size_t i) { return i % 2 == 0 ? 3'000 : 300'000; }
  // Every read hangs until the plan is cleared.
  void hang(size_t disk) {
    fault::FaultPlan plan;
    plan.rules.push_back({.operation = fault::Operation::kRead,
                          .effect = fault::Effect::kDelay,
                          .delay = fault::kMaxDelay});
    ASSERT_TRUE(faulty_[disk].set_plan(std::move(plan)).ok());
  }
  void check_all() {
    for (size_t i = 0; i < kSlowKeys; ++i) {
      const auto row = fixture_->get(key(i));
      ASSERT_TRUE(row.ok()) << row.error().to_string();
      ASSERT_TRUE(row->has_value());
      const auto content = fixture_->read_blob(key(i), refs_[i]);
      ASSERT_TRUE(content.ok()) << content.error().to_string();
      ASSERT_EQ(*content, random_text(i, size_of(i)));
    }
  }
  DriveStatus drive(size_t disk) { return fixture_->store().status().drives[disk]; }
  void probe(size_t times) {
    for (size_t i = 0; i < times; ++i) {
      fixture_->store().probe_suspects();
      fixture_->store().settle();
    }
  }

  HandClock clock_;
  std::deque<io::MemoryFileSystem> memory_;
  std::deque<fault::FaultyFileSystem> faulty_;
  std::optional<ReplicaFixture> fixture_;
  std::vector<BlobRef> refs_;
};

TEST_F(SlowDrive, reads_that_hang_are_answered_by_another_drive_and_the_slow_one_is_suspect) {
  hang(1);
  check_all();
  EXPECT_TRUE(drive(1).suspect);
  EXPECT_TRUE(drive(1).in_service);
  EXPECT_NE(drive(1).state.find("suspect"), std::string::npos) << drive(1).state;
  EXPECT_GE(fixture_->store().status().hedged_reads, 1u);
  check_all();
  EXPECT_EQ(fixture_->store().status().corrupt_found, 0u);
  EXPECT_TRUE(fixture_->put("new", "row").ok());
}

TEST_F(SlowDrive, a_suspect_is_trusted_again_after_a_while_of_answers_in_time) {
  hang(1);
  check_all();
  faulty_[1].clear_plan();
  fixture_->store().settle();
  probe(kProbesInTime + 1);
  EXPECT_TRUE(drive(1).suspect) << "too early";
  clock_.advance(kSuspectWhile);
  probe(1);
  EXPECT_FALSE(drive(1).suspect);
  EXPECT_EQ(drive(1).state, "in service");
  check_all();
}

TEST_F(SlowDrive, a_suspect_that_answers_late_again_stays_suspect) {
  hang(1);
  check_all();
  clock_.advance(kSuspectWhile);
  const uint64_t hung = faulty_[1].injected();
  fixture_->store().probe_suspects();                               // hangs as well
  fixture_->store().probe_suspects();                               // one at a time
  while (faulty_[1].injected() == hung) std::this_thread::yield();  // it has begun
  clock_.advance(kSuspectWhile);
  faulty_[1].clear_plan();
  fixture_->store().settle();  // it took until now
  probe(kProbesInTime);
  EXPECT_TRUE(drive(1).suspect);
  clock_.advance(kSuspectWhile);
  probe(1);
  EXPECT_FALSE(drive(1).suspect);
}

TEST_F(SlowDrive, one_drive_of_three_that_answers_is_enough) {
  hang(1);
  hang(2);
  check_all();
  EXPECT_TRUE(drive(1).suspect || drive(2).suspect);
  EXPECT_EQ(fixture_->store().status().corrupt_found, 0u);
}

TEST_F(SlowDrive, a_read_that_no_drive_answers_ends_with_an_error) {
  fixture_->stop();
  fixture_->drive_answer_max = std::chrono::milliseconds(300);
  ASSERT_TRUE(fixture_->start().ok());
  for (size_t disk = 0; disk < kDrives; ++disk) hang(disk);
  const auto row = fixture_->get(key(0));
  ASSERT_FALSE(row.ok());
  EXPECT_EQ(row.error().code, Code::kTimeout);
  for (fault::FaultyFileSystem& disk : faulty_) disk.clear_plan();
  fixture_->store().settle();
  check_all();
}

}  // namespace
}  // namespace strata::replica
