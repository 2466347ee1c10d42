#include "blockdev/device/memory_device.h"

#include <gtest/gtest.h>

#include "tests/support/block_io.h"

namespace strata::device {
namespace {

TEST(MemoryDevice, keeps_what_is_written_and_forgets_what_is_trimmed) {
  auto device = MemoryDevice::create(kMiB);
  ASSERT_TRUE(device.ok());
  testing::BlockIo io(**device);
  ByteVector data(1000, std::byte{9});
  ASSERT_EQ(io.write(500, data), 0);
  ByteVector got(1000);
  ASSERT_EQ(io.read(500, got), 0);
  EXPECT_EQ(got, data);
  ASSERT_EQ(io.range(Op::kTrim, 0, kMiB), 0);
  ASSERT_EQ(io.read(500, got), 0);
  EXPECT_EQ(got, ByteVector(1000));
  EXPECT_EQ(io.flush(), 0);
}

}  // namespace
}  // namespace strata::device
