// The scrub's last part: files of the index that no lookup may ever read, and the drive's identity.
#include "objstore/drive/identity.h"
#include "tests/unit/replica/scrub_fixture.h"

namespace strata::replica {
namespace {

constexpr size_t kKeys = 40;

class ScrubIndex : public ScrubTest {
 protected:
  void SetUp() override {
    ScrubTest::SetUp();
    for (size_t i = 0; i < kKeys; ++i) {
      ASSERT_TRUE(fixture_.put_blob("key" + std::to_string(i), std::string(2'000, 'x')).ok());
    }
    // Started anew, the tables and values are in files.
    fixture_.stop();
    ASSERT_TRUE(fixture_.start().ok());
  }
  std::vector<std::string> index_files(size_t drive, const std::string& suffix) {
    std::vector<std::string> found;
    const auto names = disks_[drive].list(folder(drive) + "/index").value();
    for (const std::string& name : names) {
      if (name.ends_with(suffix)) found.push_back(folder(drive) + "/index/" + name);
    }
    return found;
  }
  void flip(size_t drive, const std::string& path, uint64_t at) {
    auto file = disks_[drive].open(path, {.write = true}).value();
    std::array<std::byte, 1> one{};
    ASSERT_EQ(file->read_at(at, one).value(), 1u);
    one[0] ^= std::byte{4};
    ASSERT_TRUE(file->write_at(at, one).ok());
  }
};

TEST_F(ScrubIndex, files_that_are_well_are_counted_and_nothing_is_found) {
  pass();
  EXPECT_EQ(counts().findings(), 0u);
  EXPECT_GE(counts().index_files, kDrives * index_files(0, ".sst").size());
  EXPECT_GE(index_files(0, ".blob").size(), 1u);
}

TEST_F(ScrubIndex, a_damaged_file_is_found_and_the_next_start_makes_the_index_anew) {
  // The last byte of a file is read by nobody who has the file open.
  const std::string path = index_files(1, ".sst").front();
  flip(1, path, disks_[1].info(path).value().size_bytes - 1);
  pass();
  EXPECT_EQ(counts().index, 1u);
  EXPECT_GE(fixture_.store().status().corrupt_found, 1u);
  EXPECT_TRUE(drive::is_index_damaged(disks_[1], folder(1)));
  fixture_.stop();
  ASSERT_TRUE(fixture_.start().ok());
  ASSERT_TRUE(fixture_.resync().ok());
  EXPECT_TRUE(fixture_.store().status().drives[1].in_service);
  pass();
  EXPECT_EQ(counts().findings(), 0u);
}

TEST_F(ScrubIndex, a_damaged_file_of_values_is_found) {
  const std::string path = index_files(2, ".blob").front();
  flip(2, path, 3);
  pass();
  EXPECT_EQ(counts().index, 1u);
}

TEST_F(ScrubIndex, a_damaged_identity_is_written_anew) {
  const std::string path = folder(0) + "/" + std::string(drive::kIdentityName);
  const ByteVector before = content(0, path);
  flip(0, path, 20);
  pass();
  EXPECT_EQ(counts().bad, 1u);
  EXPECT_EQ(content(0, path), before);
  EXPECT_EQ(fixture_.store().status().corrupt_found, 1u);
  EXPECT_EQ(fixture_.store().status().corrupt_healed, 1u);
}

TEST_F(ScrubIndex, a_start_repairs_a_damaged_identity_and_says_so) {
  const std::string path = folder(0) + "/" + std::string(drive::kIdentityName);
  const ByteVector before = content(0, path);
  fixture_.stop();
  flip(0, path, 20);
  ASSERT_TRUE(fixture_.start().ok());
  EXPECT_TRUE(fixture_.store().status().drives[0].in_service);
  EXPECT_EQ(fixture_.store().status().corrupt_found, 1u);
  EXPECT_EQ(fixture_.store().status().corrupt_healed, 1u);
  EXPECT_EQ(content(0, path), before);
}

}  // namespace
}  // namespace strata::replica
