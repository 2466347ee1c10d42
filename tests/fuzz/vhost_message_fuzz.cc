// fuzz-deps: blockdev_vhost_user blockdev_device common_metrics common_ring common_io common_base
// Any header and payload with any number of descriptors: what is let through stays inside the
// payload and the named limits.
#include <cstring>

#include "blockdev/vhost_user/message.h"
#include "common/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  using namespace strata::vhost_user;
  if (size < sizeof(MessageHeader) + 1) return 0;
  MessageHeader header;
  std::memcpy(&header, data, sizeof header);
  const size_t fds = data[sizeof header] % (kFdsMax + 1);
  const Bytes rest(reinterpret_cast<const std::byte*>(data) + sizeof header + 1,
                   size - sizeof header - 1);
  if (!check_header(header).empty() || rest.size() < header.size) return 0;
  const Bytes payload = rest.first(header.size);
  Request request;
  if (!decode(header, payload, fds, request).empty()) return 0;
  CHECK(name_of(header.request) != "unknown");
  CHECK(request.ring < kQueuesMax);
  CHECK(request.region_count <= kTableRegionsMax);
  CHECK(request.regions.size() == request.region_count * sizeof(RegionWire));
  for (uint32_t i = 0; i < request.region_count; ++i) (void)request.region(i);
  if (request.kind == Message::kSetMemTable) CHECK(fds == request.region_count);
  CHECK(request.config_bytes.size() <= kConfigBytesMax);
  if (!request.config_bytes.empty()) {
    CHECK(request.config.offset + request.config_bytes.size() <= kConfigBytesMax);
  }
  CHECK(request.inflight.queues <= kQueuesMax && request.inflight.entries <= kRingEntriesMax);
  return 0;
}
