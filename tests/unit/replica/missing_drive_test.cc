// Drives whose folders go and come back while the store serves, without anybody saying so.
#include <gtest/gtest.h>

#include "common/base/log.h"
#include "common/fault/faulty_file_system.h"
#include "common/io/memory_file_system.h"
#include "tests/support/replica_fixture.h"

namespace strata::replica {
namespace {

using tests::random_text;
using tests::ReplicaFixture;

class MissingDrive : public ::testing::Test {
 protected:
  void SetUp() override {
    log::start(log::Level::kOff, log::Format::kHuman);
    open(3);
  }
  void TearDown() override { log::start(log::Level::kWarning, log::Format::kHuman); }

  void open(uint32_t replicas) {
    fixture_.reset();
    memory_ = std::array<io::MemoryFileSystem, 3>();
    std::vector<io::FileSystem*> disks;
    faulty_.clear();
    for (io::MemoryFileSystem& disk : memory_) {
      faulty_.push_back(std::make_unique<fault::FaultyFileSystem>(disk));
      disks.push_back(faulty_.back().get());
    }
    fixture_ = std::make_unique<ReplicaFixture>(disks, replicas);
    ASSERT_TRUE(fixture_->start().ok());
  }
  // As a mount point: the folder that is left when the disk goes is empty.
  void take_away(size_t drive) {
    const std::string folder = "/d" + std::to_string(drive);
    ASSERT_TRUE(memory_[drive].rename(folder, "/away").ok());
    ASSERT_TRUE(memory_[drive].create_directory(folder).ok());
  }
  void bring_back(size_t drive) {
    const std::string folder = "/d" + std::to_string(drive);
    const std::vector<std::string> left = memory_[drive].list(folder).value();
    for (const std::string& name : left) {
      ASSERT_EQ(name, "lock") << "something was written to what the path meant meanwhile";
      ASSERT_TRUE(memory_[drive].remove_file(folder + "/" + name).ok());
    }
    ASSERT_TRUE(memory_[drive].remove_directory(folder).ok());
    ASSERT_TRUE(memory_[drive].rename("/away", folder).ok());
  }
  Status look() {
    TRY_ASSIGN(const worker::Step step, fixture_->store().return_watch().step());
    EXPECT_FALSE(step.more);
    return {};
  }
  DriveStatus status(size_t drive) { return fixture_->store().status().drives[drive]; }

  std::array<io::MemoryFileSystem, 3> memory_;
  std::vector<std::unique_ptr<fault::FaultyFileSystem>> faulty_;
  std::unique_ptr<ReplicaFixture> fixture_;
};

TEST_F(MissingDrive, comes_back_by_itself_brought_up_to_date_and_nothing_deleted_returns) {
  ASSERT_TRUE(fixture_->put("stays", "1").ok());
  ASSERT_TRUE(fixture_->put("goes", "1").ok());
  const BlobRef dropped = fixture_->put_blob("dropped", random_text(1, 300'000)).value();
  take_away(1);
  ASSERT_TRUE(look().ok());
  EXPECT_FALSE(status(1).in_service);
  EXPECT_NE(status(1).state.find("its folder is gone"), std::string::npos) << status(1).state;
  ASSERT_TRUE(fixture_->remove("goes").ok());
  ASSERT_TRUE(fixture_->drop_blob("dropped", dropped).ok());
  ASSERT_TRUE(fixture_->put("stays", "2").ok());
  const std::string content = random_text(2, 300'000);
  const BlobRef fresh = fixture_->put_blob("fresh", content).value();
  // As long as it is away nothing happens.
  ASSERT_TRUE(look().ok());
  ASSERT_TRUE(look().ok());
  EXPECT_FALSE(status(1).joining);
  bring_back(1);
  ASSERT_TRUE(look().ok());
  EXPECT_FALSE(status(1).joining) << "taken after one look";
  ASSERT_TRUE(look().ok());
  EXPECT_TRUE(status(1).joining) << status(1).state;
  ASSERT_TRUE(fixture_->resync().ok());
  EXPECT_EQ(fixture_->store().status().drives_in_service(), 3u);
  fixture_->stop();
  // What it has is what the others have: it answers alone with one of them.
  fixture_->disks()[0] = nullptr;
  ASSERT_TRUE(fixture_->start().ok());
  EXPECT_EQ(fixture_->get("stays").value()->value, "2");
  EXPECT_FALSE(fixture_->get("goes").value());
  EXPECT_EQ(fixture_->read_blob("fresh", fresh).value(), content);
  EXPECT_EQ(fixture_->scan().value().size(), 2u);
}

TEST_F(MissingDrive, that_a_write_of_a_file_meets_is_missing_and_has_not_failed) {
  take_away(1);
  const std::string content = random_text(1, 300'000);
  const BlobRef ref = fixture_->put_blob("b", content).value();
  ASSERT_FALSE(status(1).in_service);
  bring_back(1);
  ASSERT_TRUE(look().ok());
  ASSERT_TRUE(look().ok());
  ASSERT_TRUE(fixture_->resync().ok());
  EXPECT_EQ(fixture_->store().status().drives_in_service(), 3u);
  EXPECT_EQ(fixture_->read_blob("b", ref).value(), content);
}

TEST_F(MissingDrive, that_was_away_at_the_start_is_taken_when_its_folder_turns_up) {
  ASSERT_TRUE(fixture_->put("a", "1").ok());
  fixture_->stop();
  take_away(2);
  ASSERT_TRUE(fixture_->start().ok());
  ASSERT_FALSE(status(2).in_service);
  ASSERT_TRUE(fixture_->put("a", "2").ok());
  ASSERT_TRUE(look().ok());
  bring_back(2);
  ASSERT_TRUE(look().ok());
  ASSERT_TRUE(look().ok());
  ASSERT_TRUE(fixture_->resync().ok());
  EXPECT_EQ(fixture_->store().status().drives_in_service(), 3u);
  EXPECT_EQ(fixture_->store().return_watch().progress().findings, 1u);
}

TEST_F(MissingDrive, that_failed_stays_out_until_somebody_says_otherwise) {
  for (const fault::Operation operation : {fault::Operation::kWrite, fault::Operation::kSync}) {
    SCOPED_TRACE(fault::operation_name(operation));
    open(3);
    fault::FaultPlan plan;
    plan.rules.push_back({.operation = operation, .times = 1});
    ASSERT_TRUE(faulty_[1]->set_plan(std::move(plan)).ok());
    ASSERT_TRUE(fixture_->put("a", "1").ok());
    ASSERT_FALSE(status(1).in_service);
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(look().ok());
    // Not even when its folder goes and comes.
    take_away(1);
    ASSERT_TRUE(look().ok());
    bring_back(1);
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(look().ok());
    EXPECT_FALSE(status(1).in_service || status(1).joining) << status(1).state;
    ASSERT_TRUE(fixture_->store().return_drive({faulty_[1].get(), "/d1"}).ok());
    ASSERT_TRUE(fixture_->resync().ok());
    EXPECT_EQ(fixture_->store().status().drives_in_service(), 3u);
  }
}

TEST_F(MissingDrive, of_another_cluster_or_another_place_is_not_taken) {
  io::MemoryFileSystem foreign;
  {
    ReplicaFixture other({&foreign}, 1, 99);
    ASSERT_TRUE(other.start().ok());
  }
  take_away(1);
  ASSERT_TRUE(look().ok());
  const ByteVector identity = io::read_file(foreign, "/d0/identity", kMiB).value();
  ASSERT_TRUE(io::write_file_atomic(memory_[1], "/d1/identity", identity).ok());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(look().ok());
  EXPECT_FALSE(status(1).in_service || status(1).joining);
  // A copy of a drive that serves.
  const ByteVector copy = io::read_file(memory_[0], "/d0/identity", kMiB).value();
  ASSERT_TRUE(io::write_file_atomic(memory_[1], "/d1/identity", copy).ok());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(look().ok());
  EXPECT_FALSE(status(1).in_service || status(1).joining);
  EXPECT_EQ(fixture_->store().status().drives_in_service(), 2u);
}

TEST_F(MissingDrive, with_one_copy_of_everything_serves_what_it_has_as_soon_as_it_is_back) {
  open(1);
  constexpr size_t kKeys = 30;
  const auto key_of = [](size_t number) { return "key" + std::to_string(number); };
  for (size_t i = 0; i < kKeys; ++i) ASSERT_TRUE(fixture_->put(key_of(i), "v").ok());
  take_away(1);
  ASSERT_TRUE(look().ok());
  size_t away = 0;
  for (size_t i = 0; i < kKeys; ++i) away += fixture_->get(key_of(i)).ok() ? 0 : 1;
  EXPECT_GT(away, 0u);
  EXPECT_LT(away, kKeys);
  bring_back(1);
  ASSERT_TRUE(look().ok());
  ASSERT_TRUE(look().ok());
  EXPECT_EQ(fixture_->store().status().drives_in_service(), 3u);
  for (size_t i = 0; i < kKeys; ++i) EXPECT_EQ(fixture_->get(key_of(i)).value()->value, "v");
}

}  // namespace
}  // namespace strata::replica
