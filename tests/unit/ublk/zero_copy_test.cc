// Data that the server never sees: when it goes so, and when it is copied after all.
#include <poll.h>

#include "blockdev/ublk/request.h"
#include "tests/unit/ublk/ublk_fixture.h"

namespace strata::ublk {
namespace {

using device::Op;

class UblkZeroCopy : public Ublk {
 protected:
  static constexpr uint32_t kBlock = 4096;
  static constexpr uint64_t kFlags = kUserRecovery | kRecoveryReissue | kUserCopy | kAutoBuffers;
  UblkZeroCopy() {
    kernel_.offers |= kAutoBuffers;
    disk_.can.registered_alignment = kBlock;
  }
  [[nodiscard]] uint64_t by_zero_copy() const { return instruments_.zero_copy_requests.value(); }
};

TEST_F(UblkZeroCopy, the_disk_is_given_the_kernels_pages) {
  start({.queues = 2});
  EXPECT_EQ(kernel_.device().info.flags, kFlags);
  EXPECT_TRUE(device_->zero_copy());
  for (const size_t bytes : {size_t{4096}, size_t{65536}, size_t{kRequestBytesMax}}) {
    const ByteVector data = pattern(bytes, static_cast<uint8_t>(bytes >> 12));
    ASSERT_EQ(write(8, data), static_cast<int32_t>(bytes));
    EXPECT_EQ(read(8, static_cast<uint32_t>(bytes / kSectorBytes), 1), data);
  }
  for (const NotingDisk::Note& note : disk_.notes()) EXPECT_TRUE(note.registered);
  EXPECT_EQ(kernel_.copies, 0U);
  EXPECT_EQ(kernel_.buffers(), 0U) << "nothing stays in the table";
  EXPECT_EQ(by_zero_copy(), 6U);
  EXPECT_EQ(instruments_.read_bytes.value(), 4096U + 65536 + kRequestBytesMax);
  EXPECT_EQ(instruments_.written_bytes.value(), instruments_.read_bytes.value());
}

TEST_F(UblkZeroCopy, the_kernel_is_told_how_memory_must_be_aligned) {
  start();
  EXPECT_EQ(kernel_.device().params.types & kParamMemoryAlignment, kParamMemoryAlignment);
  EXPECT_EQ(kernel_.device().params.memory_alignment, 511U);
}

TEST_F(UblkZeroCopy, many_at_a_time_do_not_mix) {
  start({.queues = 2, .depth = 4});
  write_and_read_many();
  EXPECT_EQ(kernel_.copies, 0U);
}

TEST_F(UblkZeroCopy, parts_of_blocks_are_copied) {
  start();
  ASSERT_EQ(write(0, pattern(8192, 1)), 8192);
  ASSERT_EQ(write(3, pattern(512, 9)), 512);
  ASSERT_EQ(write(5, pattern(4096, 7)), 4096);
  EXPECT_EQ(read(3, 1), pattern(512, 9));
  EXPECT_EQ(read(5, 8), pattern(4096, 7));
  EXPECT_EQ(kernel_.copies, 4U);
  EXPECT_EQ(by_zero_copy(), 1U);
  ByteVector all = pattern(8192, 1);
  const ByteVector one = pattern(512, 9);
  const ByteVector eight = pattern(4096, 7);
  std::copy(one.begin(), one.end(), all.begin() + 3 * 512);
  std::copy(eight.begin(), eight.end(), all.begin() + 5 * 512);
  EXPECT_EQ(read(0, 16), all);
}

TEST_F(UblkZeroCopy, what_the_kernel_cannot_put_into_the_table_is_copied) {
  kernel_.no_buffer = true;
  start();
  ASSERT_EQ(write(0, pattern(4096)), 4096);
  EXPECT_EQ(read(0, 8), pattern(4096));
  EXPECT_EQ(kernel_.copies, 2U);
  kernel_.no_buffer = false;
  EXPECT_EQ(read(0, 8), pattern(4096));
  EXPECT_EQ(by_zero_copy(), 1U);
}

TEST_F(UblkZeroCopy, what_the_disk_refuses_is_copied_and_after_many_it_is_not_asked_any_more) {
  disk_.refuses_registered = true;
  start();
  ASSERT_EQ(write(0, pattern(4096)), 4096);
  EXPECT_EQ(read(0, 8), pattern(4096));
  EXPECT_EQ(disk_.notes().size(), 4U) << "each is asked twice";
  for (int i = 0; i < 100; ++i) ASSERT_EQ(read(0, 8), pattern(4096));
  const auto notes = disk_.notes();
  EXPECT_FALSE(notes[notes.size() - 1].registered);
  EXPECT_FALSE(notes[notes.size() - 2].registered);
  EXPECT_EQ(by_zero_copy(), 0U);
  EXPECT_EQ(instruments_.of(Op::kRead).errors->value(), 0U);
  EXPECT_EQ(instruments_.of(Op::kRead).requests->value(), 101U);
}

TEST_F(UblkZeroCopy, an_error_of_the_disk_is_one) {
  start();
  disk_.fails_with = -ENOSPC;
  EXPECT_EQ(write(0, pattern(4096)), -ENOSPC);
  disk_.fails_with = -EIO;
  EXPECT_EQ(kernel_.run(0, IoOp::kRead, 0, 8), -EIO);
  EXPECT_EQ(disk_.notes().size(), 2U) << "and not asked again";
  EXPECT_EQ(kernel_.copies, 0U);
}

TEST_F(UblkZeroCopy, a_disk_without_fua_gets_a_flush_after_the_write) {
  disk_.can.fua = false;
  start();
  ASSERT_EQ(write(0, pattern(4096), kFlagFua), 4096);
  const auto notes = disk_.notes();
  ASSERT_EQ(notes.size(), 2U);
  EXPECT_TRUE(notes[0].registered);
  EXPECT_EQ(notes[1].op, Op::kFlush);
  EXPECT_FALSE(notes[1].registered);
}

TEST_F(UblkZeroCopy, requests_without_data_are_as_ever) {
  start();
  ASSERT_EQ(write(0, pattern(4096)), 4096);
  EXPECT_EQ(kernel_.run(0, IoOp::kFlush, 0, 0), 0);
  EXPECT_EQ(kernel_.run(0, IoOp::kDiscard, 0, 8), 0);
  EXPECT_EQ(kernel_.run(0, IoOp::kWriteZeroes, 8, 8), 0);
  EXPECT_EQ(read(0, 8), ByteVector(4096));
}

TEST_F(UblkZeroCopy, it_is_not_asked_for_in_vain) {
  disk_.can.registered_alignment = 0;
  start();
  EXPECT_EQ(kernel_.device().info.flags & (kUserCopy | kAutoBuffers), 0U) << "the disk cannot";
  EXPECT_EQ(kernel_.device().params.types & kParamMemoryAlignment, 0U);
  EXPECT_FALSE(device_->zero_copy());
  ASSERT_TRUE(device_->end(false).ok());
  disk_.can.registered_alignment = kBlock;
  device_ = make({.zero_copy = false}).value();
  EXPECT_FALSE(device_->zero_copy()) << "it was not wanted";
  ASSERT_TRUE(device_->end(false).ok());
  kernel_.offers &= ~kAutoBuffers;
  device_ = make().value();
  EXPECT_FALSE(device_->zero_copy()) << "the kernel is too old";
  ASSERT_TRUE(device_->end(false).ok());
  kernel_.offers = 0;
  device_ = make().value();
  EXPECT_FALSE(device_->zero_copy()) << "the kernel does not say";
  ASSERT_TRUE(device_->end(false).ok());
}

TEST_F(UblkZeroCopy, a_device_of_a_user_copies) {
  kernel_.privileged = false;
  start();
  EXPECT_EQ(kernel_.device().info.flags, kUnprivileged);
  EXPECT_FALSE(device_->zero_copy());
  ASSERT_EQ(write(0, pattern(4096)), 4096);
  EXPECT_EQ(read(0, 8), pattern(4096));
}

TEST_F(UblkZeroCopy, what_a_killed_server_did_not_answer_is_asked_again_with_its_pages) {
  start();
  kernel_.answers_lost = true;
  const auto lost = kernel_.post(0, IoOp::kWrite, 8, 8, pattern(4096, 3));
  while (disk_.notes().empty()) poll(nullptr, 0, 1);
  device_.reset();
  EXPECT_EQ(kernel_.buffers(), 0U);
  kernel_.answers_lost = false;
  auto next = take_up();
  ASSERT_TRUE(next.ok()) << next.error().message;
  EXPECT_TRUE((*next)->zero_copy());
  EXPECT_EQ(kernel_.wait(0, lost), 4096);
  EXPECT_EQ(read(8, 8), pattern(4096, 3));
  EXPECT_EQ(kernel_.copies, 0U);
}

TEST_F(UblkZeroCopy, a_device_whose_volume_takes_no_pages_any_more_goes_on_by_copies) {
  start();
  ASSERT_EQ(write(0, pattern(4096)), 4096);
  device_.reset();
  disk_.can.registered_alignment = 0;
  auto next = take_up();
  ASSERT_TRUE(next.ok()) << next.error().message;
  EXPECT_FALSE((*next)->zero_copy());
  EXPECT_EQ(read(0, 8), pattern(4096));
  EXPECT_EQ(kernel_.copies, 1U);
}

}  // namespace
}  // namespace strata::ublk
