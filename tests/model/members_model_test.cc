// Random rows and blobs against a std::map while drives fail, come back, are added, drained and
// replaced, and the store restarts, with the resync stepping in between.
#include <gtest/gtest.h>

#include <deque>
#include <map>

#include "common/base/log.h"
#include "common/base/parse.h"
#include "common/fault/faulty_file_system.h"
#include "common/io/memory_file_system.h"
#include "tests/support/replica_fixture.h"
#include "tests/support/seeds.h"

namespace strata::replica {
namespace {

using tests::random_text;
using tests::ReplicaFixture;

constexpr size_t kDisksMax = 14;
constexpr size_t kMemberKeys = 24;
constexpr int kStepsARun = 150;
constexpr uint64_t kSecondsInAll = 8;

class MembersModel {
 public:
  explicit MembersModel(uint64_t seed)
      : random_(seed),
        replicas_(static_cast<uint32_t>(2 + random_.below(2))),
        memory_(kDisksMax),
        fixture_(first_disks(), replicas_, seed) {
    const Status started = fixture_.start();
    EXPECT_TRUE(started.ok()) << started.error().to_string();
  }

  void run() {
    for (int step = 0; step < kStepsARun && !::testing::Test::HasFailure(); ++step) one();
    if (::testing::Test::HasFailure()) return;
    heal();
    check_all("at the end");
    for (const size_t away : members()) {
      if (replicas_ == 2 || ::testing::Test::HasFailure()) break;
      restart(away);
      check_all("without disk " + std::to_string(away));
    }
  }
  [[nodiscard]] int moves() const { return moves_; }

 private:
  struct Entry {
    std::string value;
    std::optional<BlobRef> blob;
    uint64_t seed = 0;
  };

  std::vector<io::FileSystem*> first_disks() {
    for (io::MemoryFileSystem& disk : memory_) faulty_.emplace_back(disk);
    used_ = replicas_ + random_.below(3);
    std::vector<io::FileSystem*> disks;
    disks.reserve(kDisksMax);
    for (size_t i = 0; i < used_; ++i) disks.push_back(&faulty_[i]);
    return disks;
  }
  DriveFolderOption folder(size_t disk) { return {&faulty_[disk], "/d" + std::to_string(disk)}; }
  static size_t disk_of(const DriveStatus& drive) {
    return parse_u64(drive.path.substr(2)).value();
  }
  std::vector<size_t> members() {
    std::vector<size_t> disks;
    for (const DriveStatus& drive : fixture_.store().status().drives) {
      if (!drive.id.empty() && !drive.path.empty()) disks.push_back(disk_of(drive));
    }
    return disks;
  }
  // Every drive holds what it should.
  bool at_rest() {
    for (const DriveStatus& drive : fixture_.store().status().drives) {
      if (!drive.id.empty() && (!drive.in_service || drive.leaving)) return false;
    }
    return !broken_;
  }

  void one() {
    const std::string key = "key" + std::to_string(random_.below(kMemberKeys));
    switch (random_.below(20)) {
      case 0:
        return restart(std::nullopt);
      case 1:
        if (replicas_ == 3 && at_rest()) restart(members()[random_.below(members().size())]);
        return;
      case 2:
        return break_one();
      case 3:
        return bring_back();
      case 4:
        if (used_ < kDisksMax) command(fixture_.store().add_drive(folder(used_)), true);
        return;
      case 5:
        return command(fixture_.store().drain_drive(any_path()), false);
      case 6:
        if (used_ == kDisksMax) return;
        return command(fixture_.store().replace_drive(any_path(), folder(used_)), true);
      case 7:
      case 8:
        return remove(key);
      case 9:
      case 10:
        return put_blob(key);
      case 11:
        return check_scan("on the way");
      case 12:
      case 13:
        return check(key, "on the way");
      case 14:
      case 15:
      case 16:
        for (uint64_t steps = random_.below(6); steps > 0; --steps) {
          (void)fixture_.store().resync().step();
        }
        return;
      default:
        return put(key);
    }
  }

  std::string any_path() {
    const std::vector<size_t> disks = members();
    return "/d" + std::to_string(disks[random_.below(disks.size())]);
  }
  void command(const Status& begun, bool takes_disk) {
    if (!begun.ok()) return;  // another move is under way, or too few drives would be left
    ++moves_;
    if (takes_disk) ++used_;
  }

  // With three copies one drive may be missing; with two, none while something is written.
  void break_one() {
    if (replicas_ < 3 || !at_rest()) return;
    broken_ = members()[random_.below(members().size())];
    fault::FaultPlan plan;
    plan.rules.push_back({.operation = fault::Operation::kSync, .times = 1});
    ASSERT_TRUE(faulty_[*broken_].set_plan(std::move(plan)).ok());
  }
  void bring_back() {
    if (!broken_) return;
    for (const DriveStatus& drive : fixture_.store().status().drives) {
      if (drive.id.empty() || drive.path.empty() || disk_of(drive) != *broken_) continue;
      if (drive.in_service || drive.joining) return;  // it has not met its fault yet
      faulty_[*broken_].clear_plan();
      const Status back = fixture_.store().return_drive(folder(*broken_));
      ASSERT_TRUE(back.ok()) << back.error().to_string();
      ++moves_;
    }
    broken_.reset();
  }
  void restart(std::optional<size_t> away) {
    const std::vector<size_t> given = members();
    fixture_.stop();
    for (fault::FaultyFileSystem& disk : faulty_) disk.clear_plan();
    broken_.reset();
    fixture_.disks().assign(kDisksMax, nullptr);
    for (const size_t disk : given) fixture_.disks()[disk] = &faulty_[disk];
    if (away) fixture_.disks()[*away] = nullptr;
    const Status started = fixture_.start();
    ASSERT_TRUE(started.ok()) << started.error().to_string();
    if (!away) return;
    check_scan("with a drive away");
    put("away");
    fixture_.stop();
    fixture_.disks()[*away] = &faulty_[*away];
    const Status again = fixture_.start();
    ASSERT_TRUE(again.ok()) << again.error().to_string();
  }
  void heal() {
    restart(std::nullopt);
    const Status done = fixture_.resync();
    ASSERT_TRUE(done.ok()) << done.error().to_string();
    ASSERT_TRUE(at_rest());
  }

  void forget(const std::string& key) {
    const auto known = model_.find(key);
    if (known == model_.end()) return;
    if (known->second.blob) ok(fixture_.drop_blob(key, *known->second.blob));
    model_.erase(key);
  }
  template <typename T>
  static void ok(const Result<T>& done) {
    ASSERT_TRUE(done.ok()) << done.error().to_string();
  }
  void put(const std::string& key) {
    forget(key);
    const std::string value = std::to_string(random_.next_u64());
    ok(fixture_.put(key, value));
    model_[key] = Entry{value, std::nullopt, 0};
  }
  void remove(const std::string& key) {
    forget(key);
    ok(fixture_.remove(key));
  }
  void put_blob(const std::string& key) {
    forget(key);
    const uint64_t seed = random_.next_u64();
    const size_t bytes = random_.below(2) == 0 ? 2'000 : 150'000 + random_.below(100'000);
    const auto ref = fixture_.put_blob(key, random_text(seed, bytes));
    ASSERT_TRUE(ref.ok()) << ref.error().to_string();
    model_[key] = Entry{ref->id.to_hex(), *ref, seed};
  }
  void check(const std::string& key, const std::string& when) {
    const auto row = fixture_.get(key);
    ASSERT_TRUE(row.ok()) << when << ": " << row.error().to_string();
    const auto known = model_.find(key);
    ASSERT_EQ(row->has_value(), known != model_.end()) << when << ": " << key;
    if (known == model_.end()) return;
    ASSERT_EQ((*row)->value, known->second.value) << when << ": " << key;
    if (!known->second.blob) return;
    const auto content = fixture_.read_blob(key, *known->second.blob);
    ASSERT_TRUE(content.ok()) << when << ": " << content.error().to_string();
    ASSERT_EQ(*content, random_text(known->second.seed, known->second.blob->size_bytes)) << when;
  }
  void check_scan(const std::string& when) {
    const auto rows = fixture_.scan();
    ASSERT_TRUE(rows.ok()) << when << ": " << rows.error().to_string();
    std::map<std::string, std::string> listed;
    for (const Row& row : *rows) listed[row.key] = row.value;
    ASSERT_EQ(listed.size(), model_.size()) << when;
    for (const auto& [key, entry] : model_) ASSERT_EQ(listed[key], entry.value) << when << key;
  }
  void check_all(const std::string& when) {
    for (size_t i = 0; i < kMemberKeys; ++i) check("key" + std::to_string(i), when);
    check_scan(when);
    EXPECT_EQ(fixture_.store().status().corrupt_found, 0u) << when;
  }

  SeededRandom random_;
  const uint32_t replicas_;
  std::deque<io::MemoryFileSystem> memory_;
  std::deque<fault::FaultyFileSystem> faulty_;
  size_t used_ = 0;               // disks that are or were drives; the next one is empty
  std::optional<size_t> broken_;  // has a fault before it, met or not yet
  int moves_ = 0;
  ReplicaFixture fixture_;
  std::map<std::string, Entry> model_;
};

TEST(MembersModel, rows_and_blobs_are_what_a_map_says_while_drives_come_and_go) {
  log::start(log::Level::kOff, log::Format::kHuman);
  int moves = 0;
  tests::for_seeds(kSecondsInAll, [&](uint64_t seed) {
    MembersModel model(seed);
    model.run();
    moves += model.moves();
  });
  std::printf("%d moves\n", moves);
  log::start(log::Level::kWarning, log::Format::kHuman);
}

}  // namespace
}  // namespace strata::replica
