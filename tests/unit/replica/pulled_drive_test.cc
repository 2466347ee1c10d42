// A drive whose folder is gone while it serves, as when its disk is unmounted: its path means
// another place now, where nothing may be written.
#include <gtest/gtest.h>

#include "common/io/memory_file_system.h"
#include "tests/support/replica_fixture.h"

namespace strata::replica {
namespace {

constexpr size_t kPulledBytes = 300'000;

TEST(PulledDrive, nothing_is_written_to_what_its_path_means_afterwards) {
  io::MemoryFileSystem disks[3];
  tests::ReplicaFixture fixture({&disks[0], &disks[1], &disks[2]}, 3);
  ASSERT_TRUE(fixture.start().ok());
  ASSERT_TRUE(disks[1].remove_directory("/d1/blobs").ok());

  const std::string content = tests::random_text(1, kPulledBytes);
  const auto ref = fixture.put_blob("b", content);
  ASSERT_TRUE(ref.ok()) << ref.error().to_string();

  EXPECT_EQ(fixture.store().status().drives_in_service(), 2u);
  EXPECT_FALSE(disks[1].info("/d1/blobs").ok());
  EXPECT_EQ(fixture.read_blob("b", *ref).value(), content);
}

}  // namespace
}  // namespace strata::replica
