// UploadPartCopy.
#include <utility>

#include "common/codec/http_date.h"
#include "objstore/s3/copy_source.h"
#include "objstore/s3/encryption_fields.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/operations.h"
#include "objstore/s3/permission.h"
#include "objstore/s3/request_fields.h"
#include "objstore/s3/versions.h"

namespace strata::s3 {

namespace {

// Only this one form; anything else is an error, not ignored as in a read.
Result<object::ByteRange> parse_copy_range(std::string_view field) {
  const std::optional<object::ByteRange> range = parse_range(field);
  if (field.starts_with("bytes=") && range && range->first && range->last) return *range;
  return Error(Code::kInvalidArgument, code::kInvalidArgument,
               "The x-amz-copy-source-range value must be of the form bytes=first-last where first "
               "and last are the zero-based offsets of the first and last bytes to copy");
}

Result<object::CopyPartRequest> copy_part_request(const Call& call, CopySource source) {
  const http::Fields& fields = call.request.fields();
  object::CopyPartRequest copy;
  copy.source_bucket = std::move(source.bucket);
  copy.source_key = std::move(source.key);
  copy.source_version_id = std::move(source.version_id);
  TRY_ASSIGN(copy.source_conditions, copy_source_conditions(fields));
  const std::string* range = fields.find("x-amz-copy-source-range");
  if (range != nullptr) {
    TRY_ASSIGN(copy.range, parse_copy_range(*range));
  }
  TRY_ASSIGN(copy.source_customer_key, customer_key(fields, KeyOf::kCopySource));
  TRY_ASSIGN(copy.customer_key, customer_key(fields));
  copy.bucket = call.request.bucket();
  copy.key = call.request.key();
  copy.upload_id = call.request.query().get("uploadId");
  TRY_ASSIGN(copy.part_number, part_number_parameter(call.request.query()));
  return copy;
}

}  // namespace

AnswerTask upload_part_copy(const Call& call) {
  CO_TRY_ASSIGN(CopySource source,
                parse_copy_source(call.request.fields().get("x-amz-copy-source")));
  CO_TRY_ASSIGN(const BucketRules source_rules, co_await require_source(call, source));
  CO_TRY_ASSIGN(object::CopyPartRequest copy, copy_part_request(call, std::move(source)));
  const std::string source_bucket = copy.source_bucket;
  Result<object::CopyPartResult> done = co_await call.service.store.copy_part(std::move(copy));
  if (!done.ok()) co_return source_error(call, source_rules, std::move(done).error());
  codec::XmlWriter xml = s3_document("CopyPartResult");
  xml.element("LastModified", codec::format_iso8601(done->part.modified));
  xml.element("ETag", quoted_etag(done->part.etag));
  write_checksums(xml, done->part.checksums, false);
  Answer answer = xml_answer(200, xml.finish());
  add_encryption_fields(answer.head.fields, done->part.extras, false);
  CO_TRY(co_await add_version_field(call, source_bucket, done->source_version_id,
                                    "x-amz-copy-source-version-id", answer));
  co_return std::move(answer);
}

}  // namespace strata::s3
