// fuzz-deps: blockdev_ublk blockdev_device common_metrics common_ring common_io common_base
// Any bytes as what the kernel says of a request and of a device: what is judged good lies inside
// the disk and inside the buffer, and a device that is taken is within this server's bounds.
#include <algorithm>
#include <cstring>

#include "blockdev/ublk/request.h"
#include "common/base/check.h"

namespace {

using namespace strata;
using namespace strata::ublk;

struct Input {
  IoDescriptor asked;
  uint64_t device_sectors;
  uint32_t can;
  DeviceInfo info;
};

void check_request(const Input& input) {
  DiskLimits limits;
  // No disk is larger than a file can be.
  limits.device_bytes = input.device_sectors % (uint64_t{1} << 54) * kSectorBytes;
  limits.request_bytes_max = kRequestBytesMin << (input.can >> 8) % 8;
  limits.capabilities.read_only = (input.can & 1) != 0;
  limits.capabilities.trim = (input.can & 2) != 0;
  limits.capabilities.write_zeroes = (input.can & 4) != 0;
  limits.capabilities.fua = (input.can & 8) != 0;
  device::IoRequest request;
  const Verdict verdict = judge(input.asked, limits, request);
  CHECK(verdict.error <= 0);
  CHECK(answer_of_error(verdict.error) < 0);
  if (verdict.error != 0) return;
  if (request.op == device::Op::kFlush) {
    CHECK(request.length == 0 && request.offset == 0);
    return;
  }
  CHECK(request.length > 0 && request.length % kSectorBytes == 0);
  CHECK(request.offset <= limits.device_bytes);
  CHECK(request.length <= limits.device_bytes - request.offset);
  CHECK(!request.fua || limits.capabilities.fua);
  const bool data = request.op == device::Op::kRead || request.op == device::Op::kWrite;
  CHECK(!data || request.length <= limits.request_bytes_max);
  CHECK(request.op == device::Op::kRead || !limits.capabilities.read_only);
  CHECK(request.op != device::Op::kTrim || limits.capabilities.trim);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input{};
  std::memcpy(&input, data, std::min(size, sizeof input));
  check_request(input);
  if (check_info(input.info).ok()) {
    CHECK(input.info.queues <= kQueuesMax && input.info.depth <= kQueueDepthMax);
    CHECK(input.info.request_bytes_max <= kRequestBytesMax);
  }
  return 0;
}
