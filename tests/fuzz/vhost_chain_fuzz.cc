// fuzz-deps: blockdev_vhost_user blockdev_device common_metrics common_ring common_io common_base
// Any bytes as a ring, its descriptors and the requests they describe: every piece that comes out
// lies in the shared memory, and what is judged good lies in the disk.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "blockdev/vhost_user/block_request.h"
#include "common/base/check.h"

namespace {

using namespace strata;
using namespace strata::vhost_user;

constexpr uint64_t kMemoryBytes = 64 * kKiB;
constexpr uint32_t kEntries = 16;
constexpr uint64_t kDeviceBytes = 8 * kMiB;

// Two regions side by side for the guest, the second one before the first in the file.
struct World {
  World() {
    const int fd = memfd_create("fuzz", MFD_CLOEXEC);
    CHECK(ftruncate(fd, kMemoryBytes) == 0);
    CHECK(memory.add({0, kMemoryBytes / 2, 0, kMemoryBytes / 2}, fd).ok());
    CHECK(memory.add({kMemoryBytes / 2, kMemoryBytes / 2, kMemoryBytes / 2, 0}, fd).ok());
    close(fd);
    const VringAddress where{0, 0, 0, 4096, 2048, 0};
    auto made = SplitRing::map(memory, where, kEntries);
    CHECK(made.ok());
    ring = std::move(made).value();
  }
  [[nodiscard]] bool holds(const std::byte* data, uint64_t bytes) const {
    for (const uint64_t base : {uint64_t{0}, kMemoryBytes / 2}) {
      const MutableBytes region = memory.at_guest(base, kMemoryBytes / 2);
      if (data >= region.data() && bytes <= region.size() &&
          data - region.data() <= static_cast<ptrdiff_t>(region.size() - bytes)) {
        return true;
      }
    }
    return false;
  }
  GuestMemory memory;
  SplitRing ring;
};

void check_request(const World& world, Chain& chain, const device::Capabilities& can) {
  BlockRequest request;
  if (!take_apart(chain, request).empty()) return;
  CHECK(world.holds(request.status, 1));
  uint64_t bytes = 0;
  for (const Segment& one : chain.segments) {
    CHECK(world.holds(one.data, one.bytes));
    bytes += one.bytes;
  }
  CHECK(bytes == request.data_bytes);
  const BlockVerdict verdict = judge(request, kDeviceBytes, can);
  if (verdict.status != kStatusOk || verdict.answer_id) return;
  const bool reads = verdict.op == device::Op::kRead;
  CHECK(reads || verdict.op == device::Op::kFlush || !can.read_only);
  if (reads || verdict.op == device::Op::kWrite) {
    CHECK(request.data_bytes > 0 && verdict.offset <= kDeviceBytes &&
          request.data_bytes <= kDeviceBytes - verdict.offset);
  } else if (verdict.op != device::Op::kFlush) {
    BlockRanges ranges;
    bool past_end = false;
    if (judge_ranges(chain, request.data_bytes, verdict.op, kDeviceBytes, ranges, past_end) !=
        kStatusOk) {
      return;
    }
    for (uint32_t i = 0; i < ranges.count; ++i) {
      const BlockRange& one = ranges.ranges.at(i);
      CHECK(one.sectors > 0 && one.sector + one.sectors <= kDeviceBytes / kSectorBytes);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const World world;
  if (size < 2) return 0;
  const device::Capabilities can{.read_only = (data[0] & 1) != 0,
                                 .trim = (data[0] & 2) != 0,
                                 .write_zeroes = (data[0] & 4) != 0};
  const bool indirect = (data[0] & 8) != 0;
  const auto head = static_cast<uint16_t>(data[1] % kEntries);
  size -= 2;
  const MutableBytes low = world.memory.at_guest(0, kMemoryBytes / 2);
  std::memset(low.data(), 0, low.size());
  std::memcpy(low.data(), data + 2, std::min(size, low.size()));
  Chain chain;
  if (!walk_chain(world.ring, world.memory, head, indirect, chain).empty()) return 0;
  CHECK(chain.segments.size() <= kSegmentsMax && chain.readable <= chain.segments.size());
  for (const Segment& one : chain.segments) CHECK(world.holds(one.data, one.bytes));
  check_request(world, chain, can);
  return 0;
}
