// fuzz-deps: objstore_s3 common_codec common_base
//
// A policy document from anywhere: it is read or refused, and what it allows is decided.
#include <cstdint>
#include <string>

#include "common/codec/text.h"
#include "objstore/s3/post_policy.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)s3::PostPolicy::parse(text).ok();
  const auto policy = s3::PostPolicy::parse(codec::to_base64(text));
  if (!policy.ok()) return 0;
  s3::PostFields fields;
  (void)fields.add("key", "a").ok();
  (void)fields.add("content-type", "image/png,image/gif").ok();
  (void)policy->check(fields, "bucket", "a", io::WallTime()).ok();
  if (policy->size_range()) CHECK(policy->size_range()->bytes_min <= UINT64_MAX);
  return 0;
}
