// The two files of a drive's identity: what is damaged or missing in one comes from the other.
#include <gtest/gtest.h>

#include <array>

#include "common/io/memory_file_system.h"
#include "objstore/drive/identity.h"

namespace strata::drive {
namespace {

class IdentityFiles : public ::testing::Test {
 protected:
  IdentityFiles() {
    identity_.cluster.bytes[0] = std::byte{1};
    identity_.drive.bytes[0] = std::byte{2};
    identity_.replicas = 1;
    identity_.layout = 4;
    identity_.members.push_back({.slot = {}, .drive = identity_.drive, .weight = 10});
    EXPECT_TRUE(files_.create_directory("/d").ok());
    EXPECT_TRUE(write_identity(files_, "/d", identity_).ok());
  }
  static std::string path(std::string_view name) { return "/d/" + std::string(name); }
  std::string text(std::string_view name) {
    const auto bytes = io::read_file(files_, path(name), kIdentityBytesMax);
    return bytes.ok() ? to_string(Bytes(*bytes)) : bytes.error().message;
  }
  void write(std::string_view name, std::string_view content) {
    ASSERT_TRUE(io::write_file_atomic(files_, path(name), as_bytes(content)).ok());
  }

  io::MemoryFileSystem files_;
  Identity identity_;
};

TEST_F(IdentityFiles, every_damaged_byte_of_either_file_is_repaired_from_the_other) {
  const std::string whole = render_identity(identity_);
  for (const std::string_view name : {kIdentityName, kIdentityCopyName}) {
    for (size_t at = 0; at < whole.size(); ++at) {
      std::string bad = whole;
      bad[at] = static_cast<char>(bad[at] ^ 2);
      write(name, bad);
      const auto read = read_identity(files_, "/d");
      ASSERT_TRUE(read.ok()) << name << " byte " << at << ": " << read.error().to_string();
      ASSERT_EQ(*read, identity_);
      const auto repaired = repair_identity(files_, "/d", *read);
      ASSERT_TRUE(repaired.ok());
      ASSERT_EQ(*repaired, 1u);
      ASSERT_EQ(text(name), whole);
    }
  }
  EXPECT_EQ(repair_identity(files_, "/d", identity_).value(), 0u);
}

TEST_F(IdentityFiles, a_file_that_is_gone_comes_back) {
  ASSERT_TRUE(files_.remove_file(path(kIdentityName)).ok());
  const auto read = read_identity(files_, "/d");
  ASSERT_TRUE(read.ok()) << read.error().to_string();
  EXPECT_EQ(repair_identity(files_, "/d", *read).value(), 1u);
  EXPECT_EQ(text(kIdentityName), render_identity(identity_));
}

TEST_F(IdentityFiles, a_drive_of_an_older_program_gets_its_copy_and_nothing_is_reported) {
  ASSERT_TRUE(files_.remove_file(path(kIdentityCopyName)).ok());
  EXPECT_EQ(repair_identity(files_, "/d", identity_).value(), 0u);
  EXPECT_EQ(text(kIdentityCopyName), render_identity(identity_));
}

TEST_F(IdentityFiles, a_copy_that_the_power_left_behind_is_brought_up_to_date) {
  Identity now = identity_;
  ++now.layout;
  write(kIdentityName, render_identity(now));
  const auto read = read_identity(files_, "/d");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->layout, now.layout);
  EXPECT_EQ(repair_identity(files_, "/d", *read).value(), 0u);
  EXPECT_EQ(text(kIdentityCopyName), render_identity(now));
}

TEST_F(IdentityFiles, a_newer_format_is_refused_although_the_copy_is_older) {
  Identity newer = identity_;
  newer.format = kDriveFormat + 1;
  write(kIdentityName, render_identity(newer));
  const auto read = read_identity(files_, "/d");
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, Code::kUnsupported);
}

TEST_F(IdentityFiles, damage_to_both_is_an_error_and_neither_is_nothing) {
  write(kIdentityName, "strata drive\n");
  write(kIdentityCopyName, "strata drive\n");
  EXPECT_EQ(read_identity(files_, "/d").error().code, Code::kCorrupt);
  ASSERT_TRUE(files_.remove_file(path(kIdentityName)).ok());
  EXPECT_EQ(read_identity(files_, "/d").error().code, Code::kCorrupt);
  ASSERT_TRUE(files_.remove_file(path(kIdentityCopyName)).ok());
  EXPECT_EQ(read_identity(files_, "/d").error().code, Code::kNotFound);
}

}  // namespace
}  // namespace strata::drive
