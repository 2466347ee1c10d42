// Random rows and blobs on five drives with three copies against a std::map, through restarts,
// drives that stay away for a while, and drives that fail while the store runs.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <deque>
#include <map>

#include "common/base/log.h"
#include "common/fault/faulty_file_system.h"
#include "common/io/memory_file_system.h"
#include "tests/support/replica_fixture.h"

namespace strata::replica {
namespace {

using tests::random_text;
using tests::ReplicaFixture;

constexpr size_t kDrives = 5;
constexpr uint32_t kReplicas = 3;
constexpr double kScale = 0.4;

class StoreModel {
 public:
  StoreModel() : disks_(kDrives), fixture_(start_disks(), kReplicas) {
    RC_ASSERT(fixture_.start().ok());
  }

  void step(uint32_t what, uint32_t choice) {
    const std::string key = "key" + std::to_string(choice % 12);
    switch (what % 12) {
      case 0:
        return remove(key);
      case 1:
        return restart(kDrives);  // every drive is there
      case 2:
        return restart(choice % kDrives);  // one is away
      case 3:
        return put_blob(key, choice % 2 == 0 ? 1'000 : 200'000, choice);
      case 4:
        return fail_one(choice % kDrives);
      case 5:
        return check_scan(choice);
      case 6:
      case 7:
        return check(key);
      default:
        return put(key, std::to_string(choice));
    }
  }
  void check_all() {
    for (size_t i = 0; i < 12; ++i) check("key" + std::to_string(i));
    check_scan(0);
    RC_ASSERT(fixture_.store().status().corrupt_found == 0u);
  }

 private:
  struct Entry {
    std::string value;
    std::optional<BlobRef> blob;
    uint32_t seed = 0;
  };

  std::vector<io::FileSystem*> start_disks() {
    for (io::MemoryFileSystem& disk : disks_) faulty_.emplace_back(disk);
    return present();
  }
  std::vector<io::FileSystem*> present() {
    std::vector<io::FileSystem*> all;
    for (fault::FaultyFileSystem& disk : faulty_) all.push_back(&disk);
    return all;
  }

  void forget(const std::string& key) {
    const auto known = model_.find(key);
    if (known == model_.end()) return;
    if (known->second.blob) RC_ASSERT(fixture_.drop_blob(key, *known->second.blob).ok());
    model_.erase(key);
  }
  void put(const std::string& key, const std::string& value) {
    forget(key);
    RC_ASSERT(fixture_.put(key, value).ok());
    model_[key] = Entry{value, std::nullopt, 0};
  }
  void remove(const std::string& key) {
    forget(key);
    RC_ASSERT(fixture_.remove(key).ok());
  }
  void put_blob(const std::string& key, size_t bytes, uint32_t seed) {
    forget(key);
    const auto ref = fixture_.put_blob(key, random_text(seed, bytes));
    RC_ASSERT(ref.ok());
    model_[key] = Entry{ref->id.to_hex(), *ref, seed};
  }
  // Of three copies one may be missing: a second drive must not go while one is away or out.
  void fail_one(size_t drive) {
    if (failing_ || fixture_.store().status().drives_in_service() < kDrives) return;
    failing_ = true;
    fault::FaultPlan plan;
    plan.rules.push_back({.operation = fault::Operation::kSync, .times = 1});
    RC_ASSERT(faulty_[drive].set_plan(plan).ok());
  }
  void restart(size_t away) {
    fixture_.stop();
    for (fault::FaultyFileSystem& disk : faulty_) disk.clear_plan();
    failing_ = false;
    fixture_.disks() = present();
    if (away < kDrives) fixture_.disks()[away] = nullptr;
    const Status started = fixture_.start();
    RC_ASSERT(started.ok());
  }

  void check(const std::string& key) {
    const auto row = fixture_.get(key);
    RC_ASSERT(row.ok());
    const auto known = model_.find(key);
    RC_ASSERT(row->has_value() == (known != model_.end()));
    if (known == model_.end()) return;
    RC_ASSERT((*row)->value == known->second.value);
    if (!known->second.blob) return;
    const BlobRef& ref = *known->second.blob;
    const auto content = fixture_.read_blob(key, ref);
    RC_ASSERT(content.ok());
    RC_ASSERT(*content == random_text(known->second.seed, ref.size_bytes));
  }
  void check_scan(uint32_t choice) {
    const std::string from = "key" + std::to_string(choice % 12);
    const size_t most = 1 + choice % 20;
    const auto rows = fixture_.scan({.from = from, .to = "", .rows_max = most});
    RC_ASSERT(rows.ok());
    auto known = model_.lower_bound(from);
    for (const Row& row : *rows) {
      RC_ASSERT(known != model_.end());
      RC_ASSERT(row.key == known->first);
      RC_ASSERT(row.value == known->second.value);
      ++known;
    }
    RC_ASSERT(rows->size() == most || known == model_.end());
  }

  std::deque<io::MemoryFileSystem> disks_;
  std::deque<fault::FaultyFileSystem> faulty_;
  ReplicaFixture fixture_;
  std::map<std::string, Entry> model_;
  bool failing_ = false;  // a drive has a fault before it, met or not yet
};

TEST(StoreModel, rows_and_blobs_are_what_a_map_says_through_restarts_absence_and_failures) {
  log::start(log::Level::kOff, log::Format::kHuman);
  const bool holds = rc::check("a replica set is a map", [] {
    // A restart costs what it costs: shorter sequences, more of them.
    const auto steps =
        *rc::gen::scale(kScale, rc::gen::arbitrary<std::vector<std::pair<uint32_t, uint32_t>>>());
    StoreModel model;
    for (const auto& [what, choice] : steps) model.step(what, choice);
    model.check_all();
  });
  log::start(log::Level::kWarning, log::Format::kHuman);
  EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace strata::replica
