#include "blockdev/nbd/request.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace strata::nbd {
namespace {

constexpr uint64_t kSize = kMiB;

uint32_t error_of(Command command, uint64_t offset, uint32_t length, uint16_t flags = 0,
                  device::Capabilities capabilities = {}) {
  const RequestHeader header{.flags = flags,
                             .command = static_cast<uint16_t>(command),
                             .offset = offset,
                             .length = length};
  return judge(header, kSize, capabilities).error;
}

TEST(NbdRequest, ranges_inside_the_export_are_served) {
  for (const Command command :
       {Command::kRead, Command::kWrite, Command::kTrim, Command::kWriteZeroes}) {
    EXPECT_EQ(error_of(command, 0, 1), 0U);
    EXPECT_EQ(error_of(command, kSize - 1, 1), 0U);
    EXPECT_EQ(error_of(command, 0, kSize), 0U);
  }
  EXPECT_EQ(error_of(Command::kFlush, 0, 0), 0U);
}

TEST(NbdRequest, ranges_past_the_end_get_the_error_of_their_kind) {
  for (const uint64_t offset : {kSize, kSize - 1, ~uint64_t{0}, ~uint64_t{0} - 1, kSize + 1}) {
    EXPECT_EQ(error_of(Command::kRead, offset, 2), kErrorInvalid) << offset;
    EXPECT_EQ(error_of(Command::kWrite, offset, 2), kErrorNoSpace) << offset;
    EXPECT_EQ(error_of(Command::kTrim, offset, 2), kErrorInvalid) << offset;
    EXPECT_EQ(error_of(Command::kWriteZeroes, offset, 2), kErrorNoSpace) << offset;
  }
}

TEST(NbdRequest, lengths_of_zero_or_above_the_limit_are_invalid) {
  for (const Command command :
       {Command::kRead, Command::kWrite, Command::kTrim, Command::kWriteZeroes}) {
    EXPECT_EQ(error_of(command, 0, 0), kErrorInvalid);
  }
  EXPECT_EQ(error_of(Command::kRead, 0, kPayloadBytesMax + 1), kErrorInvalid);
  EXPECT_EQ(error_of(Command::kWrite, 0, kPayloadBytesMax + 1), kErrorInvalid);
  EXPECT_EQ(error_of(Command::kFlush, 0, 1), kErrorInvalid);
}

TEST(NbdRequest, a_read_only_export_refuses_changes_with_eperm) {
  const device::Capabilities read_only{.read_only = true};
  for (const Command command : {Command::kWrite, Command::kTrim, Command::kWriteZeroes}) {
    EXPECT_EQ(error_of(command, 0, 512, 0, read_only), kErrorPermission);
  }
  EXPECT_EQ(error_of(Command::kRead, 0, 512, 0, read_only), 0U);
}

TEST(NbdRequest, flags_that_were_not_advertised_are_invalid) {
  EXPECT_EQ(error_of(Command::kWrite, 0, 512, kFlagFua), 0U);
  EXPECT_EQ(error_of(Command::kWrite, 0, 512, kFlagFua, {.fua = false}), kErrorInvalid);
  EXPECT_EQ(error_of(Command::kWriteZeroes, 0, 512, kFlagNoHole | kFlagFua), 0U);
  EXPECT_EQ(error_of(Command::kWrite, 0, 512, kFlagNoHole), kErrorInvalid);
  EXPECT_EQ(error_of(Command::kWriteZeroes, 0, 512, kFlagFastZero), kErrorInvalid);
  EXPECT_EQ(error_of(Command::kWriteZeroes, 0, 512, kFlagFastZero, {.fast_zero = true}), 0U);
  EXPECT_EQ(error_of(Command::kRead, 0, 512, 1 << 2), kErrorInvalid);
  EXPECT_EQ(error_of(Command::kRead, 0, 512, 1 << 15), kErrorInvalid);
}

TEST(NbdRequest, commands_that_do_not_exist_or_were_not_advertised_are_invalid) {
  EXPECT_EQ(error_of(static_cast<Command>(5), 0, 512), kErrorInvalid);
  EXPECT_EQ(error_of(static_cast<Command>(999), 0, 512), kErrorInvalid);
  EXPECT_EQ(error_of(Command::kTrim, 0, 512, 0, {.trim = false}), kErrorInvalid);
}

TEST(NbdRequest, a_refused_write_still_has_its_payload_to_drain) {
  const RequestHeader header{.command = 1, .offset = kSize, .length = 4096};
  const Verdict verdict = judge(header, kSize, {});
  EXPECT_EQ(verdict.error, kErrorNoSpace);
  EXPECT_EQ(verdict.payload_bytes, 4096U);
}

TEST(NbdRequest, device_errors_become_the_protocols_numbers) {
  EXPECT_EQ(wire_error(0), 0U);
  EXPECT_EQ(wire_error(-ENOSPC), kErrorNoSpace);
  EXPECT_EQ(wire_error(-EROFS), kErrorPermission);
  EXPECT_EQ(wire_error(-EOPNOTSUPP), kErrorNotSupported);
  EXPECT_EQ(wire_error(-EREMOTEIO), kErrorIo);
}

}  // namespace
}  // namespace strata::nbd
