// A drive is filled with a large blob: piece by piece, from whoever has a good copy, and not at all
// if it is deleted on the way.
#include <gtest/gtest.h>

#include <deque>

#include "common/fault/faulty_file_system.h"
#include "common/io/memory_file_system.h"
#include "objstore/replica/join.h"
#include "tests/support/replica_fixture.h"

namespace strata::replica {
namespace {

using tests::random_text;
using tests::ReplicaFixture;

constexpr size_t kLargeBytes = 2 * kJoinFileBytesMax + 3 * kMiB + 5;

class JoinCopy : public ::testing::Test {
 protected:
  JoinCopy() : memory_(3) {
    for (io::MemoryFileSystem& disk : memory_) faulty_.emplace_back(disk);
    fixture_.emplace(std::vector<io::FileSystem*>{&faulty_[0], &faulty_[1], &faulty_[2]}, 3);
  }
  // Drive 1 misses a large blob and comes back.
  void SetUp() override {
    ASSERT_TRUE(fixture_->start().ok());
    fault::FaultPlan plan;
    plan.rules.push_back({.operation = fault::Operation::kSync, .times = 1});
    ASSERT_TRUE(faulty_[1].set_plan(std::move(plan)).ok());
    ASSERT_TRUE(fixture_->put("to-notice", "the failure").ok());
    faulty_[1].clear_plan();
    content_ = random_text(5, kLargeBytes);
    ref_ = fixture_->put_blob("large", content_).value();
    ASSERT_TRUE(fixture_->put_blob("small", random_text(6, 200'000)).ok());
    ASSERT_TRUE(fixture_->store().return_drive({&faulty_[1], "/d1"}).ok());
  }
  // Steps until one has moved bytes of the large file, and it is not done.
  void step_into_the_file() {
    for (int steps = 0; steps < 1000; ++steps) {
      const auto step = fixture_->store().resync().step();
      ASSERT_TRUE(step.ok()) << step.error().to_string();
      ASSERT_TRUE(step->more);
      if (step->bytes >= 2 * kJoinFileBytesMax) return;
    }
    FAIL() << "no step moved a piece of a file";
  }
  void only_drive_1() {
    fixture_->stop();
    fixture_->disks()[2] = nullptr;
    fixture_->disks()[0] = nullptr;
    fixture_->accept_loss = {ids_[0], ids_[2]};
    ASSERT_TRUE(fixture_->start().ok());
  }
  void remember_ids() {
    for (const DriveStatus& drive : fixture_->store().status().drives) ids_.push_back(drive.id);
  }
  std::string large_file_on(size_t disk) {
    const std::string blobs = "/d" + std::to_string(disk) + "/blobs/";
    const std::vector<std::string> folders = memory_[disk].list(blobs).value();
    for (const std::string& folder : folders) {
      const std::vector<std::string> names = memory_[disk].list(blobs + folder).value();
      for (const std::string& name : names) {
        std::string path = blobs + folder + "/" + name;
        const auto file = memory_[disk].open(path, {}).value();
        if (file->size().value() > kLargeBytes) return path;
      }
    }
    return {};
  }
  size_t files_on(size_t disk) {
    size_t count = 0;
    const std::string blobs = "/d" + std::to_string(disk) + "/blobs";
    const std::vector<std::string> folders = memory_[disk].list(blobs).value();
    for (const std::string& folder : folders) {
      count += memory_[disk].list(blobs + "/" + folder).value().size();
    }
    return count;
  }

  std::deque<io::MemoryFileSystem> memory_;
  std::deque<fault::FaultyFileSystem> faulty_;
  std::optional<ReplicaFixture> fixture_;
  std::string content_;
  BlobRef ref_;
  std::vector<std::string> ids_;
};

TEST_F(JoinCopy, no_step_moves_more_than_its_share_of_a_file) {
  bool more = true;
  for (int steps = 0; more && steps < 1000; ++steps) {
    const auto step = fixture_->store().resync().step();
    ASSERT_TRUE(step.ok()) << step.error().to_string();
    EXPECT_LE(step->bytes, 2 * kJoinFileBytesMax + 2 * kJoinBytesMax);
    more = step->more;
  }
  EXPECT_EQ(fixture_->store().status().drives_in_service(), 3u);
  remember_ids();
  only_drive_1();
  EXPECT_EQ(fixture_->read_blob("large", ref_).value(), content_);
}

TEST_F(JoinCopy, a_copy_that_turns_out_bad_on_the_way_is_gone_on_with_from_another_drive) {
  step_into_the_file();
  // Both drives that supply have one bad block each, at different places behind what was copied.
  for (const size_t disk : {size_t{0}, size_t{2}}) {
    const std::string path = large_file_on(disk);
    auto file = memory_[disk].open(path, {.write = true}).value();
    const std::array<std::byte, 1> bad = {std::byte{0x5a}};
    ASSERT_TRUE(file->write_at(kJoinFileBytesMax + (2 + 3 * disk) * kMiB, bad).ok());
  }
  ASSERT_TRUE(fixture_->resync().ok());
  EXPECT_EQ(fixture_->store().status().drives_in_service(), 3u);
  remember_ids();
  only_drive_1();
  EXPECT_EQ(fixture_->read_blob("large", ref_).value(), content_);
}

TEST_F(JoinCopy, a_blob_that_is_deleted_while_it_is_copied_leaves_nothing) {
  step_into_the_file();
  ASSERT_TRUE(fixture_->drop_blob("large", ref_).ok());
  ASSERT_TRUE(fixture_->resync().ok());
  fixture_->store().settle();
  EXPECT_EQ(fixture_->store().status().drives_in_service(), 3u);
  EXPECT_FALSE(fixture_->get("large").value().has_value());
  for (const size_t disk : {size_t{0}, size_t{1}, size_t{2}}) EXPECT_EQ(files_on(disk), 1u) << disk;
}

TEST_F(JoinCopy, a_drive_that_goes_out_again_while_a_file_is_copied_comes_back_whole) {
  step_into_the_file();
  fault::FaultPlan plan;
  plan.rules.push_back({.operation = fault::Operation::kWrite, .path_contains = "/blobs/"});
  ASSERT_TRUE(faulty_[1].set_plan(std::move(plan)).ok());
  for (int steps = 0; steps < 100 && fixture_->store().resync().step().ok(); ++steps) {
    if (!fixture_->store().status().drives[1].joining) break;
  }
  EXPECT_FALSE(fixture_->store().status().drives[1].joining);
  faulty_[1].clear_plan();
  ASSERT_TRUE(fixture_->store().return_drive({&faulty_[1], "/d1"}).ok());
  ASSERT_TRUE(fixture_->resync().ok());
  EXPECT_EQ(fixture_->store().status().drives_in_service(), 3u);
  EXPECT_EQ(files_on(1), 2u);
  remember_ids();
  only_drive_1();
  EXPECT_EQ(fixture_->read_blob("large", ref_).value(), content_);
}

TEST_F(JoinCopy, a_stop_in_the_middle_of_a_file_leaves_nothing_of_it) {
  step_into_the_file();
  fixture_->stop();
  EXPECT_EQ(files_on(1), 0u);
  ASSERT_TRUE(fixture_->start().ok());
  ASSERT_TRUE(fixture_->resync().ok());
  EXPECT_EQ(fixture_->store().status().drives_in_service(), 3u);
  EXPECT_EQ(files_on(1), 2u);
}

}  // namespace
}  // namespace strata::replica
