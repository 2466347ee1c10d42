// fuzz-deps: blockdev_snapshot blockdev_chunks blockdev_volume blockdev_device common_worker
// common_ring common_io common_codec common_digest common_base Whatever the files of a volume's
// snapshots hold, decoding them ends; what is accepted is what encoding gives again.
#include <cstddef>
#include <cstdint>
#include <string>

#include "blockdev/snapshot/bitmap_file.h"
#include "blockdev/snapshot/tracking.h"
#include "common/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  const Bytes file(reinterpret_cast<const std::byte*>(data), size);
  const auto decoded = snapshot::decode_tracking(file);
  if (decoded.ok()) CHECK(snapshot::encode_tracking(*decoded) == as_text(file));
  const auto bits = snapshot::Bitmap::create();
  CHECK(bits.ok());
  const snapshot::BitmapIdentity identity{snapshot::BitmapKind::kChanges, std::string(32, 'a'), 1};
  (void)snapshot::decode_bitmap_page(file, identity, 0, **bits);
  return 0;
}
