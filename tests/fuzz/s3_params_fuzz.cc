// fuzz-deps: objstore_s3 common_base
// Everything that is parsed of a request before its signature is known: target, query, ranges,
// conditions, copy source, checksums. First line: method; second: target; third: a header value.
#include <cstddef>
#include <cstdint>
#include <string>

#include "objstore/s3/claimed_checksum.h"
#include "objstore/s3/copy_source.h"
#include "objstore/s3/encryption_fields.h"
#include "objstore/s3/listing_parameters.h"
#include "objstore/s3/object_extras.h"
#include "objstore/s3/request_fields.h"
#include "objstore/s3/route.h"

namespace {

std::string take_line(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string line(text.substr(0, end));
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  http::RequestHead head;
  head.method = take_line(text);
  head.target = take_line(text);
  const std::string value = take_line(text);
  const size_t question = head.target.find('?');
  head.path = head.target.substr(0, question);
  if (question != std::string::npos) head.query = head.target.substr(question + 1);
  for (const char* name : {"host", "range", "x-amz-checksum-crc32", "x-amz-trailer", "content-md5",
                           "if-match", "if-modified-since", "x-amz-storage-class",
                           "content-encoding", "x-amz-server-side-encryption-customer-key",
                           "x-amz-server-side-encryption-customer-key-md5"}) {
    head.fields.add(name, value);
  }
  head.fields.add("x-amz-server-side-encryption-customer-algorithm", "AES256");
  const std::vector<std::string> domains = {"s3.example.com"};
  const auto parsed = s3::ParsedRequest::parse(head, domains);
  if (parsed.ok()) {
    CHECK(parsed->key().find('\0') == std::string::npos);
    const auto row = s3::route(*parsed);
    if (row.ok()) {
      CHECK(*row != nullptr && (*row)->level == parsed->level());
      (void)s3::check_supported(parsed->fields(), **row, "1").ok();
    }
    (void)s3::number_parameter(parsed->query(), "max-keys", 1000, 1000).ok();
    (void)s3::NameEncoding::parse(parsed->query()).ok();
    (void)s3::parse_claimed_checksum(parsed->fields()).ok();
    (void)s3::parse_content_md5(parsed->fields()).ok();
    (void)s3::parse_attributes(parsed->fields()).ok();
    (void)s3::customer_key(parsed->fields()).ok();
    (void)s3::read_conditions(parsed->fields()).ok();
    (void)s3::write_conditions(parsed->fields()).ok();
  }
  const auto tags = s3::parse_tagging_field(value);
  if (tags.ok()) CHECK(tags->size() <= object::kObjectTagsMax);
  (void)s3::parse_if_range(value);
  (void)s3::parse_condition_time(value).ok();
  const auto range = s3::parse_range(value);
  if (range) CHECK(range->first.has_value() != range->suffix.has_value());
  const auto source = s3::parse_copy_source(value);
  if (source.ok()) CHECK(!source->bucket.empty() && !source->key.empty());
  const auto token = s3::decode_token(value);
  if (token.ok()) CHECK(*s3::decode_token(s3::encode_token(*token)) == *token);
  return 0;
}
