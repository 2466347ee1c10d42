// CopyObject.
#include <utility>

#include "common/codec/http_date.h"
#include "objstore/s3/claimed_checksum.h"
#include "objstore/s3/copy_source.h"
#include "objstore/s3/encryption_fields.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/expiration_field.h"
#include "objstore/s3/object_extras.h"
#include "objstore/s3/operations.h"
#include "objstore/s3/permission.h"
#include "objstore/s3/request_fields.h"
#include "objstore/s3/versions.h"

namespace strata::s3 {

namespace {

// Whether the copy gets the request's description (REPLACE) or its source's (COPY).
Result<bool> replaces_metadata(const http::Fields& fields) {
  const std::string_view directive = fields.get("x-amz-metadata-directive");
  if (directive.empty() || directive == "COPY") return false;
  if (directive == "REPLACE") return true;
  return Error(Code::kInvalidArgument, code::kInvalidArgument, "Unknown metadata directive.");
}

// Storage class and redirect belong to the request even where the rest is the source's.
bool states_placement(const http::Fields& fields) {
  return fields.find("x-amz-storage-class") != nullptr ||
         fields.find("x-amz-website-redirect-location") != nullptr;
}

// The source's description with the request's storage class and redirect. The source is then read
// under If-Match, so that description and bytes are of one version.
async::Task<Status> merge_attributes(Service& service, const http::Fields& fields,
                                     object::CopyRequest& copy) {
  CO_TRY_ASSIGN(object::Attributes stated, parse_attributes(fields));
  object::GetRequest get;
  get.bucket = copy.source_bucket;
  get.key = copy.source_key;
  get.version_id = copy.source_version_id;
  get.conditions = copy.source_conditions;
  get.customer_key = copy.source_customer_key;
  Result<object::OpenObject> source = co_await service.store.head(std::move(get));
  if (!source.ok()) {
    if (source.error().code != Code::kNotModified) co_return std::move(source).error();
    co_return Error(Code::kPreconditionFailed, "A condition on the source does not hold.");
  }
  object::Attributes merged = std::move(source->info.attributes);
  merged.storage_class = std::move(stated.storage_class);
  merged.website_redirect_location = std::move(stated.website_redirect_location);
  copy.attributes = std::move(merged);
  copy.source_conditions.if_match = quoted_etag(source->info.etag);
  co_return Status();
}

// Whether the copy gets the request's tags (REPLACE) or its source's (COPY).
Result<bool> replaces_tags(const http::Fields& fields) {
  const std::string_view directive = fields.get("x-amz-tagging-directive");
  if (directive == "REPLACE") return true;
  if (directive.empty() || directive == "COPY") return false;
  return Error(Code::kInvalidArgument, code::kInvalidArgument, "Unknown tagging directive.");
}

Result<object::CopyRequest> copy_request(const Call& call, CopySource source) {
  const http::Fields& fields = call.request.fields();
  object::CopyRequest copy;
  copy.source_bucket = std::move(source.bucket);
  copy.source_key = std::move(source.key);
  copy.source_version_id = std::move(source.version_id);
  copy.bucket = call.request.bucket();
  copy.key = call.request.key();
  TRY_ASSIGN(copy.extras, parse_extras(call));
  TRY_ASSIGN(copy.replace_tags, replaces_tags(fields));
  TRY_ASSIGN(copy.source_conditions, copy_source_conditions(fields));
  TRY_ASSIGN(copy.conditions, write_conditions(fields));
  TRY(require_match(call, copy.conditions, copy.key));
  TRY_ASSIGN(copy.source_customer_key, customer_key(fields, KeyOf::kCopySource));
  const std::string* algorithm = fields.find("x-amz-checksum-algorithm");
  if (algorithm != nullptr) {
    TRY_ASSIGN(copy.checksum_algorithm, parse_checksum_algorithm(*algorithm));
  }
  return copy;
}

}  // namespace

AnswerTask copy_object(const Call& call) {
  const http::Fields& fields = call.request.fields();
  CO_TRY_ASSIGN(CopySource source, parse_copy_source(fields.get("x-amz-copy-source")));
  CO_TRY_ASSIGN(const BucketRules source_rules, co_await require_source(call, source));
  CO_TRY_ASSIGN(const bool may_copy_tags, co_await s3::may_copy_tags(call, source, source_rules));
  CO_TRY_ASSIGN(object::CopyRequest copy, copy_request(call, std::move(source)));
  copy.may_copy_tags = may_copy_tags;
  CO_TRY_ASSIGN(copy.encryption, co_await write_encryption(call));
  CO_TRY_ASSIGN(const bool replace, replaces_metadata(fields));
  if (replace) {
    CO_TRY_ASSIGN(copy.attributes, parse_attributes(fields));
  } else if (states_placement(fields)) {
    Status merged = co_await merge_attributes(call.service, fields, copy);
    if (!merged.ok()) co_return source_error(call, source_rules, std::move(merged).error());
  }
  const std::string source_bucket = copy.source_bucket;
  Result<object::CopyResult> copied = co_await call.service.store.copy(std::move(copy));
  if (!copied.ok()) co_return source_error(call, source_rules, std::move(copied).error());
  const object::ObjectInfo& info = copied->info;
  codec::XmlWriter xml = s3_document("CopyObjectResult");
  xml.element("LastModified", codec::format_iso8601(info.modified));
  xml.element("ETag", quoted_etag(info.etag));
  write_checksums(xml, info.checksums, true);
  Answer answer = xml_answer(200, xml.finish());
  add_encryption_fields(answer.head.fields, info.extras, true);
  CO_TRY(co_await add_expiration_field(call, info, answer));
  CO_TRY(co_await add_version_field(call, call.request.bucket(), info.version_id,
                                    "x-amz-version-id", answer));
  CO_TRY(co_await add_version_field(call, source_bucket, copied->source_version_id,
                                    "x-amz-copy-source-version-id", answer));
  co_return std::move(answer);
}

}  // namespace strata::s3
