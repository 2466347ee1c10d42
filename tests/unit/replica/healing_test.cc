// Damage on one drive: the client gets good bytes, the copy is replaced, and it is counted.
#include <gtest/gtest.h>

#include <array>

#include "common/io/memory_file_system.h"
#include "tests/support/replica_fixture.h"

namespace strata::replica {
namespace {

using tests::random_text;
using tests::ReplicaFixture;

// The path of the one blob file on a drive.
std::string only_blob(io::FileSystem& disk, const std::string& drive) {
  const std::vector<std::string> folders = disk.list(drive + "/blobs").value();
  for (const std::string& folder : folders) {
    const std::string path = drive + "/blobs/" + folder;
    const std::vector<std::string> names = disk.list(path).value();
    if (!names.empty()) return path + "/" + names.front();
  }
  return {};
}

ByteVector content_of(io::FileSystem& disk, const std::string& path) {
  return io::read_file(disk, path, 64 * kMiB).value();
}

class Healing : public ::testing::Test {
 protected:
  Healing() : fixture_({&disks_[0], &disks_[1], &disks_[2]}, 3) {}
  void SetUp() override { ASSERT_TRUE(fixture_.start().ok()); }
  std::string blob_path(size_t drive) {
    return only_blob(disks_[drive], "/d" + std::to_string(drive));
  }
  std::array<io::MemoryFileSystem, 3> disks_;
  ReplicaFixture fixture_;
};

TEST_F(Healing, a_blob_damaged_on_two_drives_is_served_from_the_third_and_replaced) {
  const std::string content = random_text(1, 300'000);
  const BlobRef ref = fixture_.put_blob("b", content).value();
  const ByteVector good = content_of(disks_[0], blob_path(0));
  for (const uint64_t at : {uint64_t{3}, uint64_t{100}, uint64_t{4096}, uint64_t{200'000},
                            uint64_t{good.size() - 10}}) {
    for (const std::array<size_t, 2> bad : {std::array<size_t, 2>{0, 1}, {1, 2}, {0, 2}}) {
      for (const size_t drive : bad) {
        auto file = disks_[drive].open(blob_path(drive), {.write = true}).value();
        const std::array<std::byte, 1> flipped = {good[at] ^ std::byte{4}};
        ASSERT_TRUE(file->write_at(at, flipped).ok());
      }
      ASSERT_EQ(fixture_.read_blob("b", ref).value(), content);
      fixture_.store().settle();
      // Which two were read depends on the placement; read until the damage is gone.
      ASSERT_EQ(fixture_.read_blob("b", ref).value(), content);
      fixture_.store().settle();
      for (size_t drive = 0; drive < 3; ++drive) {
        if (content_of(disks_[drive], blob_path(drive)) == good) continue;
        // Not the preferred copy: nobody has read it yet. Put it right for the next round.
        auto file = disks_[drive].open(blob_path(drive), {.write = true}).value();
        ASSERT_TRUE(file->write_at(0, good).ok());
      }
    }
  }
  EXPECT_GT(fixture_.store().status().corrupt_found, 0u);
  EXPECT_EQ(fixture_.store().status().corrupt_healed, fixture_.store().status().corrupt_found);
}

TEST_F(Healing, a_missing_or_truncated_blob_file_is_put_back) {
  const std::string content = random_text(2, 300'000);
  const BlobRef ref = fixture_.put_blob("b", content).value();
  const ByteVector good = content_of(disks_[0], blob_path(0));
  std::array<std::string, 3> paths = {blob_path(0), blob_path(1), blob_path(2)};
  ASSERT_TRUE(disks_[0].remove_file(paths[0]).ok());
  ASSERT_TRUE(disks_[1].open(paths[1], {.write = true}).value()->truncate(5000).ok());
  for (int round = 0; round < 3; ++round) {
    ASSERT_EQ(fixture_.read_blob("b", ref, 250'000, 1000).value(), content.substr(250'000, 1000));
    fixture_.store().settle();
  }
  const StoreStatus status = fixture_.store().status();
  EXPECT_EQ(status.corrupt_found, status.corrupt_healed);
  EXPECT_EQ(status.drives_in_service(), 3u);
}

TEST_F(Healing, with_every_copy_damaged_there_is_an_error_and_no_data) {
  const BlobRef ref = fixture_.put_blob("b", random_text(3, 300'000)).value();
  for (size_t drive = 0; drive < 3; ++drive) {
    auto file = disks_[drive].open(blob_path(drive), {.write = true}).value();
    ASSERT_TRUE(file->write_at(4096 + 70'000, as_bytes("damage")).ok());
  }
  EXPECT_EQ(fixture_.read_blob("b", ref).error().code, Code::kCorrupt);
  EXPECT_EQ(fixture_.store().status().corrupt_found, 3u);
  EXPECT_EQ(fixture_.store().status().corrupt_healed, 0u);
}

}  // namespace
}  // namespace strata::replica
