// Every byte of every record in the index of a drive is changed in turn, under the checksums of
// RocksDB's files: as memory does that fails before a record is written.
//
// The log of changes is changed so once more where a drive that was away depends on it.
//
// With good copies on two other drives nothing wrong may be served, the damage must be found, by a
// read, a start or a scrub, and after that every record must be what it is on another drive.
// Without STRATA_TEST_EXHAUSTIVE=1 one byte of each record is tried, by seed.
#include <gtest/gtest.h>

#include <set>

#include "common/base/log.h"
#include "tests/fault/known_store.h"
#include "tests/support/index_access.h"
#include "tests/support/seeds.h"

namespace strata::replica {
namespace {

using drive::Table;
using tests::ReplicaFixture;

struct RecordName {
  Table table;
  std::string key;
  size_t bytes;
};

// Of the records of dropped blobs the next start takes the keys alone, and those of `gone` are
// empty.
constexpr std::array kFlippedTables = {Table::kMeta, Table::kRows, Table::kData, Table::kBlobs,
                                       Table::kLog};

std::vector<RecordName> records_of(io::FileSystem& disk) {
  std::vector<RecordName> found;
  tests::with_index(disk, "/d0", [&](drive::Index& index) {
    for (const Table table : kFlippedTables) {
      drive::Cursor cursor = index.cursor(table);
      for (cursor.seek(""); cursor.valid(); cursor.next()) {
        found.push_back({table, std::string(cursor.key()), cursor.value().size()});
      }
    }
  });
  return found;
}

void flip_record(io::FileSystem& disk, const RecordName& record, size_t at, uint8_t mask) {
  tests::with_index(disk, "/d0", [&](drive::Index& index) {
    std::string bytes = index.get(record.table, record.key, drive::Tier::kDisk).value().value;
    ASSERT_EQ(bytes.size(), record.bytes);
    bytes[at] = static_cast<char>(bytes[at] ^ mask);
    drive::Batch batch = index.batch();
    batch.put(record.table, record.key, bytes);
    ASSERT_TRUE(index.write(batch, true).ok());
  });
}

// Where the damage was met.
struct RecordTally {
  size_t by_start = 0, by_read = 0, by_scrub = 0;
};

class Flipped : public ::testing::Test {
 protected:
  void SetUp() override { log::start(log::Level::kOff, log::Format::kHuman); }
  void TearDown() override { log::start(log::Level::kWarning, log::Format::kHuman); }

  // Calls trial(record, offset, mask) for bytes of every record of the table on drive 0.
  template <typename Trial>
  void for_bytes(const Disks& base, Table table, Trial trial) {
    for (const RecordName& record : records_of(*copy_of(base)[0])) {
      if (record.table != table) continue;
      std::set<size_t> places;
      for (size_t at = 0; exhaustive() && at < record.bytes; ++at) places.insert(at);
      if (places.empty() && record.bytes > 0) places.insert(random_.below(record.bytes));
      for (const size_t at : places) {
        const auto mask = static_cast<uint8_t>(1u << random_.below(8));
        SCOPED_TRACE(std::string(drive::table_name(table)) + " record " +
                     ::testing::PrintToString(record.key) + " byte " + std::to_string(at) + " of " +
                     std::to_string(record.bytes) + " mask " + std::to_string(mask) +
                     " STRATA_TEST_SEED=" + std::to_string(seed_));
        trial(record, at, mask);
        ++trials_;
        if (failures_so_far() > kFailuresShown) return;
      }
    }
    EXPECT_GT(trials_, 0u) << "there is no such record";
  }
  static void expect_all_right(const KnownStore& known, ReplicaFixture& fixture) {
    const Findings findings = known.read_everything(fixture);
    EXPECT_EQ(findings.wrong + findings.errors, 0u) << findings.first;
    fixture.store().settle();
  }
  static void expect_alike(const Disks& disks, size_t one, size_t other) {
    const auto a = content_of(*disks[one], "/d" + std::to_string(one));
    const auto b = content_of(*disks[other], "/d" + std::to_string(other));
    ASSERT_TRUE(a.ok() && b.ok());
    EXPECT_TRUE(*a == *b) << "the drives differ";
  }

  const uint64_t seed_ = tests::test_seed();
  SeededRandom random_{seed_};
  size_t trials_ = 0;
};

class RecordFlip : public Flipped, public ::testing::WithParamInterface<Table> {
 protected:
  void try_one(const KnownStore& known, const Disks& base, const RecordName& record, size_t at,
               uint8_t mask) {
    Disks disks = copy_of(base);
    flip_record(*disks[0], record, at, mask);
    ReplicaFixture fixture(pointers_to(disks), 3);
    ASSERT_TRUE(fixture.start().ok());
    const bool by_start = fixture.store().status().corrupt_found > 0 ||
                          !fixture.store().status().drives[0].in_service;
    ASSERT_TRUE(fixture.resync().ok());
    expect_all_right(known, fixture);
    const bool by_read = fixture.store().status().corrupt_found > 0;
    const bool by_scrub = scrub_finds_something(fixture);
    EXPECT_TRUE(by_start || by_read || by_scrub) << "nobody was told";
    ++(by_start ? tally_.by_start : by_read ? tally_.by_read : tally_.by_scrub);
    fixture.stop();
    // And it is gone: also where the damage kept the drive out of service.
    ASSERT_TRUE(fixture.start().ok());
    ASSERT_TRUE(fixture.resync().ok());
    expect_all_right(known, fixture);
    EXPECT_EQ(fixture.store().status().drives_in_service(), 3u)
        << fixture.store().status().drives[0].state;
    EXPECT_FALSE(scrub_finds_something(fixture)) << "not repaired";
    fixture.stop();
    expect_alike(disks, 0, 1);
  }

  RecordTally tally_;
};

TEST_P(RecordFlip, is_never_served_is_reported_and_repaired_from_another_drive) {
  KnownStore known(3);
  Disks base;
  known.fill(base);
  for_bytes(base, GetParam(), [&](const RecordName& record, size_t at, uint8_t mask) {
    try_one(known, base, record, at, mask);
  });
  std::printf(
      "%s: %zu bytes changed: %zu met by a start, %zu by a read, %zu by a scrub; "
      "STRATA_TEST_SEED=%llu\n",
      std::string(drive::table_name(GetParam())).c_str(), trials_, tally_.by_start, tally_.by_read,
      tally_.by_scrub, static_cast<unsigned long long>(seed_));
}
INSTANTIATE_TEST_SUITE_P(Drive, RecordFlip, ::testing::ValuesIn(kFlippedTables),
                         [](const auto& one) { return std::string(drive::table_name(one.param)); });

// What a drive has missed is found by the logs of the others; where one of those is damaged all
// keys are compared instead: at a start, and while the store serves.
class FlippedLog : public Flipped, public ::testing::WithParamInterface<bool> {
 protected:
  // Three drives, of which the last one was away for the last changes.
  static Disks one_behind(KnownStore& known) {
    Disks disks;
    known.fill(disks);
    Disks before = copy_of(disks);
    ReplicaFixture two(pointers_to(disks), 3);
    two.disks()[2] = nullptr;
    EXPECT_TRUE(two.start().ok());
    known.change_more(two);
    two.store().settle();
    two.stop();
    disks[2] = std::move(before[2]);
    return disks;
  }
};

TEST_P(FlippedLog, keeps_no_other_drive_from_catching_up) {
  const bool while_serving = GetParam();
  KnownStore known(3);
  const Disks base = one_behind(known);
  for_bytes(base, Table::kLog, [&](const RecordName& record, size_t at, uint8_t mask) {
    Disks disks = copy_of(base);
    flip_record(*disks[0], record, at, mask);
    ReplicaFixture fixture(pointers_to(disks), 3);
    if (while_serving) {
      // It fills the drive whose log is damaged at its end, too; the other one comes later.
      fixture.disks()[2] = nullptr;
      Status started = fixture.start();
      if (!started.ok()) return;  // too few drives know where they stand
      ASSERT_TRUE(fixture.resync().ok());
      const Status back = fixture.store().return_drive({disks[2].get(), "/d2"});
      ASSERT_TRUE(back.ok()) << back.error().to_string();
    } else {
      const Status started = fixture.start();
      ASSERT_TRUE(started.ok()) << started.error().to_string();
    }
    ASSERT_TRUE(fixture.resync().ok());
    expect_all_right(known, fixture);
    for (const DriveStatus& drive : fixture.store().status().drives) {
      EXPECT_TRUE(drive.in_service) << drive.path << ": " << drive.state;
    }
    EXPECT_TRUE(scrub_finds_something(fixture)) << "nobody was told";
    fixture.stop();
    expect_alike(disks, 2, 1);
    expect_alike(disks, 0, 1);
  });
}
INSTANTIATE_TEST_SUITE_P(Drive, FlippedLog, ::testing::Bool(), [](const auto& one) {
  return std::string(one.param ? "while_the_store_serves" : "at_a_start");
});

}  // namespace
}  // namespace strata::replica
