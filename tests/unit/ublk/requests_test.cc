// What the kernel asks, at the disk and back.
#include "blockdev/ublk/request.h"
#include "tests/unit/ublk/ublk_fixture.h"

namespace strata::ublk {
namespace {

using device::Op;

// With user copy, and with the kernel's own copying.
class UblkData : public Ublk, public ::testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(Copying, UblkData, ::testing::Bool(),
                         [](const auto& param) { return param.param ? "user" : "kernel"; });

TEST_P(UblkData, what_is_written_is_read_in_every_size) {
  start({.queues = 2, .user_copy = GetParam()});
  EXPECT_EQ((kernel_.device().info.flags & kUserCopy) != 0, GetParam());
  uint64_t sector = 3;
  for (const size_t bytes : {size_t{512}, size_t{4096}, size_t{65536}, size_t{kRequestBytesMax}}) {
    const ByteVector data = pattern(bytes, static_cast<uint8_t>(bytes >> 9));
    ASSERT_EQ(write(sector, data), static_cast<int32_t>(bytes));
    EXPECT_EQ(read(sector, static_cast<uint32_t>(bytes / kSectorBytes), 1), data);
    sector += bytes / kSectorBytes;
  }
  EXPECT_EQ(instruments_.written_bytes.value(), 512U + 4096 + 65536 + kRequestBytesMax);
  EXPECT_EQ(instruments_.read_bytes.value(), instruments_.written_bytes.value());
}

TEST_P(UblkData, more_requests_than_tags_are_all_served) {
  start({.queues = 2, .depth = 4, .user_copy = GetParam()});
  write_and_read_many();
}

TEST_F(Ublk, each_kind_of_request_reaches_the_disk_as_asked) {
  start();
  ASSERT_EQ(write(16, pattern(4096), kFlagFua), 4096);
  ASSERT_EQ(kernel_.run(0, IoOp::kFlush, 0, 0), 0);
  ASSERT_EQ(kernel_.run(0, IoOp::kDiscard, 8, 4096), 0);
  ASSERT_EQ(kernel_.run(0, IoOp::kWriteZeroes, 0, 8, {}, kFlagNoUnmap), 0);
  ASSERT_EQ(kernel_.run(0, IoOp::kWriteZeroes, 0, 8), 0);
  const auto notes = disk_.notes();
  ASSERT_EQ(notes.size(), 5U);
  EXPECT_EQ(notes[0].op, Op::kWrite);
  EXPECT_EQ(notes[0].offset, 16U * 512);
  EXPECT_EQ(notes[0].length, 4096U);
  EXPECT_TRUE(notes[0].fua);
  EXPECT_EQ(notes[1].op, Op::kFlush);
  EXPECT_EQ(notes[2].op, Op::kTrim);
  EXPECT_EQ(notes[2].length, 4096U * 512) << "larger than any read or write";
  EXPECT_EQ(notes[3].op, Op::kWriteZeroes);
  EXPECT_FALSE(notes[3].may_punch);
  EXPECT_TRUE(notes[4].may_punch);
  EXPECT_EQ(instruments_.of(Op::kFlush).requests->value(), 1U);
  EXPECT_EQ(instruments_.fua_requests.value(), 1U);
  EXPECT_EQ(read(16, 8), ByteVector(4096)) << "discarded, and so zeroes";
}

TEST_F(Ublk, a_disk_without_fua_gets_a_flush_after_the_write) {
  disk_.can.fua = false;
  start();
  ASSERT_EQ(write(0, pattern(512), kFlagFua), 512);
  const auto notes = disk_.notes();
  ASSERT_EQ(notes.size(), 2U);
  EXPECT_FALSE(notes[0].fua);
  EXPECT_EQ(notes[1].op, Op::kFlush);
}

TEST_F(Ublk, errors_of_the_disk_are_io_errors_but_for_those_that_the_kernel_knows) {
  start();
  for (const auto& [fails, told] : {std::pair{-EIO, -EIO},
                                    {-ENOSPC, -ENOSPC},
                                    {-ENOMEM, -EIO},
                                    {-EOPNOTSUPP, -EOPNOTSUPP},
                                    {-EPERM, -EIO},
                                    {7, -EIO}}) {
    disk_.fails_with = fails;
    EXPECT_EQ(write(0, pattern(512)), told);
    EXPECT_EQ(kernel_.run(0, IoOp::kFlush, 0, 0), told);
  }
  EXPECT_EQ(instruments_.of(Op::kFlush).errors->value(), 6U);
  disk_.fails_with = 0;
  EXPECT_EQ(write(0, pattern(512)), 512);
}

TEST_F(Ublk, a_copy_that_fails_is_an_io_error) {
  start({.user_copy = true});
  kernel_.copy_error = -EFAULT;
  EXPECT_EQ(write(0, pattern(512)), -EIO);
  EXPECT_TRUE(disk_.notes().empty()) << "what did not arrive must not be written";
  EXPECT_EQ(kernel_.run(0, IoOp::kRead, 0, 1), -EIO);
}

TEST_F(Ublk, requests_outside_the_disk_or_larger_than_agreed_are_refused) {
  start();
  const uint64_t end = kSize / kSectorBytes;
  EXPECT_EQ(kernel_.run(0, IoOp::kRead, end, 1), -EIO);
  EXPECT_EQ(kernel_.run(0, IoOp::kRead, end - 1, 2), -EIO);
  EXPECT_EQ(kernel_.run(0, IoOp::kRead, UINT64_MAX, 1), -EIO);
  EXPECT_EQ(kernel_.run(0, IoOp::kDiscard, 1, UINT32_MAX), -EIO);
  EXPECT_EQ(kernel_.run(0, IoOp::kRead, 0, 0), -EIO);
  EXPECT_EQ(kernel_.run(0, IoOp::kRead, 0, kRequestBytesMax / kSectorBytes + 1), -EIO);
  EXPECT_EQ(kernel_.run(0, static_cast<IoOp>(4), 0, 8), -EOPNOTSUPP);
  EXPECT_EQ(kernel_.run(0, static_cast<IoOp>(200), 0, 8), -EOPNOTSUPP);
  EXPECT_TRUE(disk_.notes().empty());
  EXPECT_EQ(instruments_.refused_requests.value(), 8U);
  EXPECT_EQ(kernel_.run(0, IoOp::kRead, end - 1, 1), 512);
}

TEST_F(Ublk, a_read_only_disk_is_not_written) {
  disk_.can.read_only = true;
  start();
  EXPECT_EQ(write(0, pattern(512)), -EIO);
  EXPECT_EQ(kernel_.run(0, IoOp::kDiscard, 0, 8), -EIO);
  EXPECT_EQ(kernel_.run(0, IoOp::kFlush, 0, 0), 0);
  EXPECT_EQ(read(0, 1), ByteVector(512));
}

TEST_F(Ublk, a_disk_that_has_grown_serves_its_new_end) {
  disk_.size_bytes = kSize / 2;
  start();
  const uint64_t beyond = kSize / 2 / kSectorBytes;
  EXPECT_EQ(kernel_.run(0, IoOp::kRead, beyond, 1), -EIO);
  disk_.size_bytes = kSize;
  EXPECT_EQ(write(beyond, pattern(512)), 512);
}

TEST(UblkDoor, whatever_a_descriptor_says_a_good_verdict_lies_inside_the_disk) {
  DiskLimits limits{.device_bytes = 1000 * kSectorBytes, .request_bytes_max = 8 * kSectorBytes};
  device::IoRequest request;
  EXPECT_EQ(judge({0, 8, 992, 0}, limits, request).error, 0);
  EXPECT_EQ(request.offset + request.length, limits.device_bytes);
  EXPECT_TRUE(judge({0, 8, 993, 0}, limits, request).past_end);
  EXPECT_EQ(judge({0, 9, 0, 0}, limits, request).error, -EINVAL);
  EXPECT_EQ(judge({2, 0, UINT64_MAX, 0}, limits, request).error, 0) << "a flush has no range";
  EXPECT_EQ(request.length, 0U);
  limits.capabilities.trim = false;
  EXPECT_EQ(judge({3, 8, 0, 0}, limits, request).error, -EOPNOTSUPP);
}

TEST(UblkDoor, a_device_beyond_the_servers_bounds_is_refused) {
  const auto good = [] {
    DeviceInfo out;
    out.queues = 1;
    out.depth = 1;
    out.request_bytes_max = kRequestBytesMax;
    out.device = 0;
    return out;
  };
  EXPECT_TRUE(check_info(good()).ok());
  DeviceInfo bad = good();
  bad.queues = kQueuesMax + 1;
  EXPECT_FALSE(check_info(bad).ok());
  bad = good();
  bad.depth = kQueueDepthMax + 1;
  EXPECT_FALSE(check_info(bad).ok());
  bad = good();
  bad.request_bytes_max = kRequestBytesMax + 512;
  EXPECT_FALSE(check_info(bad).ok());
  bad = good();
  bad.request_bytes_max = 0;
  EXPECT_FALSE(check_info(bad).ok());
  bad = good();
  bad.device = kAnyDevice;
  EXPECT_FALSE(check_info(bad).ok());
}

}  // namespace
}  // namespace strata::ublk
