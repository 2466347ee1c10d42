#include "strata/snapshot_exports.h"

#include <gtest/gtest.h>

#include "tests/support/snapshot_fixture.h"

namespace strata::roof {
namespace {

class Exports : public ::testing::Test, protected testing::SnapshotFixture {};

TEST_F(Exports, another_host_is_a_client_of_its_own_behind_snapshots_too) {
  ASSERT_TRUE(catalog().create("db", kMiB).ok());
  SnapshotExports exports(catalog(), service());
  const auto here = exports.lease_for("db", device::kThisMachine);
  ASSERT_TRUE(here.ok());
  EXPECT_FALSE((*here)->device().capabilities().read_only);
  const auto there = exports.lease_for("db", "192.0.2.7");
  ASSERT_TRUE(there.ok());
  EXPECT_TRUE((*there)->device().capabilities().read_only);
}

TEST_F(Exports, a_snapshot_is_read_only_for_everybody) {
  ASSERT_TRUE(catalog().create("db", kMiB).ok());
  ASSERT_TRUE(snapshot("db", "s1").ok());
  SnapshotExports exports(catalog(), service());
  for (const std::string_view client : {device::kThisMachine, std::string_view("192.0.2.7")}) {
    const auto lease = exports.lease_for("snap:s1", client);
    ASSERT_TRUE(lease.ok()) << lease.error().message;
    EXPECT_TRUE((*lease)->device().capabilities().read_only);
  }
  EXPECT_FALSE(exports.lease("snap:none").ok());
}

}  // namespace
}  // namespace strata::roof
