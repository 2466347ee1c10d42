#include "strata/memory_exports.h"

#include <gtest/gtest.h>

#include "tests/support/block_exports.h"

namespace strata::roof {
namespace {

TEST(MemoryExports, volumes_in_memory_stand_beside_the_others) {
  const auto disk = device::MemoryDevice::create(kMiB).value();
  testing::BlockExports others;
  others.add("disk", *disk);
  const auto exports = MemoryExports::create(others, {{"ram", 2 * kMiB}}).value();
  EXPECT_EQ(exports->exports().size(), 2U);
  const auto ram = exports->lease("ram");
  ASSERT_TRUE(ram.ok());
  EXPECT_EQ((*ram)->device().geometry().size_bytes, 2 * kMiB);
  EXPECT_EQ((*ram)->name(), "ram");
  EXPECT_TRUE(exports->lease("disk").ok());
  EXPECT_EQ(exports->lease("none").error().code, Code::kNotFound);
}

TEST(MemoryExports, names_and_sizes_are_those_of_volumes) {
  const auto disk = device::MemoryDevice::create(kMiB).value();
  testing::BlockExports others;
  others.add("disk", *disk);
  EXPECT_EQ(MemoryExports::create(others, {{"disk", kMiB}}).error().code, Code::kAlreadyExists);
  EXPECT_FALSE(MemoryExports::create(others, {{"../x", kMiB}}).ok());
  EXPECT_FALSE(MemoryExports::create(others, {{"odd", 12}}).ok());
  EXPECT_FALSE(MemoryExports::create(others, {{"a", kMiB}, {"a", kMiB}}).ok());
}

}  // namespace
}  // namespace strata::roof
