// CopyObject.
#include <utility>

#include "common/codec/http_date.h"
#include "objstore/access/authorize.h"
#include "objstore/s3/claimed_checksum.h"
#include "objstore/s3/copy_source.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/operations.h"
#include "objstore/s3/request_fields.h"

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
  get.conditions = copy.source_conditions;
  Result<object::OpenObject> source = co_await service.store.head(std::move(get));
  if (!source.ok()) {
    if (source.error().code != Code::kNotModified) co_return std::move(source).error();
    co_return Error(Code::kPreconditionFailed, "A condition on the source does not hold.");
  }
  object::Attributes merged = std::move(source->info.attributes);
  merged.storage_class = std::move(stated.storage_class);
  merged.website_redirect_location = std::move(stated.website_redirect_location);
  copy.attributes = std::move(merged);
  copy.source_conditions.if_match = quoted(source->info.etag);
  co_return Status();
}

Result<object::CopyRequest> copy_request(const VerifiedRequest& request) {
  const http::Fields& fields = request.fields();
  TRY_ASSIGN(CopySource source, parse_copy_source(fields.get("x-amz-copy-source")));
  const access::Decision decision =
      access::authorize(request.caller(), "s3:GetObject", {source.bucket, source.key});
  if (!decision.allowed) {
    return Error(Code::kPermissionDenied, code::kAccessDenied, "Access Denied");
  }
  object::CopyRequest copy;
  copy.source_bucket = std::move(source.bucket);
  copy.source_key = std::move(source.key);
  copy.bucket = request.bucket();
  copy.key = request.key();
  TRY_ASSIGN(copy.source_conditions, copy_source_conditions(fields));
  TRY_ASSIGN(copy.conditions, write_conditions(fields));
  const std::string* algorithm = fields.find("x-amz-checksum-algorithm");
  if (algorithm != nullptr) {
    TRY_ASSIGN(copy.checksum_algorithm, parse_checksum_algorithm(*algorithm));
  }
  return copy;
}

}  // namespace

AnswerTask copy_object(const Call& call) {
  const http::Fields& fields = call.request.fields();
  CO_TRY_ASSIGN(object::CopyRequest copy, copy_request(call.request));
  CO_TRY_ASSIGN(const bool replace, replaces_metadata(fields));
  if (replace) {
    CO_TRY_ASSIGN(copy.attributes, parse_attributes(fields));
  } else if (states_placement(fields)) {
    CO_TRY(co_await merge_attributes(call.service, fields, copy));
  }
  CO_TRY_ASSIGN(const object::ObjectInfo info, co_await call.service.store.copy(std::move(copy)));
  codec::XmlWriter xml = s3_document("CopyObjectResult");
  xml.element("LastModified", codec::format_iso8601(info.modified));
  xml.element("ETag", quoted(info.etag));
  write_checksums(xml, info.checksums, true);
  co_return xml_answer(200, xml.finish());
}

}  // namespace strata::s3
