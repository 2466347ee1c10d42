// fuzz-deps: objstore_drive common_digest common_codec common_base
//
// Records of a drive's index, identity files and blob tails: whatever the bytes, the decoders stay
// inside them. The first byte chooses the decoder; the checksum is put right, so that what lies
// behind it is reached.
#include <cstddef>
#include <cstdint>
#include <string>

#include "common/base/check.h"
#include "common/digest/checksum.h"
#include "objstore/drive/blob_format.h"
#include "objstore/drive/identity.h"
#include "objstore/drive/record_format.h"

namespace {

using namespace strata;

constexpr uint64_t kSequence = 5;

// A log record around the content, with the checksum that belongs to it.
std::string sealed_log(drive::RecordSeed seed, std::string_view content) {
  constexpr uint64_t kLogKind = 4;
  const uint64_t about_key =
      digest::xxh3(as_bytes(drive::encode_log_key(kSequence)), seed.value + kLogKind);
  std::string record(8, '\0');
  store_little(reinterpret_cast<std::byte*>(record.data()),
               digest::xxh3(as_bytes(content), about_key));
  return record + std::string(content);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const drive::RecordSeed seed{42};
  const drive::Id128 id;
  switch (data[0] % 6) {
    case 0: {
      const auto entry = drive::decode_log(seed, kSequence, sealed_log(seed, bytes));
      if (!entry.ok()) break;
      const auto again = drive::decode_log(seed, kSequence, drive::encode_log(seed, *entry));
      CHECK(again.ok() && again->rows == entry->rows && again->blobs == entry->blobs,
            "what decodes can be encoded");
      break;
    }
    case 1:
      static_cast<void>(drive::decode_row(seed, "key", bytes).ok());
      break;
    case 2:
      static_cast<void>(drive::decode_blob(seed, id, bytes).ok());
      break;
    case 3:
      static_cast<void>(
          drive::decode_small(seed, {.id = id, .size_bytes = size, .in_index = true}, bytes).ok());
      break;
    case 4: {
      const auto identity = drive::parse_identity(bytes);
      if (identity.ok()) {
        CHECK(drive::parse_identity(drive::render_identity(*identity)).value() == *identity,
              "an identity has one meaning");
      }
      break;
    }
    default:
      static_cast<void>(drive::check_blob_tail(seed, id, size, as_bytes(bytes)).ok());
      static_cast<void>(drive::check_blob_header(seed, id, as_bytes(bytes)).ok());
  }
  return 0;
}
