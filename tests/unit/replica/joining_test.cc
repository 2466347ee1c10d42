// Drives that come and go while the store serves: what was stored stays, what was deleted stays
// deleted, whichever drives answer afterwards.
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <thread>

#include "common/fault/faulty_file_system.h"
#include "common/io/memory_file_system.h"
#include "tests/support/replica_fixture.h"

namespace strata::replica {
namespace {

using tests::random_text;
using tests::ReplicaFixture;

constexpr size_t kDisksMax = 6;

class Joining : public ::testing::Test {
 protected:
  Joining() : memory_(kDisksMax) {
    for (io::MemoryFileSystem& disk : memory_) faulty_.emplace_back(disk);
  }

  ReplicaFixture& start(size_t drives, uint32_t replicas) {
    std::vector<io::FileSystem*> disks;
    disks.reserve(kDisksMax);
    for (size_t i = 0; i < drives; ++i) disks.push_back(&faulty_[i]);
    fixture_.emplace(disks, replicas);
    EXPECT_TRUE(fixture_->start().ok());
    return *fixture_;
  }
  DriveFolderOption folder(size_t disk) { return {&faulty_[disk], "/d" + std::to_string(disk)}; }
  void fail(size_t disk) {
    fault::FaultPlan plan;
    plan.rules.push_back({.operation = fault::Operation::kSync, .times = 1});
    ASSERT_TRUE(faulty_[disk].set_plan(std::move(plan)).ok());
    ASSERT_TRUE(fixture_->put("to-notice", "the failure").ok());
    faulty_[disk].clear_plan();
  }
  // Small and large blobs and rows; some of what was there is deleted or replaced.
  void change(const std::string& tag, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      const std::string row = "row" + std::to_string(i);
      ASSERT_TRUE(fixture_->put(row, tag).ok());
      rows_[row] = tag;
      const std::string key = "blob" + tag + std::to_string(i);
      const size_t bytes = i % 3 == 0 ? 200'000 + i : 3'000 + i;
      const auto ref = fixture_->put_blob(key, random_text(i, bytes));
      ASSERT_TRUE(ref.ok()) << ref.error().to_string();
      blobs_[key] = {*ref, i};
    }
  }
  void forget(size_t every) {
    size_t number = 0;
    for (auto it = blobs_.begin(); it != blobs_.end();) {
      if (number++ % every != 0) {
        ++it;
        continue;
      }
      ASSERT_TRUE(fixture_->drop_blob(it->first, it->second.first).ok());
      it = blobs_.erase(it);
    }
    for (auto it = rows_.begin(); it != rows_.end();) {
      if (number++ % every != 0) {
        ++it;
        continue;
      }
      ASSERT_TRUE(fixture_->remove(it->first).ok());
      it = rows_.erase(it);
    }
  }
  void check(const std::string& when) {
    for (const auto& [key, value] : rows_) {
      const auto row = fixture_->get(key);
      ASSERT_TRUE(row.ok()) << when << ": " << row.error().to_string();
      ASSERT_TRUE(row->has_value()) << when << ": " << key;
      ASSERT_EQ((*row)->value, value) << when << ": " << key;
    }
    for (const auto& [key, blob] : blobs_) {
      const auto content = fixture_->read_blob(key, blob.first);
      ASSERT_TRUE(content.ok()) << when << ": " << content.error().to_string();
      ASSERT_EQ(*content, random_text(blob.second, blob.first.size_bytes)) << when;
    }
    std::set<std::string> keys;
    const auto listed = fixture_->scan();
    ASSERT_TRUE(listed.ok()) << when << ": " << listed.error().to_string();
    for (const Row& row : *listed) keys.insert(row.key);
    keys.erase("to-notice");
    ASSERT_EQ(keys.size(), rows_.size() + blobs_.size()) << when;
    EXPECT_EQ(fixture_->store().status().corrupt_found, 0u) << when;
  }
  // Restarts with each of these disks away in turn.
  void check_without_each(const std::vector<size_t>& disks) {
    for (const size_t away : disks) {
      fixture_->stop();
      auto& given = fixture_->disks();
      given.assign(kDisksMax, nullptr);
      for (const size_t disk : disks) {
        if (disk != away) given[disk] = &faulty_[disk];
      }
      const Status started = fixture_->start();
      ASSERT_TRUE(started.ok()) << started.error().to_string();
      check("without drive " + std::to_string(away));
    }
    fixture_->stop();
    for (const size_t disk : disks) fixture_->disks()[disk] = &faulty_[disk];
    ASSERT_TRUE(fixture_->start().ok());
    ASSERT_TRUE(fixture_->resync().ok());
  }
  std::vector<std::string> states() {
    std::vector<std::string> out;
    for (const DriveStatus& drive : fixture_->store().status().drives) out.push_back(drive.state);
    return out;
  }

  std::deque<io::MemoryFileSystem> memory_;
  std::deque<fault::FaultyFileSystem> faulty_;
  std::optional<ReplicaFixture> fixture_;
  std::map<std::string, std::string> rows_;
  std::map<std::string, std::pair<BlobRef, size_t>> blobs_;
};

TEST_F(Joining, a_drive_that_failed_comes_back_while_serving_and_deletes_stay_deleted) {
  start(3, 3);
  change("a", 20);
  fail(1);
  ASSERT_EQ(fixture_->store().status().drives_in_service(), 2u);
  forget(3);
  change("b", 20);
  const Status back = fixture_->store().return_drive(folder(1));
  ASSERT_TRUE(back.ok()) << back.error().to_string();
  EXPECT_EQ(states()[1], "joining 0 %");
  change("c", 5);
  forget(4);
  ASSERT_TRUE(fixture_->resync().ok());
  EXPECT_EQ(states(), std::vector<std::string>(3, "in service"));
  change("d", 3);
  check("after the return");
  check_without_each({0, 1, 2});
}

TEST_F(Joining, changes_between_the_steps_of_a_join_win_over_what_it_copies) {
  start(3, 3);
  change("a", 60);
  fail(2);
  ASSERT_TRUE(fixture_->store().return_drive(folder(2)).ok());
  for (int step = 0; step < 100'000; ++step) {
    const auto done = fixture_->store().resync().step();
    ASSERT_TRUE(done.ok()) << done.error().to_string();
    if (!done->more) break;
    change("s" + std::to_string(step % 7), 2);
    forget(9);
  }
  EXPECT_EQ(fixture_->store().status().drives_in_service(), 3u);
  check("after the join");
  check_without_each({0, 1, 2});
}

TEST_F(Joining, deletes_beside_the_copying_stay_deleted_on_the_drive_that_joins) {
  constexpr size_t kRows = 3000;
  const auto key_of = [](size_t i) { return "row" + std::to_string(100'000 + i); };
  start(3, 3);
  fail(1);
  for (size_t i = 0; i < kRows; ++i) ASSERT_TRUE(fixture_->put(key_of(i), "1").ok());
  ASSERT_TRUE(fixture_->store().return_drive(folder(1)).ok());
  Status resynced;
  std::thread resync([&] { resynced = fixture_->resync(); });
  // From both ends: some are deleted before they are looked at, some after, some just then.
  for (size_t i = 0; i < kRows; i += 2) {
    const size_t row = i % 4 == 0 ? i : kRows - i;
    EXPECT_TRUE(fixture_->remove(key_of(row)).ok());
  }
  resync.join();
  ASSERT_TRUE(resynced.ok()) << resynced.error().to_string();
  ASSERT_TRUE(fixture_->resync().ok());
  ASSERT_EQ(fixture_->store().status().drives_in_service(), 3u);
  fixture_->stop();
  // What that drive holds by itself: it and one other, which is asked first half of the time.
  fixture_->disks()[0] = nullptr;
  ASSERT_TRUE(fixture_->start().ok());
  for (size_t i = 0; i < kRows; ++i) {
    ASSERT_EQ(fixture_->get(key_of(i)).value().has_value(), i % 2 == 1) << i;
  }
}

TEST_F(Joining, a_blob_begun_before_a_drive_joins_is_on_that_drive_afterwards) {
  start(3, 3);
  change("a", 2);
  fail(1);
  Store& store = fixture_->store();
  const std::string content = random_text(77, 700'000);
  auto writer = fixture_->run(store.create_blob("p/late", content.size())).value();
  ASSERT_TRUE(fixture_->run(writer->append(as_bytes(content).first(400'000))).ok());
  ASSERT_TRUE(fixture_->store().return_drive(folder(1)).ok());
  ASSERT_TRUE(fixture_->resync().ok());
  ASSERT_EQ(store.status().drives_in_service(), 3u);
  ASSERT_TRUE(fixture_->run(writer->append(as_bytes(content).subspan(400'000))).ok());
  const BlobRef ref = fixture_->run(writer->finish()).value();
  Mutation mutation;
  mutation.placement = "p/late";
  mutation.puts.push_back({"late", "x"});
  mutation.adopts.push_back(std::move(writer));
  ASSERT_TRUE(fixture_->run(store.commit(std::move(mutation))).ok());
  rows_["late"] = "x";
  for (const size_t away : {size_t{0}, size_t{2}}) {
    fixture_->stop();
    fixture_->disks() = {&faulty_[0], &faulty_[1], &faulty_[2]};
    fixture_->disks()[away] = nullptr;
    ASSERT_TRUE(fixture_->start().ok());
    EXPECT_EQ(fixture_->read_blob("late", ref).value(), content);
  }
}

TEST_F(Joining, a_drive_is_replaced_while_it_serves_and_is_refused_afterwards) {
  start(3, 3);
  change("a", 20);
  const Status begun = fixture_->store().replace_drive("/d0", folder(3));
  ASSERT_TRUE(begun.ok()) << begun.error().to_string();
  EXPECT_EQ(states()[0], "being replaced 0 %");
  EXPECT_EQ(states()[3], "joining 0 %");
  change("b", 5);
  forget(3);
  ASSERT_TRUE(fixture_->resync().ok());
  EXPECT_EQ(states(), std::vector<std::string>(3, "in service"));
  check("after the replacement");
  // The old drive is known for what it is.
  EXPECT_NE(fixture_->store().return_drive(folder(0)).error().message.find("left this cluster"),
            std::string::npos);
  EXPECT_NE(fixture_->store().add_drive(folder(0)).error().message.find("empty the folder"),
            std::string::npos);
  fixture_->stop();
  fixture_->disks() = {&faulty_[0], &faulty_[1], &faulty_[2], &faulty_[3]};
  ASSERT_TRUE(fixture_->start().ok());
  EXPECT_EQ(fixture_->store().status().drives_in_service(), 3u);
  EXPECT_NE(states().back().find("drained or replaced"), std::string::npos);
  check_without_each({1, 2, 3});
}

TEST_F(Joining, a_lost_drive_is_replaced_by_an_empty_folder) {
  start(3, 3);
  change("a", 20);
  fixture_->stop();
  fixture_->disks()[1] = nullptr;
  ASSERT_TRUE(fixture_->start().ok());
  const std::string lost = fixture_->store().status().drives[1].id;
  change("b", 5);
  ASSERT_TRUE(fixture_->store().replace_drive(lost.substr(0, 8), folder(4)).ok());
  ASSERT_TRUE(fixture_->resync().ok());
  EXPECT_EQ(fixture_->store().status().drives_in_service(), 3u);
  check_without_each({0, 2, 4});
}

TEST_F(Joining, drives_are_added_and_drained_and_everything_stays_where_it_belongs) {
  start(3, 2);
  change("a", 60);
  ASSERT_TRUE(fixture_->store().add_drive(folder(3)).ok());
  change("b", 10);
  forget(5);
  ASSERT_TRUE(fixture_->resync().ok());
  EXPECT_EQ(states(), std::vector<std::string>(4, "in service"));
  change("c", 10);
  check("with four drives");
  forget(7);
  check("after deletes");
  const Status drained = fixture_->store().drain_drive("/d1");
  ASSERT_TRUE(drained.ok()) << drained.error().to_string();
  EXPECT_EQ(states()[1], "draining 0 %");
  change("d", 5);
  forget(6);
  ASSERT_TRUE(fixture_->resync().ok());
  EXPECT_EQ(states(), std::vector<std::string>(3, "in service"));
  change("e", 5);
  check("with three drives again");
  check_without_each({0, 2, 3});
  EXPECT_NE(fixture_->store().drain_drive("/nowhere").error().message.find("no drive is called"),
            std::string::npos);
}

TEST_F(Joining, a_move_goes_on_after_a_restart_in_the_middle) {
  start(3, 2);
  change("a", 80);
  ASSERT_TRUE(fixture_->store().add_drive(folder(3)).ok());
  for (int step = 0; step < 4; ++step) ASSERT_TRUE(fixture_->store().resync().step().ok());
  change("b", 5);
  forget(5);
  fixture_->stop();
  fixture_->disks().push_back(&faulty_[3]);
  ASSERT_TRUE(fixture_->start().ok());
  check("in the middle of the move");
  change("c", 5);
  forget(8);
  EXPECT_TRUE(fixture_->store().status().drives[3].joining);
  ASSERT_TRUE(fixture_->resync().ok());
  EXPECT_EQ(states(), std::vector<std::string>(4, "in service"));
  check("after the move");
  check_without_each({0, 1, 2, 3});
}

TEST_F(Joining, a_move_can_be_given_up) {
  start(3, 2);
  change("a", 30);
  ASSERT_TRUE(fixture_->store().add_drive(folder(3)).ok());
  for (int step = 0; step < 3; ++step) ASSERT_TRUE(fixture_->store().resync().step().ok());
  change("b", 5);
  ASSERT_TRUE(fixture_->store().drain_drive("/d3").ok());
  EXPECT_EQ(states(), std::vector<std::string>(3, "in service"));
  forget(3);
  ASSERT_TRUE(fixture_->store().drain_drive("/d0").ok());
  for (int step = 0; step < 3; ++step) ASSERT_TRUE(fixture_->store().resync().step().ok());
  change("c", 5);
  ASSERT_TRUE(fixture_->store().return_drive(folder(0)).ok());
  EXPECT_EQ(states(), std::vector<std::string>(3, "in service"));
  forget(4);
  ASSERT_TRUE(fixture_->resync().ok());
  forget(3);
  check("after giving up");
}

TEST_F(Joining, a_drive_that_was_away_while_members_moved_is_brought_up_to_date) {
  start(4, 3);
  change("a", 40);
  fixture_->stop();
  fixture_->disks()[2] = nullptr;
  ASSERT_TRUE(fixture_->start().ok());
  ASSERT_TRUE(fixture_->store().add_drive(folder(4)).ok());
  change("b", 10);
  forget(3);
  ASSERT_TRUE(fixture_->resync().ok());
  forget(4);
  const Status back = fixture_->store().return_drive(folder(2));
  ASSERT_TRUE(back.ok()) << back.error().to_string();
  change("c", 5);
  ASSERT_TRUE(fixture_->resync().ok());
  EXPECT_EQ(states(), std::vector<std::string>(5, "in service"));
  check("after the return");
  check_without_each({0, 1, 2, 3, 4});
}

TEST_F(Joining, commands_that_cannot_be_done_say_why) {
  start(3, 3);
  change("a", 2);
  ReplicaSet& store = fixture_->store();
  EXPECT_NE(store.drain_drive("/d0").error().message.find("need 3 drives"), std::string::npos);
  EXPECT_NE(store.add_drive(folder(0)).error().message.find("already"), std::string::npos);
  EXPECT_NE(store.return_drive(folder(0)).error().message.find("in service"), std::string::npos);
  EXPECT_NE(store.return_drive(folder(3)).error().message.find("empty"), std::string::npos);
  ASSERT_TRUE(faulty_[4].create_directory("/d4").ok());
  ASSERT_TRUE(io::write_file_atomic(faulty_[4], "/d4/photo.jpg", as_bytes("x")).ok());
  EXPECT_NE(store.add_drive(folder(4)).error().message.find("photo.jpg"), std::string::npos);
  ReplicaFixture other({&faulty_[5]}, 1, 99);
  ASSERT_TRUE(other.start().ok());
  other.stop();
  io::FileSystem* const foreign = &faulty_[5];
  ASSERT_TRUE(foreign->rename("/d0", "/foreign").ok());
  EXPECT_NE(store.add_drive({foreign, "/foreign"}).error().message.find("another cluster"),
            std::string::npos);
  ASSERT_TRUE(store.add_drive(folder(3)).ok());
  EXPECT_NE(store.drain_drive("/d0").error().message.find("under way"), std::string::npos);
}

}  // namespace
}  // namespace strata::replica
