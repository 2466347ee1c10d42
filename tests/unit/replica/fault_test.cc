// Drives that fail, lie or are swapped, under a ReplicaSet.
#include <gtest/gtest.h>

#include <deque>
#include <thread>

#include "common/fault/faulty_file_system.h"
#include "common/io/memory_file_system.h"
#include "tests/support/replica_fixture.h"

namespace strata::replica {
namespace {

using fault::Effect;
using fault::FaultPlan;
using fault::FaultRule;
using fault::Operation;
using tests::random_text;
using tests::ReplicaFixture;

struct FaultyDisks {
  explicit FaultyDisks(size_t count) : memory(count) {
    for (io::MemoryFileSystem& disk : memory) faulty.emplace_back(disk);
  }
  std::vector<io::FileSystem*> pointers() {
    std::vector<io::FileSystem*> all;
    for (fault::FaultyFileSystem& disk : faulty) all.push_back(&disk);
    return all;
  }
  void fail(size_t disk, FaultRule rule) {
    FaultPlan plan;
    plan.rules.push_back(std::move(rule));
    CHECK(faulty[disk].set_plan(std::move(plan)).ok());
  }
  std::deque<io::MemoryFileSystem> memory;
  std::deque<fault::FaultyFileSystem> faulty;
};

void expect_out(const StoreStatus& status, size_t drive) {
  EXPECT_FALSE(status.drives[drive].in_service);
  EXPECT_NE(status.drives[drive].state.find("out of service"), std::string::npos)
      << status.drives[drive].state;
}

class FailingCall : public ::testing::TestWithParam<Operation> {};

TEST_P(FailingCall, takes_the_drive_out_and_the_commit_is_durable_on_the_others) {
  FaultyDisks disks(3);
  ReplicaFixture fixture(disks.pointers(), 3);
  ASSERT_TRUE(fixture.start().ok());
  ASSERT_TRUE(fixture.put("a", "1").ok());
  // Once only: a call that fails and then "succeeds" must not be believed.
  disks.fail(1, {.operation = GetParam(), .times = 1});
  ASSERT_TRUE(fixture.put("a", "2").ok());
  const BlobRef ref = fixture.put_blob("b", random_text(1, 400'000)).value();
  EXPECT_EQ(fixture.store().status().drives_in_service(), 2u);
  expect_out(fixture.store().status(), 1);
  EXPECT_EQ(fixture.get("a").value()->value, "2");
  EXPECT_EQ(fixture.read_blob("b", ref).value(), random_text(1, 400'000));
  // It comes back only through recovery, which brings it up to date.
  fixture.stop();
  ASSERT_TRUE(fixture.start().ok());
  EXPECT_EQ(fixture.store().status().drives_in_service(), 3u);
  fixture.stop();
  disks.pointers();
  fixture.disks()[0] = nullptr;
  ASSERT_TRUE(fixture.start().ok());
  EXPECT_EQ(fixture.get("a").value()->value, "2");
  EXPECT_EQ(fixture.read_blob("b", ref).value(), random_text(1, 400'000));
}
INSTANTIATE_TEST_SUITE_P(ReplicaSet, FailingCall,
                         ::testing::Values(Operation::kWrite, Operation::kSync),
                         [](const auto& one) {
                           return std::string(fault::operation_name(one.param));
                         });

// Logs of the index that have ended are filled with zeros in the background: nobody waits for that,
// but a disk that failed there has failed.
class FailingSpareLog : public ::testing::TestWithParam<FaultRule> {
 protected:
  FailingSpareLog() {
    for (auto& disk : disks_.memory) disk.set_capacity(256 * kMiB);  // so that logs are short
  }
  void SetUp() override {
    FaultRule rule = GetParam();
    rule.path_contains = "/spare-";
    const uint64_t times = rule.times;
    ASSERT_TRUE(fixture_.start().ok());
    disks_.fail(1, std::move(rule));
    const std::string content = random_text(9, 100'000);
    constexpr size_t kPutsMax = 600;
    for (size_t i = 0; i < kPutsMax && disks_.faulty[1].injected() < times; ++i) {
      ASSERT_TRUE(fixture_.put_blob("k", content).ok());
    }
    ASSERT_EQ(disks_.faulty[1].injected(), times);
  }
  FaultyDisks disks_{3};
  ReplicaFixture fixture_{disks_.pointers(), 3};
};

class BrokenSpareLog : public FailingSpareLog {};
TEST_P(BrokenSpareLog, takes_the_drive_out) {
  const Deadline deadline = Deadline::after(std::chrono::seconds(30));
  while (fixture_.store().status().drives_in_service() == 3 &&
         !deadline.passed(std::chrono::steady_clock::now())) {
    std::this_thread::yield();
  }
  expect_out(fixture_.store().status(), 1);
  EXPECT_TRUE(fixture_.put("a", "1").ok());
}
INSTANTIATE_TEST_SUITE_P(ReplicaSet, BrokenSpareLog,
                         ::testing::Values(FaultRule{.operation = Operation::kWrite, .times = 1},
                                           FaultRule{.operation = Operation::kSync, .times = 1}),
                         [](const auto& one) {
                           return std::string(fault::operation_name(one.param.operation));
                         });

class SpareLogWithoutRoom : public FailingSpareLog {};
TEST_P(SpareLogWithoutRoom, leaves_the_drive_in_service) {
  // One after the other: what the first one did has been done when the second one fails.
  EXPECT_EQ(fixture_.store().status().drives_in_service(), 3u);
  EXPECT_TRUE(fixture_.put("a", "1").ok());
}
INSTANTIATE_TEST_SUITE_P(ReplicaSet, SpareLogWithoutRoom,
                         ::testing::Values(FaultRule{
                             .operation = Operation::kWrite, .times = 2, .code = Code::kNoSpace}),
                         [](const auto&) { return std::string("write"); });

TEST(ReplicaSet, without_a_majority_a_commit_is_an_error_and_reads_go_on) {
  FaultyDisks disks(3);
  ReplicaFixture fixture(disks.pointers(), 3);
  ASSERT_TRUE(fixture.start().ok());
  ASSERT_TRUE(fixture.put("a", "1").ok());
  disks.fail(0, {.operation = Operation::kSync});
  disks.fail(1, {.operation = Operation::kWrite});
  EXPECT_EQ(fixture.put("b", "2").error().code, Code::kIo);
  EXPECT_EQ(fixture.put("c", "3").error().code, Code::kIo);
  EXPECT_EQ(fixture.store().status().drives_in_service(), 1u);
  EXPECT_EQ(fixture.get("a").value()->value, "1");
}

TEST(ReplicaSet, a_blob_whose_file_cannot_be_flushed_on_one_drive_is_kept_on_the_others) {
  FaultyDisks disks(3);
  ReplicaFixture fixture(disks.pointers(), 3);
  ASSERT_TRUE(fixture.start().ok());
  disks.fail(2, {.operation = Operation::kSync, .path_contains = "/blobs/", .times = 1});
  const std::string content = random_text(3, 2'000'000);
  const BlobRef ref = fixture.put_blob("b", content).value();
  expect_out(fixture.store().status(), 2);
  EXPECT_EQ(fixture.read_blob("b", ref).value(), content);
  fixture.stop();
  disks.faulty[2].clear_plan();
  ASSERT_TRUE(fixture.start().ok());
  fixture.stop();
  fixture.disks()[0] = nullptr;
  ASSERT_TRUE(fixture.start().ok());
  EXPECT_EQ(fixture.read_blob("b", ref).value(), content);
}

class HangingCall : public ::testing::TestWithParam<const char*> {};

TEST_P(HangingCall, a_drive_that_does_not_answer_goes_out_and_the_others_go_on) {
  FaultyDisks disks(3);
  ReplicaFixture fixture(disks.pointers(), 3);
  fixture.drive_answer_max = std::chrono::seconds(2);
  ASSERT_TRUE(fixture.start().ok());
  ASSERT_TRUE(fixture.put("a", "1").ok());
  disks.fail(1, {.operation = Operation::kSync,
                 .path_contains = GetParam(),
                 .effect = fault::Effect::kDelay,
                 .delay = std::chrono::minutes(10)});
  const std::string content = random_text(3, 2'000'000);
  const auto ref = fixture.put_blob("b", content);
  ASSERT_TRUE(ref.ok()) << ref.error().to_string();
  ASSERT_TRUE(fixture.put("a", "2").ok());
  expect_out(fixture.store().status(), 1);
  EXPECT_EQ(fixture.get("a").value()->value, "2");
  EXPECT_EQ(fixture.read_blob("b", *ref).value(), content);
  disks.faulty[1].clear_plan();  // what hangs comes back, too late
  fixture.stop();
  ASSERT_TRUE(fixture.start().ok());
  EXPECT_EQ(fixture.store().status().drives_in_service(), 3u);
  EXPECT_EQ(fixture.get("a").value()->value, "2");
}
INSTANTIATE_TEST_SUITE_P(ReplicaSet, HangingCall, ::testing::Values("/index/", "/blobs/"),
                         [](const auto& one) {
                           return std::string(one.param).find("index") != std::string::npos
                                      ? "of_the_index"
                                      : "of_a_blob";
                         });

TEST(ReplicaSet, a_full_drive_refuses_blobs_and_still_takes_deletes) {
  FaultyDisks disks(3);
  for (auto& disk : disks.memory) disk.set_capacity(200 * kMiB);
  ReplicaFixture fixture(disks.pointers(), 3);
  ASSERT_TRUE(fixture.start().ok());
  const BlobRef ref = fixture.put_blob("a", random_text(1, 10 * kMiB)).value();
  EXPECT_EQ(fixture.put_blob("b", random_text(2, 190 * kMiB)).error().code, Code::kNoSpace);
  EXPECT_EQ(fixture.store().status().drives_in_service(), 3u);
  EXPECT_FALSE(fixture.get("b").value().has_value());
  EXPECT_TRUE(fixture.drop_blob("a", ref).ok());
}

// Small blobs live in the index, which by itself gives space back only when more is written.
TEST(ReplicaSet, a_drive_full_of_small_blobs_takes_new_ones_once_they_are_dropped) {
  FaultyDisks disks(1);
  disks.memory[0].set_capacity(64 * kMiB);
  ReplicaFixture fixture(disks.pointers(), 1);
  ASSERT_TRUE(fixture.start().ok());
  const std::string content = random_text(3, 100'000);
  std::vector<BlobRef> refs;
  constexpr size_t kBlobsMax = 1000;
  while (refs.size() < kBlobsMax) {
    const auto ref = fixture.put_blob("k" + std::to_string(refs.size()), content);
    if (!ref.ok()) {
      EXPECT_EQ(ref.error().code, Code::kNoSpace);
      break;
    }
    refs.push_back(*ref);
  }
  ASSERT_LT(refs.size(), kBlobsMax);
  ASSERT_GT(refs.size(), 100u) << "space for others is lost";
  for (size_t i = 0; i < refs.size(); ++i) {
    ASSERT_TRUE(fixture.drop_blob("k" + std::to_string(i), refs[i]).ok());
  }
  const Deadline deadline = Deadline::after(std::chrono::seconds(30));
  Result<BlobRef> again = Error(Code::kNoSpace, "not tried");
  while (!again.ok() && !deadline.passed(std::chrono::steady_clock::now())) {
    fixture.store().settle();
    again = fixture.put_blob("again", random_text(4, 30 * kMiB));
  }
  EXPECT_TRUE(again.ok()) << again.error().to_string();
  EXPECT_EQ(fixture.store().status().drives_in_service(), 1u);
}

TEST(ReplicaSet, a_drive_that_was_away_is_brought_up_to_date_and_deletes_stay_deleted) {
  FaultyDisks disks(3);
  ReplicaFixture fixture(disks.pointers(), 3);
  ASSERT_TRUE(fixture.start().ok());
  ASSERT_TRUE(fixture.put("keep", "1").ok());
  ASSERT_TRUE(fixture.put("gone", "1").ok());
  const BlobRef old_blob = fixture.put_blob("old", random_text(5, 200'000)).value();
  fixture.stop();
  fixture.disks()[2] = nullptr;
  ASSERT_TRUE(fixture.start().ok());
  EXPECT_EQ(fixture.store().status().drives_in_service(), 2u);
  ASSERT_TRUE(fixture.remove("gone").ok());
  ASSERT_TRUE(fixture.put("keep", "2").ok());
  ASSERT_TRUE(fixture.drop_blob("old", old_blob).ok());
  const BlobRef large = fixture.put_blob("large", random_text(6, 500'000)).value();
  const BlobRef small = fixture.put_blob("small", random_text(7, 5'000)).value();
  fixture.stop();
  fixture.disks()[2] = disks.pointers()[2];
  ASSERT_TRUE(fixture.start().ok());
  EXPECT_EQ(fixture.store().status().drives_in_service(), 3u);
  fixture.stop();
  // Whatever drive answers now: the one that was away is one of two.
  for (const size_t away : {size_t{0}, size_t{1}}) {
    fixture.disks() = disks.pointers();
    fixture.disks()[away] = nullptr;
    ASSERT_TRUE(fixture.start().ok());
    EXPECT_FALSE(fixture.get("gone").value().has_value());
    EXPECT_EQ(fixture.get("keep").value()->value, "2");
    EXPECT_EQ(fixture.read_blob("large", large).value(), random_text(6, 500'000));
    EXPECT_EQ(fixture.read_blob("small", small).value(), random_text(7, 5'000));
    EXPECT_EQ(fixture.scan().value().size(), 3u);
    EXPECT_EQ(fixture.store().status().corrupt_found, 0u);
    fixture.stop();
  }
}

TEST(ReplicaSet, too_few_drives_at_the_start_are_refused_with_their_reasons) {
  FaultyDisks disks(3);
  ReplicaFixture fixture(disks.pointers(), 3);
  ASSERT_TRUE(fixture.start().ok());
  ASSERT_TRUE(fixture.put("a", "1").ok());
  fixture.stop();
  fixture.disks()[0] = nullptr;
  fixture.disks()[1] = nullptr;
  const Status refused = fixture.start();
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("only 1 of 3 drives"), std::string::npos);
}

TEST(ReplicaSet, an_empty_folder_is_not_filled_unless_that_is_allowed) {
  FaultyDisks disks(3);
  io::MemoryFileSystem fresh;
  ReplicaFixture fixture(disks.pointers(), 3);
  ASSERT_TRUE(fixture.start().ok());
  ASSERT_TRUE(fixture.put("a", "1").ok());
  const BlobRef ref = fixture.put_blob("b", random_text(2, 300'000)).value();
  fixture.stop();
  fixture.disks()[1] = &fresh;
  ASSERT_TRUE(fixture.start().ok());
  EXPECT_EQ(fixture.store().status().drives_in_service(), 2u);
  EXPECT_NE(fixture.store().status().drives[1].state.find("empty"), std::string::npos);
  fixture.stop();
  fixture.fill_empty_drives = true;
  ASSERT_TRUE(fixture.start().ok());
  EXPECT_EQ(fixture.store().status().drives[1].state, "joining 0 %");
  ASSERT_TRUE(fixture.resync().ok());
  EXPECT_EQ(fixture.store().status().drives_in_service(), 3u);
  fixture.stop();
  fixture.disks()[0] = nullptr;  // the filled one and one old one are left
  ASSERT_TRUE(fixture.start().ok());
  EXPECT_EQ(fixture.get("a").value()->value, "1");
  EXPECT_EQ(fixture.read_blob("b", ref).value(), random_text(2, 300'000));
}

TEST(ReplicaSet, a_drive_of_another_cluster_is_refused) {
  FaultyDisks disks(3);
  FaultyDisks others(3);
  ReplicaFixture fixture(disks.pointers(), 3, 1);
  ReplicaFixture other(others.pointers(), 3, 2);
  ASSERT_TRUE(fixture.start().ok());
  ASSERT_TRUE(other.start().ok());
  fixture.stop();
  other.stop();
  fixture.disks()[1] = others.pointers()[1];
  const Status refused = fixture.start();
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("another cluster"), std::string::npos);
}

}  // namespace
}  // namespace strata::replica
