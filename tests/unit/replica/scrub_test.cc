// The scrub finds every kind of damage and mends it, and takes nothing under way for damage.
#include <thread>

#include "tests/unit/replica/scrub_fixture.h"

namespace strata::replica {
namespace {

using drive::Index;
using drive::Table;
using tests::flip_bit;
using tests::keys_of;
using tests::random_text;
using tests::remove_record;

constexpr size_t kRows = 30;

std::string key_of(size_t number) {
  return "row" + std::to_string(100 + number);
}

// Rows, small blobs and large ones.
class ScrubFinds : public ScrubTest {
 protected:
  void SetUp() override {
    ScrubTest::SetUp();
    for (size_t i = 0; i < kRows; ++i) ASSERT_TRUE(fixture_.put(key_of(i), "value").ok());
    for (size_t i = 0; i < 3; ++i) {
      small_[i] = fixture_.put_blob("s" + std::to_string(i), random_text(i, 3'000)).value();
      large_[i] = fixture_.put_blob("l" + std::to_string(i), random_text(10 + i, 300'000)).value();
    }
  }
  void expect_all_readable() {
    for (size_t i = 0; i < kRows; ++i) EXPECT_EQ(fixture_.get(key_of(i)).value()->value, "value");
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(fixture_.read_blob("s" + std::to_string(i), small_[i]).value(),
                random_text(i, 3'000));
      EXPECT_EQ(fixture_.read_blob("l" + std::to_string(i), large_[i]).value(),
                random_text(10 + i, 300'000));
    }
  }
  // One pass finds and mends that many; the next one finds nothing.
  void expect_found_and_mended(uint64_t findings) {
    pass();
    EXPECT_EQ(counts().findings(), findings);
    EXPECT_EQ(counts().lost, 0U);
    EXPECT_EQ(counts().failed, 0U);
    EXPECT_EQ(fixture_.store().status().corrupt_found, fixture_.store().status().corrupt_healed);
    EXPECT_EQ(scrub().progress().findings, findings);
    pass();
    EXPECT_EQ(counts().findings(), findings) << "found again";
    expect_all_readable();
    EXPECT_EQ(fixture_.store().status().drives_in_service(), 3U);
  }
  static std::string id(const BlobRef& ref) { return to_string(Bytes(ref.id.bytes)); }

  std::array<BlobRef, 3> small_;
  std::array<BlobRef, 3> large_;
};

TEST_F(ScrubFinds, nothing_in_a_healthy_store_and_verifies_every_copy_of_it) {
  pass();
  EXPECT_EQ(counts().findings(), 0U);
  EXPECT_EQ(counts().small_blobs, 9U);
  EXPECT_EQ(counts().blob_files, 9U);
  EXPECT_GE(counts().records, 3 * (kRows + 12));
  uint64_t stored = 0;
  for (size_t drive = 0; drive < kDrives; ++drive) {
    for (const std::string& path : files(drive)) stored += content(drive, path).size();
  }
  EXPECT_GE(scrub().progress().done, stored + uint64_t{9} * 3'000);
  EXPECT_GT(scrub().progress().pass_finished_ms, 0);
}

TEST_F(ScrubFinds, any_changed_byte_of_a_row) {
  behind_its_back(1, [](Index& index) {
    for (size_t i = 0; i < kRows; ++i) ASSERT_TRUE(flip_bit(index, Table::kRows, key_of(i), i));
  });
  expect_found_and_mended(kRows);
}

TEST_F(ScrubFinds, any_changed_byte_of_a_blobs_record) {
  for (size_t at = 0; at < 36; at += 5) {
    behind_its_back(2, [&](Index& index) {
      ASSERT_TRUE(flip_bit(index, Table::kBlobs, id(small_[0]), at));
      ASSERT_TRUE(flip_bit(index, Table::kBlobs, id(large_[0]), at));
    });
    expect_found_and_mended(2);
  }
}

TEST_F(ScrubFinds, a_changed_byte_of_a_small_blob) {
  behind_its_back(0, [&](Index& index) {
    ASSERT_TRUE(flip_bit(index, Table::kData, id(small_[0]), 3));
    ASSERT_TRUE(flip_bit(index, Table::kData, id(small_[1]), 2'000));
  });
  expect_found_and_mended(2);
}

TEST_F(ScrubFinds, a_changed_byte_of_a_log_entry) {
  std::string entry;
  behind_its_back(0, [&](Index& index) {
    entry = keys_of(index, Table::kLog).at(5);
    ASSERT_TRUE(flip_bit(index, Table::kLog, entry, 13));
  });
  expect_found_and_mended(1);
}

TEST_F(ScrubFinds, a_changed_byte_of_its_own_notes) {
  pass();
  behind_its_back(0, [&](Index& index) {
    uint64_t notes = 0;
    for (const std::string& name : keys_of(index, Table::kMeta)) {
      if (name.starts_with("scrub") && flip_bit(index, Table::kMeta, name, 20)) ++notes;
    }
    ASSERT_EQ(notes, 3U);
  });
  expect_found_and_mended(3);
}

TEST_F(ScrubFinds, a_changed_byte_anywhere_in_a_blob_file) {
  const size_t bytes = content(0, files(0).front()).size();
  // Header, first and last block, padding, table, its padding, footer.
  for (const size_t at :
       {size_t{0}, size_t{20}, size_t{4'000}, size_t{4'096}, size_t{304'000}, size_t{304'096 + 100},
        bytes - 4'096, bytes - 2'000, bytes - 60, bytes - 1}) {
    const std::string path = files(0).front();
    const ByteVector good = content(0, path);
    const std::array<std::byte, 1> flipped = {good[at] ^ std::byte{16}};
    ASSERT_TRUE(disks_[0].open(path, {.write = true}).value()->write_at(at, flipped).ok());
    const uint64_t before = counts().findings();
    pass();
    EXPECT_EQ(counts().findings(), before + 1) << at;
    EXPECT_EQ(content(0, path), good) << at;
  }
  expect_all_readable();
}

TEST_F(ScrubFinds, a_copy_that_is_missing) {
  behind_its_back(1, [&](Index& index) {
    remove_record(index, Table::kRows, key_of(3));
    remove_record(index, Table::kData, id(small_[0]));
    remove_record(index, Table::kBlobs, id(small_[1]));
    remove_record(index, Table::kData, id(small_[1]));
    remove_record(index, Table::kBlobs, id(large_[0]));
  });
  const std::string path = files(2).front();
  const ByteVector good = content(2, path);
  ASSERT_TRUE(disks_[2].remove_file(path).ok());
  expect_found_and_mended(5);
  EXPECT_EQ(content(2, path), good);
  EXPECT_EQ(counts().missing, 3U);
}

TEST_F(ScrubFinds, a_copy_that_is_out_of_date) {
  std::string old;
  behind_its_back(1, [&](Index& index) {
    old = index.get(Table::kRows, key_of(0), drive::Tier::kDisk).value().value;
  });
  ASSERT_TRUE(fixture_.put(key_of(0), "newer").ok());
  behind_its_back(1, [&](Index& index) {
    drive::Batch batch = index.batch();
    batch.put(Table::kRows, key_of(0), old);
    ASSERT_TRUE(index.write(batch, true).ok());
  });
  pass();
  EXPECT_EQ(counts().stale, 1U);
  EXPECT_EQ(counts().findings(), 1U);
  behind_its_back(1, [&](Index& index) {
    EXPECT_NE(index.get(Table::kRows, key_of(0), drive::Tier::kDisk).value().value, old);
  });
}

TEST_F(ScrubFinds, a_deleted_row_that_is_still_there_and_does_not_bring_it_back) {
  std::string record;
  behind_its_back(1, [&](Index& index) {
    record = index.get(Table::kRows, key_of(0), drive::Tier::kDisk).value().value;
  });
  ASSERT_TRUE(fixture_.remove(key_of(0)).ok());
  behind_its_back(1, [&](Index& index) {
    drive::Batch batch = index.batch();
    batch.put(Table::kRows, key_of(0), record);
    ASSERT_TRUE(index.write(batch, true).ok());
  });
  pass();
  EXPECT_EQ(counts().surplus, 1U);
  for (size_t drive = 0; drive < kDrives; ++drive) {
    behind_its_back(drive, [&](Index& index) {
      EXPECT_EQ(index.get(Table::kRows, key_of(0), drive::Tier::kDisk).value().state,
                Index::Found::State::kAbsent);
    });
  }
}

TEST_F(ScrubFinds, data_that_no_record_owns) {
  behind_its_back(1, [&](Index& index) {
    drive::Batch batch = index.batch();
    for (const char fill : {'\x00', '\x7f', '\xff'}) {
      batch.put(Table::kData, std::string(16, fill), random_text(1, 100));
    }
    ASSERT_TRUE(index.write(batch, true).ok());
  });
  pass();
  EXPECT_EQ(counts().orphans, 3U);
  behind_its_back(1, [&](Index& index) { EXPECT_EQ(keys_of(index, Table::kData).size(), 3U); });
}

TEST_F(ScrubFinds, damage_of_every_copy_is_reported_and_nothing_is_made_up) {
  for (size_t drive = 0; drive < kDrives; ++drive) {
    behind_its_back(drive, [&](Index& index) {
      ASSERT_TRUE(flip_bit(index, Table::kRows, key_of(1), 30));
      ASSERT_TRUE(flip_bit(index, Table::kData, id(small_[2]), 30));
    });
  }
  pass();
  EXPECT_EQ(counts().lost, 2U);
  EXPECT_EQ(counts().repaired, 0U);
  EXPECT_EQ(fixture_.get(key_of(1)).error().code, Code::kCorrupt);
}

// Every byte of the tables of a drive's index, not only the records' own.
TEST_F(ScrubFinds, a_damaged_block_of_the_index) {
  // A start writes what is in the write-ahead log into files.
  for (size_t i = 0; i < 60; ++i) {
    ASSERT_TRUE(fixture_.put("bulk" + std::to_string(i), random_text(i, 200'000)).ok());
  }
  fixture_.stop();
  ASSERT_TRUE(fixture_.start().ok());
  fixture_.stop();
  std::string table;
  uint64_t largest = 0;
  const std::vector<std::string> names = disks_[1].list("/d1/index").value();
  for (const std::string& name : names) {
    const uint64_t bytes = disks_[1].info("/d1/index/" + name).value().size_bytes;
    if (name.ends_with(".sst") && bytes > largest) {
      table = "/d1/index/" + name;
      largest = bytes;
    }
  }
  ASSERT_GT(largest, 100'000U) << "no table was written";
  const ByteVector good = content(1, table);
  const std::array<std::byte, 1> flipped = {good[50'000] ^ std::byte{16}};
  ASSERT_TRUE(disks_[1].open(table, {.write = true}).value()->write_at(50'000, flipped).ok());
  ASSERT_TRUE(fixture_.start().ok());
  pass();
  EXPECT_GE(counts().bad, 1U);
  EXPECT_EQ(counts().lost, 0U);
  // Drive 1 alone has every row again.
  for (size_t i = 0; i < 60; ++i) {
    const std::string key = "bulk" + std::to_string(i);
    EXPECT_EQ(fixture_.get(key).value()->value, random_text(i, 200'000));
  }
}

TEST_F(ScrubFinds, nothing_in_what_is_being_written_and_deleted_meanwhile) {
  std::atomic<bool> stop{false};
  std::thread scrubbing([&] {
    while (!stop) {
      scrub().begin();
      (void)scrub().step();
    }
  });
  for (size_t i = 0; i < 400; ++i) {
    const std::string key = "busy" + std::to_string(i % 7);
    ASSERT_TRUE(fixture_.put(key, random_text(i, 20)).ok());
    if (i % 3 == 0) {
      ASSERT_TRUE(fixture_.remove(key).ok());
    }
    const std::string blob = "busy blob" + std::to_string(i % 2);
    const auto ref = fixture_.put_blob(blob, random_text(i, i % 10 == 0 ? 200'000 : 500));
    ASSERT_TRUE(ref.ok());
    ASSERT_TRUE(fixture_.drop_blob(blob, *ref).ok());
  }
  stop = true;
  scrubbing.join();
  EXPECT_EQ(counts().findings(), 0U)
      << "bad " << counts().bad << ", missing " << counts().missing << ", stale " << counts().stale
      << ", surplus " << counts().surplus << ", orphans " << counts().orphans;
  EXPECT_EQ(fixture_.store().status().corrupt_found, 0U);
}

}  // namespace
}  // namespace strata::replica
