// fuzz-deps: blockdev_nbd blockdev_device common_metrics common_ring common_io common_base
// A client that sends anything, in pieces of any size: the handshake ends, answers at most one
// option at a time, consumes no more than it was given, and enters transmission only with an
// export.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "blockdev/device/memory_device.h"
#include "blockdev/nbd/negotiation.h"
#include "common/base/check.h"
#include "tests/support/block_exports.h"

namespace {

using namespace strata;

// Two exports, so that the empty name is none.
struct World {
  World() : device(device::MemoryDevice::create(kMiB).value()) {
    exports.add("disk", *device);
    exports.add("other", *device);
  }
  std::unique_ptr<device::MemoryDevice> device;
  testing::BlockExports exports;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static World world;
  if (size < 1) return 0;
  const size_t piece = 1 + size_t{data[0]} * 8;
  Bytes input(reinterpret_cast<const std::byte*>(data) + 1, size - 1);
  constexpr size_t kAnswerBytesMax = 64 * 1024;
  // Every other session with TLS, which takes no more than the word of it here.
  const bool tls = (data[0] & 1) != 0;
  bool is_protected = false;
  nbd::Negotiation negotiation(world.exports, tls ? nbd::TlsMode::kRequired : nbd::TlsMode::kOff);
  ByteVector out;
  while (!input.empty()) {
    const Bytes now = input.first(std::min(piece, input.size()));
    out.clear();
    const auto step = negotiation.consume(now, out);
    CHECK(step.consumed <= now.size());
    CHECK(out.size() <= kAnswerBytesMax);
    if (step.state == nbd::Negotiation::State::kTransmission) {
      CHECK(negotiation.take_lease() != nullptr);
      CHECK(!tls || is_protected, "an export without TLS");
      const nbd::Session& session = negotiation.session();
      CHECK(session.structured || (!session.extended && !session.allocation));
      return 0;
    }
    if (step.state == nbd::Negotiation::State::kStartTls) {
      CHECK(tls && !is_protected);
      is_protected = true;
      negotiation.tls_started();
    }
    if (step.state == nbd::Negotiation::State::kClosed) return 0;
    CHECK(step.consumed > 0 || !out.empty(), "no progress");
    input = input.subspan(step.consumed);
  }
  return 0;
}
