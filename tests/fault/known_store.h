// A store with a known content on disks in memory, and the questions that a test asks after
// something was done to a disk: is everything that is read right, or at least an error; are the
// drives alike. One thread.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/io/memory_file_system.h"
#include "objstore/drive/blob_file.h"
#include "objstore/drive/drive.h"
#include "objstore/drive/index.h"
#include "objstore/replica/placement.h"
#include "objstore/replica/scrub.h"
#include "tests/support/replica_fixture.h"

namespace strata::replica {

using Disks = std::vector<std::unique_ptr<io::MemoryFileSystem>>;

inline Disks copy_of(const Disks& disks) {
  SeededRandom unused(0);
  Disks copies;
  for (const auto& disk : disks) {
    copies.push_back(disk->crash_copy(unused, {.survival = io::Survival::kEverything}));
  }
  return copies;
}

inline std::vector<io::FileSystem*> pointers_to(const Disks& disks) {
  std::vector<io::FileSystem*> pointers;
  for (const auto& disk : disks) pointers.push_back(disk.get());
  return pointers;
}

// Every file below a folder.
inline std::vector<std::string> files_below(io::FileSystem& disk, const std::string& folder) {
  std::vector<std::string> found;
  const std::vector<std::string> names = disk.list(folder).value();
  for (const std::string& name : names) {
    const std::string path = folder + "/" + name;
    if (disk.info(path).value().is_directory) {
      std::ranges::copy(files_below(disk, path), std::back_inserter(found));
    } else {
      found.push_back(path);
    }
  }
  return found;
}

// Whether every place is tried: STRATA_TEST_EXHAUSTIVE=1.
inline bool exhaustive() {
  return std::getenv("STRATA_TEST_EXHAUSTIVE") != nullptr;
}

// Of the test that runs. More than so many say nothing new.
inline constexpr int kFailuresShown = 20;
inline int failures_so_far() {
  return ::testing::UnitTest::GetInstance()->current_test_info()->result()->total_part_count();
}

// A whole pass, at once: whether it found anything, or anything had been found since the start, or
// the first drive is out. The first of two passes may be the rest of one that had begun.
inline bool scrub_finds_something(tests::ReplicaFixture& fixture) {
  constexpr size_t kScrubStepsMax = 100'000;
  Scrub& scrub = fixture.store().scrub();
  for (int pass = 0; pass < 2; ++pass) {
    scrub.begin();
    for (size_t steps = 0; steps < kScrubStepsMax; ++steps) {
      const Result<worker::Step> step = scrub.step();
      fixture.store().settle();
      if (!step.ok() || (!step->more && step->wait > std::chrono::seconds(1))) break;
    }
  }
  const StoreStatus status = fixture.store().status();
  return scrub.counts().findings() > 0 || status.corrupt_found > 0 || !status.drives[0].in_service;
}

// What reading everything gave.
struct Findings {
  size_t wrong = 0;   // bytes that were never written, or that were replaced; rows that are gone
  size_t errors = 0;  // refused to say
  std::string first;  // the first of the wrong ones, else the first of the errors
};

class KnownStore {
 public:
  explicit KnownStore(size_t drives) : drives_(drives) {}

  // Rows, blobs in tables, in files of values and in files of their own, some replaced and some
  // deleted, over two starts, and a scrub that has begun: so that tables, files of values, logs and
  // manifest of the index all hold something. Every drive has everything, and the first one is
  // asked first for every key.
  void fill(Disks& disks) {
    for (size_t i = 0; i < drives_; ++i) disks.push_back(std::make_unique<io::MemoryFileSystem>());
    tests::ReplicaFixture fixture(pointers_to(disks), static_cast<uint32_t>(drives_));
    ASSERT_TRUE(fixture.start().ok());
    choose_keys(fixture.store().status());
    for (size_t i = 0; i < 6; ++i) put(fixture, i, "first");
    blob(fixture, 6, 300);
    blob(fixture, 7, drive::kSmallBlobBytesMax + 20'000);
    blob(fixture, 8, 200);
    blob(fixture, 9, drive::kSmallBlobBytesMax + 1);
    blob(fixture, 12, 900);
    fixture.stop();
    ASSERT_TRUE(fixture.start().ok());
    for (size_t i = 3; i < 5; ++i) put(fixture, i, "second");
    remove(fixture, 5);
    drop(fixture, 8);
    drop(fixture, 9);
    blob(fixture, 10, 250);
    put(fixture, 11, "last");
    fixture.store().scrub().begin();
    for (int steps = 0; steps < 5; ++steps) ASSERT_TRUE(fixture.store().scrub().step().ok());
    // What was replaced and freed is off the books before the store stops.
    fixture.store().settle();
    fixture.stop();
  }

  // Goes on with what is there.
  void change_more(tests::ReplicaFixture& fixture) {
    put(fixture, 0, "third");
    remove(fixture, 1);
    put(fixture, 5, "third");
    std::erase(gone_, keys_[5]);
  }

  // Every key and range, once.
  [[nodiscard]] Findings read_everything(tests::ReplicaFixture& fixture) const {
    Findings findings;
    for (const auto& [key, value] : rows_) {
      const auto row = fixture.get(key);
      if (!row.ok()) {
        error(findings, key, row.error());
      } else if (!*row || (*row)->value != value) {
        wrong(findings, key + (*row ? " has another value" : " is gone"));
      }
    }
    for (const std::string& key : gone_) {
      const auto row = fixture.get(key);
      if (!row.ok()) error(findings, key, row.error());
      if (row.ok() && *row) wrong(findings, key + " is back");
    }
    for (const auto& [key, blob] : blobs_) {
      const auto content = fixture.read_blob(key, blob.ref);
      if (!content.ok()) error(findings, key, content.error());
      if (content.ok() && *content != blob.content) wrong(findings, "the bytes of " + key);
    }
    const auto listed = fixture.scan();
    if (!listed.ok()) {
      error(findings, "the scan", listed.error());
    } else {
      std::map<std::string, std::string> found;
      for (const Row& row : *listed) found[row.key] = row.value;
      if (found != rows_) wrong(findings, "the scan");
    }
    return findings;
  }

 private:
  struct Blob {
    BlobRef ref;
    std::string content;
  };

  void choose_keys(const StoreStatus& status) {
    std::vector<Slot> slots;
    for (const DriveStatus& one : status.drives) {
      slots.push_back({*drive::Id128::from_hex(one.slot), one.weight});
    }
    const Placement placement(slots, drives_);
    for (size_t number = 0; keys_.size() < 13; ++number) {
      const std::string key = "key" + std::to_string(100 + number);
      if (placement.targets(Placement::hash("p/" + key)).front() == 0) keys_.push_back(key);
    }
  }
  void put(tests::ReplicaFixture& fixture, size_t number, const std::string& value) {
    ASSERT_TRUE(fixture.put(keys_[number], value + keys_[number]).ok());
    rows_[keys_[number]] = value + keys_[number];
  }
  void remove(tests::ReplicaFixture& fixture, size_t number) {
    ASSERT_TRUE(fixture.remove(keys_[number]).ok());
    rows_.erase(keys_[number]);
    gone_.push_back(keys_[number]);
  }
  void blob(tests::ReplicaFixture& fixture, size_t number, size_t bytes) {
    const std::string content = tests::random_text(number, bytes);
    const auto ref = fixture.put_blob(keys_[number], content);
    ASSERT_TRUE(ref.ok());
    rows_[keys_[number]] = ref->id.to_hex();
    blobs_[keys_[number]] = Blob{*ref, content};
  }
  void drop(tests::ReplicaFixture& fixture, size_t number) {
    ASSERT_TRUE(fixture.drop_blob(keys_[number], blobs_[keys_[number]].ref).ok());
    rows_.erase(keys_[number]);
    blobs_.erase(keys_[number]);
    gone_.push_back(keys_[number]);
  }
  static void wrong(Findings& findings, std::string what) {
    if (findings.wrong++ == 0) findings.first = std::move(what);
  }
  static void error(Findings& findings, const std::string& what, const Error& error) {
    ++findings.errors;
    if (findings.first.empty()) findings.first = what + ": " + error.to_string();
  }

  size_t drives_;
  std::vector<std::string> keys_;
  std::map<std::string, std::string> rows_;
  std::vector<std::string> gone_;
  std::map<std::string, Blob> blobs_;
};

// What a drive holds, by table and key, and by blob file; kCorrupt when its index or a blob's file
// is damaged anywhere, as a scrub would find.
using Content = std::map<std::string, std::string>;
inline Result<Content> content_of(io::FileSystem& disk, const std::string& drive) {
  Content content;
  TRY_ASSIGN(const drive::DriveFolder folder, drive::look_at_folder(disk, drive));
  const auto seed = drive::RecordSeed::of_cluster(folder.identity->cluster);
  drive::IndexCache cache(kMiB);
  TRY_ASSIGN(auto index,
             drive::Index::open(disk, drive + "/index", cache, [](const std::string&) {}));
  TRY(index->verify());
  for (const drive::Table table :
       {drive::Table::kRows, drive::Table::kData, drive::Table::kBlobs}) {
    drive::Cursor cursor = index->cursor(table);
    for (cursor.seek(""); cursor.valid(); cursor.next()) {
      content[std::to_string(static_cast<int>(table)) + "/" + std::string(cursor.key())] =
          cursor.value();
    }
    TRY(cursor.status());
  }
  for (const std::string& path : files_below(disk, drive + "/blobs")) {
    const auto id = drive::Id128::from_hex(path.substr(path.rfind('/') + 1));
    CHECK(id.has_value(), "a blob's file is named by its id");
    TRY_ASSIGN(const auto record, index->get(drive::Table::kBlobs, id->key(), drive::Tier::kDisk));
    TRY_ASSIGN(const auto blob, drive::decode_blob(seed, *id, record.value));
    TRY_ASSIGN(auto file, drive::BlobFileReader::open(disk, path, seed, *id, blob.size_bytes));
    TRY(file.verify_all());
    TRY_ASSIGN(const ByteVector bytes, io::read_file(disk, path, 64 * kMiB));
    content[path.substr(drive.size())] = as_text(bytes);
  }
  return content;
}

}  // namespace strata::replica
