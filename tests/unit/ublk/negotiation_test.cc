// What the kernel and this server agree on, and what is refused.
#include "blockdev/ublk/request.h"
#include "tests/unit/ublk/ublk_fixture.h"

namespace strata::ublk {
namespace {

using device::Op;

TEST_F(Ublk, a_device_asks_for_recovery_with_reissue_and_not_for_a_system_call_a_request) {
  start();
  EXPECT_EQ(kernel_.device().info.flags, kUserRecovery | kRecoveryReissue);
  EXPECT_EQ(kernel_.device().info.server_flags, kIdentity);
  EXPECT_TRUE(device_->recoverable());
  EXPECT_EQ(block_path(device_->number()), "/dev/ublkb0");
}

TEST_F(Ublk, what_the_kernel_does_not_offer_is_not_asked_for) {
  kernel_.offers = kUserRecovery | kIoctlEncode;  // recovery, but not with reissue
  start();
  EXPECT_EQ(kernel_.device().info.flags, 0U);
  EXPECT_FALSE(device_->recoverable());
  EXPECT_EQ(write(0, pattern(4096)), 4096);
  EXPECT_EQ(read(0, 8), pattern(4096));
}

TEST_F(Ublk, a_kernel_that_cannot_say_what_it_offers_tells_it_by_the_device) {
  kernel_.offers = 0;
  start();
  EXPECT_TRUE(device_->recoverable());
}

TEST_F(Ublk, without_privileges_the_device_is_the_users_and_ends_with_the_server) {
  kernel_.privileged = false;
  start();
  EXPECT_EQ(kernel_.device().info.flags, kUnprivileged);
  EXPECT_FALSE(device_->recoverable());
  EXPECT_EQ(write(8, pattern(8192)), 8192);
  EXPECT_EQ(read(8, 16), pattern(8192));
}

TEST_F(Ublk, a_kernel_without_devices_of_users_says_so) {
  kernel_.privileged = false;
  kernel_.offers = kUserRecovery | kRecoveryReissue;
  const auto made = make();
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, Code::kPermissionDenied);
  EXPECT_EQ(exports_.leases(), 0);
}

TEST_F(Ublk, the_kernel_is_told_of_a_write_cache_so_that_it_flushes) {
  start();
  const Params& told = kernel_.device().params;
  EXPECT_EQ(told.length, kParamsBytes);
  EXPECT_EQ(told.types, kParamBasic | kParamDiscard);
  EXPECT_EQ(told.attributes, kVolatileCache | kFua);
  EXPECT_EQ(told.sectors, kSize / kSectorBytes);
  EXPECT_EQ(told.sectors_max, kRequestBytesMax / kSectorBytes);
  EXPECT_EQ(told.logical_shift, 9);
  EXPECT_EQ(told.physical_shift, 12);
  EXPECT_EQ(told.discard_granularity, 4096U);
  EXPECT_EQ(told.discard_segments_max, 1);
  EXPECT_GT(told.discard_sectors_max, 0U);
  EXPECT_GT(told.write_zeroes_sectors_max, 0U);
}

TEST_F(Ublk, a_read_only_disk_is_a_read_only_device) {
  disk_.can.read_only = true;
  start();
  EXPECT_EQ(kernel_.device().params.attributes & kReadOnly, kReadOnly);
  EXPECT_EQ(kernel_.device().params.types, kParamBasic);
}

TEST_F(Ublk, a_disk_that_cannot_flush_has_no_write_cache_to_tell_of) {
  disk_.can.flush = false;
  disk_.can.trim = false;
  start();
  EXPECT_EQ(kernel_.device().params.attributes, 0U);
  EXPECT_EQ(kernel_.device().params.discard_sectors_max, 0U);
  EXPECT_GT(kernel_.device().params.write_zeroes_sectors_max, 0U);
}

TEST_F(Ublk, blocks_larger_than_a_page_are_told_as_a_page) {
  const Params told = params_of({.size_bytes = kSize, .block_bytes_preferred = 65536}, {}, 65536);
  EXPECT_EQ(told.physical_shift, 12);
  EXPECT_EQ(told.sectors_max, 128U);
}

TEST_F(Ublk, there_are_as_many_queues_as_the_kernel_gives) {
  kernel_.processors = 2;
  start({.queues = 8});
  EXPECT_EQ(device_->queues(), 2);
  EXPECT_EQ(write(0, pattern(4096), 0, 1), 4096);
  EXPECT_EQ(read(0, 8, 0), pattern(4096));
}

TEST_F(Ublk, wrong_numbers_of_queues_and_requests_are_refused) {
  EXPECT_EQ(make({.queues = 0}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(make({.queues = kQueuesMax + 1}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(make({.depth = 0}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(make({.depth = kQueueDepthMax + 1}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(kernel_.devices(), 0U);
}

TEST_F(Ublk, a_device_that_the_kernel_makes_too_small_to_serve_is_removed_again) {
  kernel_.request_bytes_max = 512;
  const auto made = make();
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, Code::kUnsupported);
  EXPECT_EQ(kernel_.devices(), 0U);
}

TEST_F(Ublk, nothing_stays_of_a_device_that_does_not_start) {
  kernel_.start_fails = true;
  EXPECT_FALSE(make().ok());
  EXPECT_EQ(kernel_.devices(), 0U);
  EXPECT_EQ(exports_.leases(), 0);
  kernel_.start_fails = false;
  kernel_.fetch_error = -EINVAL;
  const auto refused = make();
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("offering requests"), std::string::npos);
  EXPECT_EQ(kernel_.devices(), 0U);
}

TEST_F(Ublk, who_cannot_note_the_number_of_a_device_has_none) {
  uint32_t seen = 99;
  const auto made = make({.added = [&](uint32_t number) -> Status {
    seen = number;
    EXPECT_EQ(kernel_.device().info.state, kStateDead) << "it must not have appeared yet";
    return Error(Code::kNoSpace, "the disk is full");
  }});
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, Code::kNoSpace);
  EXPECT_EQ(seen, 0U);
  EXPECT_EQ(kernel_.devices(), 0U);
}

TEST_F(Ublk, a_device_in_use_is_not_ended_and_goes_on) {
  start();
  kernel_.in_use = true;
  const Status ended = device_->end(false);
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(ended.error().code, Code::kBusy);
  EXPECT_EQ(write(0, pattern(512)), 512);
  EXPECT_TRUE(device_->end(true).ok());
  EXPECT_EQ(kernel_.devices(), 0U);
}

TEST_F(Ublk, ending_waits_for_requests_and_gives_the_volume_back) {
  start({.queues = 2});
  EXPECT_EQ(write(0, pattern(4096)), 4096);
  EXPECT_TRUE(device_->end(false).ok());
  EXPECT_EQ(kernel_.devices(), 0U);
  device_.reset();
  EXPECT_EQ(exports_.leases(), 0);
}

TEST_F(Ublk, a_volume_that_grew_is_told_to_a_kernel_that_listens) {
  start();
  ASSERT_TRUE(device_->refresh().ok());
  disk_.size_bytes = kSize / 2;  // any other size
  ASSERT_TRUE(device_->refresh().ok());
  EXPECT_EQ(kernel_.device().params.sectors, kSize / 2 / kSectorBytes);
  kernel_.offers &= ~kUpdateSize;
  disk_.size_bytes = kSize;
  const Status told = device_->refresh();
  ASSERT_FALSE(told.ok());
  EXPECT_EQ(told.error().code, Code::kUnsupported);
  EXPECT_NE(told.error().message.find("detach"), std::string::npos);
}

}  // namespace
}  // namespace strata::ublk
