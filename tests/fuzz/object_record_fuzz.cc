// fuzz-deps: objstore_object common_digest common_codec common_async common_ring common_base
//
// Records of buckets, objects, uploads and parts: whatever the bytes, the decoder stays inside
// them; what decodes has exactly these bytes as its encoding.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/base/check.h"
#include "objstore/object/bucket_record.h"
#include "objstore/object/record_format.h"

namespace {

template <typename Record>
void check_one_form(const strata::Result<Record>& record, std::string_view bytes) {
  if (record.ok()) CHECK(strata::object::encode(*record) == bytes, "a record has one encoding");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 5) {
    case 0:
      check_one_form(strata::object::decode_bucket(bytes), bytes);
      break;
    case 1:
      check_one_form(strata::object::decode_object(bytes), bytes);
      break;
    case 2:
      check_one_form(strata::object::decode_upload(bytes), bytes);
      break;
    case 3:
      check_one_form(strata::object::decode_part(bytes), bytes);
      break;
    default:
      static_cast<void>(
          strata::object::decode_object(bytes, strata::object::ObjectDepth::kSummary).ok());
  }
  return 0;
}
