// fuzz-deps: blockdev_snapshot blockdev_chunks blockdev_volume blockdev_device common_base
//
// Whatever the file of a volume's snapshots holds, decoding it ends; what is accepted is what
// encoding gives again.
#include <cstddef>
#include <cstdint>
#include <string>

#include "blockdev/snapshot/tracking.h"
#include "common/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  const Bytes file(reinterpret_cast<const std::byte*>(data), size);
  const auto decoded = snapshot::decode_tracking(file);
  if (decoded.ok()) CHECK(snapshot::encode_tracking(*decoded) == as_text(file));
  return 0;
}
