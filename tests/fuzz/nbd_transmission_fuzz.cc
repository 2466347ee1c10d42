// fuzz-deps: blockdev_nbd blockdev_device common_metrics common_ring common_io common_base
// Any request header against any size and any capabilities: what is let through lies inside the
// device and uses only what was advertised.
#include <cstddef>
#include <cstdint>

#include "blockdev/nbd/protocol.h"
#include "blockdev/nbd/request.h"
#include "common/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  constexpr size_t kSettingsBytes = 9;
  if (size < kSettingsBytes + nbd::kRequestBytes) return 0;
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  const auto device_bytes = load_big<uint64_t>(bytes);
  const uint8_t bits = data[8];
  const device::Capabilities capabilities{.read_only = (bits & 1) != 0,
                                          .flush = (bits & 2) != 0,
                                          .fua = (bits & 4) != 0,
                                          .trim = (bits & 8) != 0,
                                          .write_zeroes = (bits & 16) != 0,
                                          .fast_zero = (bits & 32) != 0};
  for (size_t at = kSettingsBytes; at + nbd::kRequestBytes <= size; at += nbd::kRequestBytes) {
    const auto header = nbd::decode_request(
        std::span<const std::byte, nbd::kRequestBytes>(bytes + at, nbd::kRequestBytes));
    if (!header) continue;
    const nbd::Verdict verdict = nbd::judge(*header, device_bytes, capabilities);
    CHECK(verdict.payload_bytes == 0 ||
          (header->command == 1 && verdict.payload_bytes == header->length));
    if (verdict.error != 0 || verdict.disconnect) continue;
    if (verdict.op == device::Op::kFlush) {
      CHECK(capabilities.flush && header->length == 0);
      continue;
    }
    CHECK(header->length > 0 && header->offset <= device_bytes &&
          header->length <= device_bytes - header->offset);
    const bool moves_bytes = verdict.op == device::Op::kRead || verdict.op == device::Op::kWrite;
    CHECK(!moves_bytes || header->length <= nbd::kPayloadBytesMax);
    CHECK(verdict.op == device::Op::kRead || !capabilities.read_only);
    CHECK((header->flags & nbd::kFlagFua) == 0 || capabilities.fua);
    CHECK((header->flags & nbd::kFlagFastZero) == 0 || capabilities.fast_zero);
  }
  return 0;
}
