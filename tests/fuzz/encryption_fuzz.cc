// fuzz-deps: objstore_encryption common_crypto common_async common_ring common_io common_digest
// common_codec common_base The key file and the envelope of an object: what decodes is what its
// writer writes.
#include <cstddef>
#include <cstdint>

#include "objstore/encryption/envelope.h"
#include "objstore/encryption/key_ring.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto envelope = encryption::decode_envelope(text); envelope.ok()) {
    CHECK(encryption::encode(*envelope) == text);
  }
  if (const auto keys = encryption::parse_keys(text); keys.ok()) {
    CHECK(keys->size() <= encryption::kKeysMax);
    CHECK(encryption::parse_keys(encryption::render_keys(*keys)).ok());
  }
  return 0;
}
