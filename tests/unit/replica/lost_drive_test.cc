// Drives that are gone, some for good: what the others have is served, what is missing is refused
// and never made up, and a loss is taken for one only when somebody has said so.
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

constexpr size_t kLossDisks = 7;

class LostDrive : public ::testing::Test {
 protected:
  LostDrive() : memory_(kLossDisks) {
    for (io::MemoryFileSystem& disk : memory_) faulty_.emplace_back(disk);
  }

  void start(size_t drives, uint32_t replicas) {
    std::vector<io::FileSystem*> disks;
    for (size_t i = 0; i < drives; ++i) disks.push_back(&faulty_[i]);
    fixture_.emplace(disks, replicas);
    ASSERT_TRUE(fixture_->start().ok());
  }
  [[nodiscard]] Status start_without(const std::set<size_t>& away) {
    fixture_->stop();
    for (size_t i = 0; i < fixture_->disks().size(); ++i) {
      fixture_->disks()[i] = away.contains(i) ? nullptr : &faulty_[i];
    }
    return fixture_->start();
  }
  DriveFolderOption folder(size_t disk) { return {&faulty_[disk], "/d" + std::to_string(disk)}; }
  std::string id_of(size_t drive) { return fixture_->store().status().drives[drive].id; }
  std::string state_of(size_t drive) { return fixture_->store().status().drives[drive].state; }
  void fill(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      const std::string key = "k" + std::to_string(1000 + i);
      const auto ref = fixture_->put_blob(key, random_text(i, i % 4 == 0 ? 200'000 : 2'000));
      ASSERT_TRUE(ref.ok()) << ref.error().to_string();
      blobs_[key] = {*ref, i};
    }
  }
  // A write that the drive does not survive.
  void break_drive(size_t disk) {
    fault::FaultPlan plan;
    plan.rules.push_back({.operation = fault::Operation::kSync, .times = 1});
    ASSERT_TRUE(faulty_[disk].set_plan(std::move(plan)).ok());
    for (int i = 0; i < 200 && fixture_->store().status().drives[disk].in_service; ++i) {
      (void)fixture_->put("to-notice" + std::to_string(i), "x");
    }
    faulty_[disk].clear_plan();
    ASSERT_FALSE(fixture_->store().status().drives[disk].in_service);
  }
  struct Seen {
    size_t served = 0;
    size_t absent = 0;
    size_t refused = 0;
  };
  // Every key is there, whole; or absent; or refused with the reason that drives are missing.
  Seen look() {
    Seen seen;
    for (const auto& [key, blob] : blobs_) {
      const auto row = fixture_->get(key);
      if (!row.ok()) {
        EXPECT_EQ(row.error().reason, kReasonTooFewDrives) << row.error().to_string();
        ++seen.refused;
      } else if (!row->has_value()) {
        ++seen.absent;
      } else {
        const auto bytes = fixture_->read_blob(key, blob.first);
        EXPECT_EQ(bytes.ok() ? *bytes : bytes.error().to_string(),
                  random_text(blob.second, blob.first.size_bytes));
        ++seen.served;
      }
    }
    return seen;
  }
  size_t listed() {
    const auto rows = fixture_->scan();
    if (!rows.ok()) return 0;
    return static_cast<size_t>(
        std::ranges::count_if(*rows, [](const Row& row) { return row.key.starts_with("k"); }));
  }

  std::deque<io::MemoryFileSystem> memory_;
  std::deque<fault::FaultyFileSystem> faulty_;
  std::optional<ReplicaFixture> fixture_;
  std::map<std::string, std::pair<BlobRef, size_t>> blobs_;
};

TEST_F(LostDrive, with_one_copy_a_start_without_a_drive_serves_the_rest_and_refuses_what_is_on_it) {
  start(4, 1);
  fill(60);
  ASSERT_TRUE(start_without({2}).ok());
  const Seen seen = look();
  EXPECT_GT(seen.refused, 0u);
  EXPECT_GT(seen.served, 30u);
  EXPECT_EQ(seen.absent, 0u);
  const auto listing = fixture_->scan();
  ASSERT_FALSE(listing.ok());
  EXPECT_EQ(listing.error().reason, kReasonTooFewDrives);
  EXPECT_NE(listing.error().message.find("no folder of it was given"), std::string::npos)
      << listing.error().message;
  // Writes go on for what belongs to the others, and nothing is lost by it.
  size_t written = 0;
  for (const auto& [key, blob] : blobs_) written += fixture_->put("x" + key, "new").ok() ? 1 : 0;
  EXPECT_GT(written, 30u);
  EXPECT_LT(written, blobs_.size());
  ASSERT_TRUE(start_without({}).ok());
  EXPECT_EQ(look().served, blobs_.size());
  EXPECT_EQ(listed(), blobs_.size());
  EXPECT_EQ(fixture_->store().status().corrupt_found, 0u);
}

TEST_F(LostDrive, with_one_copy_drives_that_were_away_in_turns_all_come_back_with_what_they_have) {
  start(3, 1);
  fill(30);
  for (const size_t away : {size_t{0}, size_t{1}, size_t{2}, size_t{1}}) {
    ASSERT_TRUE(start_without({away}).ok());
    for (const auto& [key, blob] : blobs_) (void)fixture_->put("w" + key, std::to_string(away));
  }
  ASSERT_TRUE(start_without({}).ok());
  EXPECT_EQ(look().served, blobs_.size());
  EXPECT_EQ(fixture_->store().status().drives_in_service(), 3u);
  ASSERT_TRUE(fixture_->resync().ok());
}

TEST_F(LostDrive, with_one_copy_a_drive_that_comes_back_while_serving_serves_at_once) {
  start(3, 1);
  fill(40);
  break_drive(1);
  EXPECT_GT(look().refused, 0u);
  const Status back = fixture_->store().return_drive(folder(1));
  ASSERT_TRUE(back.ok()) << back.error().to_string();
  EXPECT_EQ(look().served, blobs_.size());
  EXPECT_EQ(listed(), blobs_.size());
  ASSERT_TRUE(fixture_->put("k-after", "x").ok());
  ASSERT_TRUE(start_without({}).ok());
  EXPECT_EQ(look().served, blobs_.size());
}

TEST_F(LostDrive, a_drive_whose_folder_is_taken_away_goes_out_and_is_not_made_anew_elsewhere) {
  start(3, 3);
  fill(10);
  ASSERT_TRUE(memory_[1].rename("/d1", "/away").ok());
  for (size_t i = 0; i < 5; ++i) {
    const std::string key = "k" + std::to_string(2000 + i);
    blobs_[key] = {fixture_->put_blob(key, random_text(i, 200'000)).value(), i};
  }
  EXPECT_FALSE(fixture_->store().status().drives[1].in_service);
  EXPECT_EQ(memory_[1].info("/d1").error().code, Code::kNotFound);
  ASSERT_TRUE(memory_[1].rename("/away", "/d1").ok());
  const Status back = fixture_->store().return_drive(folder(1));
  ASSERT_TRUE(back.ok()) << back.error().to_string();
  ASSERT_TRUE(fixture_->resync().ok());
  ASSERT_TRUE(start_without({0}).ok());
  EXPECT_EQ(look().served, blobs_.size());
}

TEST_F(LostDrive, with_one_copy_a_lost_drive_is_drained_and_writes_go_to_the_living) {
  start(3, 1);
  fill(60);
  break_drive(0);
  const size_t survivors = look().served;
  EXPECT_LT(survivors, blobs_.size());
  ReplicaSet& store = fixture_->store();
  const std::string refused = store.drain_drive("/d0").error().message;
  EXPECT_NE(refused.find("accept-loss"), std::string::npos) << refused;
  EXPECT_NE(store.accept_drive_loss("/d1").error().message.find("in service"), std::string::npos);
  ASSERT_TRUE(store.accept_drive_loss("/d0").ok());
  EXPECT_EQ(state_of(0).substr(0, 4), "lost");
  const Seen seen = look();
  EXPECT_EQ(seen.served, survivors);
  EXPECT_EQ(seen.absent, blobs_.size() - survivors);
  EXPECT_EQ(listed(), survivors);
  ASSERT_TRUE(store.drain_drive(id_of(0)).ok());
  ASSERT_TRUE(fixture_->resync().ok());
  EXPECT_EQ(store.status().drives.size(), 2u);
  for (const auto& [key, blob] : blobs_) ASSERT_TRUE(fixture_->put("n" + key, "new").ok()) << key;
  EXPECT_EQ(look().served, survivors);
  // It turns up after all, and is refused: at once, and at the next start.
  EXPECT_NE(store.return_drive(folder(0)).error().message.find("has left this cluster"),
            std::string::npos);
  ASSERT_TRUE(start_without({}).ok());
  EXPECT_EQ(fixture_->store().status().members(), 2u);
  EXPECT_EQ(look().served, survivors);
  EXPECT_EQ(listed(), survivors);
}

TEST_F(LostDrive, its_place_is_filled_by_an_empty_folder_at_the_same_path) {
  start(3, 1);
  fill(60);
  break_drive(2);
  const size_t survivors = look().served;
  ReplicaSet& store = fixture_->store();
  ASSERT_TRUE(store.accept_drive_loss("/d2").ok());
  EXPECT_NE(store.replace_drive(id_of(2), folder(2)).error().message.find("left it"),
            std::string::npos);
  // Another disk is mounted where it was.
  io::MemoryFileSystem fresh;
  const Status begun = store.replace_drive(id_of(2), {&fresh, "/d2"});
  ASSERT_TRUE(begun.ok()) << begun.error().to_string();
  ASSERT_TRUE(fixture_->resync().ok());
  EXPECT_EQ(store.status().drives_in_service(), 3u);
  for (const auto& [key, blob] : blobs_) ASSERT_TRUE(fixture_->put("n" + key, "new").ok()) << key;
  EXPECT_EQ(listed(), survivors);
  fixture_.reset();  // before the disk
}

TEST_F(LostDrive, with_more_copies_a_start_with_too_few_drives_needs_their_loss_accepted) {
  start(3, 3);
  fill(20);
  const std::vector<std::string> ids = {id_of(0), id_of(1), id_of(2)};
  const Status refused = start_without({0, 2});
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("--accept-loss"), std::string::npos);
  EXPECT_NE(refused.error().message.find(ids[0]), std::string::npos);
  fixture_->accept_loss = {ids[0]};
  ASSERT_TRUE(start_without({0, 2}).ok());  // one may be missing anyway
  EXPECT_EQ(look().served, blobs_.size());
  EXPECT_EQ(fixture_->put("k-more", "x").error().reason, kReasonTooFewDrives);
  fixture_->accept_loss = {ids[0], ids[2].substr(0, 8)};
  ASSERT_TRUE(start_without({0, 2}).ok());
  EXPECT_EQ(look().served, blobs_.size());
  // Two new drives, one after the other; writes go on as soon as there are two again.
  ASSERT_TRUE(fixture_->store().replace_drive(id_of(0), folder(4)).ok());
  ASSERT_TRUE(fixture_->resync().ok());
  ASSERT_TRUE(fixture_->put("k-two", "x").ok());
  ASSERT_TRUE(fixture_->store().replace_drive(id_of(2), folder(5)).ok());
  ASSERT_TRUE(fixture_->resync().ok());
  EXPECT_EQ(fixture_->store().status().drives_in_service(), 3u);
  EXPECT_EQ(look().served, blobs_.size());
  // The survivor may go now, and with the option still given it starts as ever.
  fixture_->stop();
  fixture_->disks() = {nullptr, nullptr, nullptr, nullptr, &faulty_[4], &faulty_[5]};
  ASSERT_TRUE(fixture_->start().ok());
  EXPECT_EQ(look().served, blobs_.size());
  fixture_->stop();
  // The drives that were lost know of nothing: they are not used beside the others.
  fixture_->disks() = {&faulty_[0], &faulty_[1], &faulty_[2], nullptr, &faulty_[4], &faulty_[5]};
  fixture_->accept_loss.clear();
  ASSERT_TRUE(fixture_->start().ok());
  EXPECT_EQ(fixture_->store().status().members(), 3u);
  EXPECT_EQ(look().served, blobs_.size());
}

TEST_F(LostDrive, a_drive_that_is_there_is_not_given_up_by_mistake) {
  start(3, 3);
  fill(3);
  const std::string id = id_of(1);
  fixture_->accept_loss = {id};
  const Status refused = start_without({0});
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("is there"), std::string::npos);
  fixture_->accept_loss = {id.substr(0, 2)};
  EXPECT_EQ(start_without({0}).error().code, Code::kInvalidArgument);
  fixture_->accept_loss.clear();
  ASSERT_TRUE(start_without({}).ok());
  EXPECT_EQ(look().served, blobs_.size());
}

TEST_F(LostDrive, with_most_drives_lost_what_any_of_the_others_has_is_kept_and_copied_on) {
  start(5, 3);
  fill(60);
  fixture_->accept_loss = {id_of(0), id_of(1), id_of(2)};
  ASSERT_TRUE(start_without({0, 1, 2}).ok());
  const Seen left = look();
  EXPECT_EQ(left.refused, 0u);
  EXPECT_GT(left.served, 40u);  // of ten choices of three drives one has all three
  EXPECT_EQ(listed(), left.served);
  for (const size_t drive : {size_t{0}, size_t{1}}) {
    ASSERT_TRUE(fixture_->store().replace_drive(id_of(drive), folder(5 + drive)).ok());
    ASSERT_TRUE(fixture_->resync().ok());
  }
  ASSERT_TRUE(fixture_->store().drain_drive(id_of(2)).ok());
  ASSERT_TRUE(fixture_->resync().ok());
  EXPECT_EQ(fixture_->store().status().drives_in_service(), 4u);
  EXPECT_EQ(look().served, left.served);
  EXPECT_EQ(listed(), left.served);
  // Every copy is back: any drive may be missing.
  for (const size_t away : {size_t{3}, size_t{4}, size_t{5}, size_t{6}}) {
    fixture_->stop();
    fixture_->disks().assign(kLossDisks, nullptr);
    for (const size_t disk : {size_t{3}, size_t{4}, size_t{5}, size_t{6}}) {
      if (disk != away) fixture_->disks()[disk] = &faulty_[disk];
    }
    ASSERT_TRUE(fixture_->start().ok());
    EXPECT_EQ(look().served, left.served) << away;
  }
}

TEST_F(LostDrive, drives_that_went_out_together_do_not_lock_themselves_out_by_coming_back) {
  start(4, 2);
  fill(40);
  break_drive(0);
  break_drive(1);
  for (const size_t disk : {size_t{0}, size_t{1}}) {
    const std::string refused = fixture_->store().return_drive(folder(disk)).error().message;
    EXPECT_NE(refused.find("restart strata"), std::string::npos) << refused;
  }
  ASSERT_TRUE(start_without({}).ok());
  ASSERT_TRUE(fixture_->resync().ok());
  EXPECT_EQ(fixture_->store().status().drives_in_service(), 4u);
  EXPECT_EQ(look().served, blobs_.size());
}

TEST_F(LostDrive, when_those_that_filled_a_drive_are_lost_it_serves_what_it_has) {
  start(3, 3);
  fill(30);
  break_drive(1);
  ASSERT_TRUE(fixture_->store().return_drive(folder(1)).ok());
  const std::vector<std::string> ids = {id_of(0), id_of(1), id_of(2)};
  ASSERT_FALSE(start_without({0, 2}).ok());
  fixture_->accept_loss = {ids[0], ids[2]};
  const Status started = start_without({0, 2});
  ASSERT_TRUE(started.ok()) << started.error().to_string();
  EXPECT_EQ(look().served, blobs_.size());
  EXPECT_TRUE(fixture_->store().status().drives[1].in_service);
}

}  // namespace
}  // namespace strata::replica
