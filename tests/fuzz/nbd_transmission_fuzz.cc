// fuzz-deps: blockdev_nbd blockdev_device common_metrics common_ring common_io common_base
// Any request header, and any payload of a block status, in any session against any size and any
// capabilities: what is let through lies inside the device and uses only what was advertised.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "blockdev/nbd/protocol.h"
#include "blockdev/nbd/request.h"
#include "common/base/check.h"

namespace {

using namespace strata;

void check_range(const nbd::RequestHeader& header, uint64_t device_bytes) {
  CHECK(header.length > 0 && header.offset <= device_bytes &&
        header.length <= device_bytes - header.offset);
}

void check_verdict(const nbd::RequestHeader& header, const nbd::Verdict& verdict,
                   uint64_t device_bytes, const device::Capabilities& capabilities,
                   const nbd::Session& session) {
  CHECK(verdict.payload_bytes == 0 || verdict.payload_bytes == header.length);
  CHECK(header.command != 1 || verdict.payload_bytes == header.length);
  CHECK(verdict.error == 0 || !verdict.problem.empty());
  CHECK(!verdict.past_end || verdict.error != 0);
  if (verdict.error != 0 || verdict.disconnect) return;
  CHECK((header.flags & nbd::kFlagFua) == 0 || capabilities.fua);
  CHECK((header.flags & nbd::kFlagFastZero) == 0 || capabilities.fast_zero);
  CHECK((header.flags & nbd::kFlagDontFragment) == 0 || session.structured);
  CHECK((header.flags & nbd::kFlagPayload) == 0 || session.extended);
  switch (verdict.op) {
    case device::Op::kFlush:
      CHECK(capabilities.flush && header.length == 0 && verdict.payload_bytes == 0);
      return;
    case device::Op::kBlockStatus:
      CHECK(session.allocation);
      if (verdict.status_payload) {
        CHECK(verdict.payload_bytes <= nbd::kStatusPayloadMax);
        return;
      }
      break;
    case device::Op::kRead:
    case device::Op::kWrite:
      CHECK(header.length <= nbd::kPayloadBytesMax);
      break;
    case device::Op::kCache:
      CHECK(capabilities.cache);
      break;
    default:
      break;
  }
  check_range(header, device_bytes);
  CHECK((verdict.payload_bytes > 0) == (verdict.op == device::Op::kWrite));
  const bool changes = verdict.op == device::Op::kWrite || verdict.op == device::Op::kTrim ||
                       verdict.op == device::Op::kWriteZeroes;
  CHECK(!changes || !capabilities.read_only);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kSettingsBytes = 10;
  if (size < kSettingsBytes) return 0;
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  const auto device_bytes = load_big<uint64_t>(bytes);
  const uint8_t bits = data[8];
  const device::Capabilities capabilities{.read_only = (bits & 1) != 0,
                                          .flush = (bits & 2) != 0,
                                          .fua = (bits & 4) != 0,
                                          .trim = (bits & 8) != 0,
                                          .write_zeroes = (bits & 16) != 0,
                                          .fast_zero = (bits & 32) != 0,
                                          .cache = (bits & 64) != 0,
                                          .block_status = (bits & 128) != 0};
  const bool extended = (data[9] & 1) != 0;
  const nbd::Session session{.structured = extended || (data[9] & 2) != 0,
                             .extended = extended,
                             .allocation = (data[9] & 4) != 0};
  const size_t header_bytes = extended ? nbd::kExtendedRequestBytes : nbd::kRequestBytes;
  Bytes input(bytes + kSettingsBytes, size - kSettingsBytes);
  while (input.size() >= header_bytes) {
    const auto header =
        extended ? nbd::decode_extended_request(input.first<nbd::kExtendedRequestBytes>())
                 : nbd::decode_request(input.first<nbd::kRequestBytes>());
    input = input.subspan(header_bytes);
    if (!header) continue;
    const nbd::Verdict verdict = nbd::judge(*header, device_bytes, capabilities, session);
    check_verdict(*header, verdict, device_bytes, capabilities, session);
    if (verdict.error != 0 || !verdict.status_payload) continue;
    const Bytes payload = input.first(std::min<size_t>(input.size(), verdict.payload_bytes));
    input = input.subspan(payload.size());
    nbd::RequestHeader effect = *header;
    if (nbd::judge_status_payload(effect, payload, device_bytes).error == 0) {
      check_range(effect, device_bytes);
    }
  }
  return 0;
}
