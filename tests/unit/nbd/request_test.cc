#include "blockdev/nbd/request.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace strata::nbd {
namespace {

constexpr uint64_t kSize = kMiB;

uint32_t error_of(Command command, uint64_t offset, uint64_t length, uint16_t flags = 0,
                  device::Capabilities capabilities = {}, Session session = {}) {
  const RequestHeader header{.flags = flags,
                             .command = static_cast<uint16_t>(command),
                             .offset = offset,
                             .length = length};
  return judge(header, kSize, capabilities, session).error;
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
  EXPECT_EQ(error_of(Command::kCache, 0, 512), kErrorInvalid);
  EXPECT_EQ(error_of(Command::kCache, 0, 512, 0, {.cache = true}), 0U);
  EXPECT_EQ(error_of(Command::kBlockStatus, 0, 512), kErrorInvalid);
  EXPECT_EQ(error_of(static_cast<Command>(999), 0, 512), kErrorInvalid);
  EXPECT_EQ(error_of(Command::kTrim, 0, 512, 0, {.trim = false}), kErrorInvalid);
}

TEST(NbdRequest, a_refused_write_still_has_its_payload_to_drain) {
  const RequestHeader header{.command = 1, .offset = kSize, .length = 4096};
  const Verdict verdict = judge(header, kSize, {}, {});
  EXPECT_EQ(verdict.error, kErrorNoSpace);
  EXPECT_EQ(verdict.payload_bytes, 4096U);
}

constexpr Session kStructured{.structured = true, .allocation = true};
constexpr Session kExtended{.structured = true, .extended = true, .allocation = true};

TEST(NbdRequest, flags_of_structured_replies_and_extended_headers_need_them) {
  EXPECT_EQ(error_of(Command::kRead, 0, 512, kFlagDontFragment), kErrorInvalid);
  EXPECT_EQ(error_of(Command::kRead, 0, 512, kFlagDontFragment, {}, kStructured), 0U);
  EXPECT_EQ(error_of(Command::kWrite, 0, 512, kFlagDontFragment, {}, kStructured), kErrorInvalid);
  EXPECT_EQ(error_of(Command::kBlockStatus, 0, 512, kFlagOne, {}, kStructured), 0U);
  EXPECT_EQ(error_of(Command::kRead, 0, 512, kFlagOne, {}, kStructured), kErrorInvalid);
  EXPECT_EQ(error_of(Command::kWrite, 0, 512, kFlagPayload, {}, kStructured), kErrorInvalid);
  EXPECT_EQ(error_of(Command::kWrite, 0, 512, kFlagPayload, {}, kExtended), 0U);
  EXPECT_EQ(error_of(Command::kBlockStatus, kSize, 1, 0, {}, kStructured), kErrorInvalid);
}

TEST(NbdRequest, lengths_of_64_bits_are_compared_whole) {
  for (const Command command : {Command::kTrim, Command::kWriteZeroes, Command::kBlockStatus}) {
    EXPECT_NE(error_of(command, 0, kSize + (uint64_t{1} << 32), 0, {}, kExtended), 0U);
    EXPECT_NE(error_of(command, 1, ~uint64_t{0}, 0, {}, kExtended), 0U);
  }
  EXPECT_EQ(error_of(Command::kRead, 0, uint64_t{1} << 32, 0, {}, kExtended), kErrorInvalid);
}

TEST(NbdRequest, a_payload_where_none_belongs_is_taken_off_the_stream_and_refused) {
  const RequestHeader header{.flags = kFlagPayload, .command = 0, .offset = 0, .length = 512};
  const Verdict verdict = judge(header, kSize, {}, kExtended);
  EXPECT_EQ(verdict.error, kErrorInvalid);
  EXPECT_EQ(verdict.payload_bytes, 512U);
}

TEST(NbdRequest, the_payload_of_a_block_status_names_its_length_and_the_agreed_context) {
  RequestHeader header{.flags = kFlagPayload, .command = 7, .offset = 4096, .length = 12};
  Verdict verdict = judge(header, kSize, {}, kExtended);
  EXPECT_EQ(verdict.error, 0U);
  EXPECT_TRUE(verdict.status_payload);
  ByteVector payload(12);
  store_big(payload.data(), kSize - 4096);
  store_big(payload.data() + 8, kAllocationContextId);
  RequestHeader effect = header;
  EXPECT_EQ(judge_status_payload(effect, payload, kSize).error, 0U);
  EXPECT_EQ(effect.length, kSize - 4096);
  store_big(payload.data(), kSize);
  effect = header;
  EXPECT_TRUE(judge_status_payload(effect, payload, kSize).past_end);
  store_big(payload.data(), uint64_t{512});
  store_big(payload.data() + 8, kAllocationContextId + 1);
  EXPECT_EQ(judge_status_payload(effect, payload, kSize).error, kErrorInvalid);
  EXPECT_EQ(judge_status_payload(effect, Bytes(payload).first(8), kSize).error, kErrorInvalid);
  EXPECT_EQ(judge_status_payload(effect, {}, kSize).error, kErrorInvalid);
  header.length = 16;
  EXPECT_EQ(judge(header, kSize, {}, kExtended).error, kErrorInvalid);
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
