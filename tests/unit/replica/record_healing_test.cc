// Records damaged inside a drive's index: found by their own checksums, served from another drive,
// replaced.
#include <gtest/gtest.h>

#include <array>

#include "common/io/memory_file_system.h"
#include "objstore/drive/index.h"
#include "tests/support/replica_fixture.h"

namespace strata::replica {
namespace {

using drive::Index;
using drive::Table;
using tests::random_text;
using tests::ReplicaFixture;

constexpr size_t kHealedRows = 40;

std::string healed_key(size_t number) {
  return "row" + std::to_string(100 + number);
}

// Opens a drive's index behind the store's back.
template <typename Change>
void with_index(io::FileSystem& disk, const std::string& drive, Change change) {
  drive::IndexCache cache(kMiB);
  auto index = Index::open(disk, drive + "/index", cache, [](const std::string&) {}).value();
  change(*index);
}

void flip_byte(Index& index, Table table, const std::string& key, size_t at) {
  std::string record = index.get(table, key, drive::Tier::kDisk).value().value;
  record[at % record.size()] = static_cast<char>(record[at % record.size()] ^ 1);
  drive::Batch batch = index.batch();
  batch.put(table, key, record);
  ASSERT_TRUE(index.write(batch, true).ok());
}

class RecordHealing : public ::testing::Test {
 protected:
  RecordHealing() : fixture_({&disks_[0], &disks_[1], &disks_[2]}, 3) {}
  void SetUp() override { ASSERT_TRUE(fixture_.start().ok()); }
  std::array<io::MemoryFileSystem, 3> disks_;
  ReplicaFixture fixture_;
};

TEST_F(RecordHealing, any_changed_byte_of_a_row_is_found_and_healed_by_reads_and_scans) {
  for (size_t i = 0; i < kHealedRows; ++i)
    ASSERT_TRUE(fixture_.put(healed_key(i), "value of a row").ok());
  for (const bool scans : {false, true}) {
    fixture_.stop();
    for (size_t drive = 0; drive < 2; ++drive) {
      with_index(disks_[drive], "/d" + std::to_string(drive), [](Index& index) {
        for (size_t i = 0; i < kHealedRows; ++i) flip_byte(index, Table::kRows, healed_key(i), i);
      });
    }
    ASSERT_TRUE(fixture_.start().ok());
    for (int round = 0; round < 3; ++round) {
      if (scans) {
        const std::vector<Row> rows = fixture_.scan().value();
        ASSERT_EQ(rows.size(), kHealedRows);
        for (const Row& row : rows) ASSERT_EQ(row.value, "value of a row");
      }
      for (size_t i = 0; i < kHealedRows && !scans; ++i) {
        ASSERT_EQ(fixture_.get(healed_key(i)).value()->value, "value of a row");
      }
      fixture_.store().settle();
    }
    EXPECT_GT(fixture_.store().status().corrupt_found, 0u);
    fixture_.stop();
    ASSERT_TRUE(fixture_.start().ok());
    // The same copies as before are read, and are good now.
    ASSERT_TRUE(!scans || fixture_.scan().ok());
    for (size_t i = 0; i < kHealedRows && !scans; ++i)
      ASSERT_TRUE(fixture_.get(healed_key(i)).ok());
    EXPECT_EQ(fixture_.store().status().corrupt_found, 0u);
  }
}

TEST_F(RecordHealing, a_small_blob_damaged_in_the_index_is_served_and_healed) {
  const std::string content = random_text(5, 2'000);
  uint64_t found = 0;
  // Whichever drive is asked first, it has a bad copy two times out of three.
  for (size_t good = 0; good < 3; ++good) {
    const std::string key = "b" + std::to_string(good);
    const BlobRef ref = fixture_.put_blob(key, content).value();
    fixture_.stop();
    for (size_t drive = 0; drive < 3; ++drive) {
      if (drive == good) continue;
      with_index(disks_[drive], "/d" + std::to_string(drive), [&](Index& index) {
        flip_byte(index, Table::kData, std::string(as_text(Bytes(ref.id.bytes))), 1'000);
      });
    }
    ASSERT_TRUE(fixture_.start().ok());
    for (int round = 0; round < 3; ++round) {
      ASSERT_EQ(fixture_.read_blob(key, ref).value(), content);
      fixture_.store().settle();
    }
    found += fixture_.store().status().corrupt_found;
    fixture_.stop();
    // The same copy as before is read, and is good now.
    ASSERT_TRUE(fixture_.start().ok());
    ASSERT_EQ(fixture_.read_blob(key, ref).value(), content);
    EXPECT_EQ(fixture_.store().status().corrupt_found, 0u);
  }
  EXPECT_GT(found, 0u);
}

TEST_F(RecordHealing, a_row_damaged_everywhere_is_an_error_and_a_new_write_replaces_it) {
  ASSERT_TRUE(fixture_.put("r", "old").ok());
  fixture_.stop();
  for (size_t drive = 0; drive < 3; ++drive) {
    with_index(disks_[drive], "/d" + std::to_string(drive),
               [](Index& index) { flip_byte(index, Table::kRows, "r", 26); });
  }
  ASSERT_TRUE(fixture_.start().ok());
  EXPECT_EQ(fixture_.get("r").error().code, Code::kCorrupt);
  EXPECT_EQ(fixture_.scan().error().code, Code::kCorrupt);
  ASSERT_TRUE(fixture_.put("r", "new").ok());
  EXPECT_EQ(fixture_.get("r").value()->value, "new");
}

}  // namespace
}  // namespace strata::replica
