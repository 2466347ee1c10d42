// fuzz-deps: blockdev_chunks common_io common_digest common_codec common_base
// Whatever the file holds, decoding it ends; what it accepts is what encoding gives again.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "blockdev/chunks/manifest.h"
#include "common/base/check.h"
#include "common/digest/checksum.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  const Bytes file(reinterpret_cast<const std::byte*>(data), size);
  (void)chunks::decode_manifest(file);
  // The same with the checksum that fits, so that the fields behind it are reached.
  ByteVector sealed(file.begin(), file.end());
  const std::string checksum = digest::sha256(sealed);
  const Bytes raw = as_bytes(checksum);
  sealed.insert(sealed.end(), raw.begin(), raw.end());
  const auto decoded = chunks::decode_manifest(sealed);
  if (decoded.ok()) CHECK(chunks::encode_manifest(*decoded) == sealed);
  return 0;
}
