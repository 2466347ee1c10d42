// fuzz-deps: blockdev_volume blockdev_layers blockdev_device common_metrics common_digest
// common_ring common_io common_base Whatever the file holds, decoding it ends; what it accepts is
// what encoding gives again.
#include <cstddef>
#include <cstdint>

#include "blockdev/volume/catalog.h"
#include "blockdev/volume/metadata.h"
#include "common/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  const Bytes file(reinterpret_cast<const std::byte*>(data), size);
  const auto decoded = volume::decode_metadata(file);
  if (decoded.ok()) {
    CHECK(volume::check_volume_name(decoded->name).ok());
    CHECK(volume::check_volume_size(decoded->size_bytes).ok());
    // Version 1 is read and never written.
    const std::string written = volume::encode_metadata(*decoded);
    if (!as_text(file).starts_with("strata-volume 1")) CHECK(written == as_text(file));
    CHECK(volume::decode_metadata(as_bytes(written)).ok());
  }
  return 0;
}
