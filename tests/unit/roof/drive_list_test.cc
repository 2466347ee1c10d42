#include "strata/drive_list.h"

#include <gtest/gtest.h>

#include "common/io/memory_file_system.h"

namespace strata::roof {
namespace {

using Paths = std::vector<std::string>;

class DriveListTest : public ::testing::Test {
 protected:
  DriveListTest() { EXPECT_TRUE(io::create_directories(files_, "/data").ok()); }
  std::unique_ptr<DriveList> open(bool by_default) {
    auto list = DriveList::open(files_, "/data", own_, by_default);
    EXPECT_TRUE(list.ok()) << list.error().to_string();
    return std::move(list).value();
  }
  io::MemoryFileSystem files_;
  const Paths own_ = {"/data/drive1", "/data/drive2"};
};

TEST_F(DriveListTest, drives_that_were_added_are_there_at_the_next_start) {
  EXPECT_TRUE(open(true)->remember("/mnt/a").value());
  EXPECT_FALSE(open(true)->remember("/mnt/a/").value());
  EXPECT_FALSE(open(true)->remember("/data/drive1").value());
  EXPECT_EQ(open(true)->paths(), (Paths{"/data/drive1", "/data/drive2", "/mnt/a"}));
  ASSERT_TRUE(open(true)->forget("/mnt/a").ok());
  EXPECT_EQ(open(true)->paths(), own_);
}

TEST_F(DriveListTest,
       a_drive_of_the_data_folder_that_has_left_is_not_looked_for_until_it_is_added) {
  ASSERT_TRUE(open(true)->remember("/mnt/a").ok());
  ASSERT_TRUE(open(true)->forget("/data/drive1").ok());
  ASSERT_TRUE(open(true)->forget("/data/drive1").ok());
  EXPECT_EQ(open(true)->paths(), (Paths{"/data/drive2", "/mnt/a"}));
  EXPECT_TRUE(open(true)->remember("/data/drive1").value());
  EXPECT_EQ(open(true)->paths(), (Paths{"/data/drive1", "/data/drive2", "/mnt/a"}));
}

TEST_F(DriveListTest, drives_that_somebody_names_are_always_looked_for) {
  ASSERT_TRUE(open(true)->forget("/data/drive1").ok());
  EXPECT_EQ(open(false)->paths(), own_);
  ASSERT_TRUE(open(false)->forget("/data/drive2").ok());
  EXPECT_EQ(open(true)->paths(), (Paths{"/data/drive2"}));
}

TEST_F(DriveListTest, a_file_that_is_not_as_it_was_written_is_refused) {
  for (const std::string_view text :
       {"", "strata\n", "strata added drives", "strata added drives\n\n",
        "strata drives 2\nleft \n", "strata drives 2\n/mnt/a"}) {
    ASSERT_TRUE(io::write_file_atomic(files_, "/data/drives", as_bytes(text)).ok());
    const auto list = DriveList::open(files_, "/data", own_, true);
    ASSERT_FALSE(list.ok()) << text;
    EXPECT_EQ(list.error().code, Code::kCorrupt);
  }
}

}  // namespace
}  // namespace strata::roof
