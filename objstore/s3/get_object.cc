// GetObject and HeadObject.
#include <utility>

#include "common/codec/http_date.h"
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

constexpr std::string_view kDefaultContentType = "binary/octet-stream";

struct Override {
  std::string_view parameter;
  std::string_view field;
};
constexpr Override kOverrides[] = {
    {"response-content-type", "content-type"},
    {"response-content-language", "content-language"},
    {"response-expires", "expires"},
    {"response-cache-control", "cache-control"},
    {"response-content-disposition", "content-disposition"},
    {"response-content-encoding", "content-encoding"},
};

// What the URL wants said instead of what is kept. Only a signed request may: an unsigned link
// could make the bucket's name vouch for anything.
Status apply_overrides(const VerifiedRequest& request, http::Fields& fields) {
  for (const Override& entry : kOverrides) {
    const std::string* value = request.query().find(entry.parameter);
    if (value == nullptr) continue;
    if (request.caller().kind == access::CallerKind::kAnonymous) {
      return Error(Code::kInvalidArgument, code::kInvalidRequest,
                   "Request specific response headers cannot be used for anonymous GET requests.");
    }
    for (const char c : *value) {
      const auto byte = static_cast<unsigned char>(c);
      if ((byte < 0x20 && c != '\t') || byte == 0x7f) {
        return Error(Code::kInvalidArgument, code::kInvalidArgument,
                     "Header value cannot be represented: it holds a control character.");
      }
    }
    fields.set(entry.field, *value);
  }
  return {};
}

void add_validators(http::Fields& fields, const object::ObjectInfo& info) {
  fields.add("last-modified", codec::format_http_date(info.modified));
  fields.add("etag", quoted_etag(info.etag));
}

void add_if_set(http::Fields& fields, const char* name, const std::string& value) {
  if (!value.empty()) fields.add(name, value);
}

void add_attributes(http::Fields& fields, const object::Attributes& attributes) {
  fields.add("content-type", attributes.content_type.empty() ? std::string(kDefaultContentType)
                                                             : attributes.content_type);
  add_if_set(fields, "content-encoding", attributes.content_encoding);
  add_if_set(fields, "content-language", attributes.content_language);
  add_if_set(fields, "content-disposition", attributes.content_disposition);
  add_if_set(fields, "cache-control", attributes.cache_control);
  add_if_set(fields, "expires", attributes.expires);
  add_if_set(fields, "x-amz-website-redirect-location", attributes.website_redirect_location);
  add_if_set(fields, "x-amz-storage-class", attributes.storage_class);
  for (const auto& [name, value] : attributes.user_metadata) {
    fields.add("x-amz-meta-" + name, value);
  }
}

Result<object::GetRequest> get_request(const VerifiedRequest& request) {
  object::GetRequest get;
  get.bucket = request.bucket();
  get.key = request.key();
  TRY_ASSIGN(get.version_id, version_parameter(request.query()));
  TRY_ASSIGN(get.conditions, read_conditions(request.fields()));
  TRY(check_read_encryption(request.fields()));
  TRY_ASSIGN(get.customer_key, customer_key(request.fields()));
  const std::string* range = request.fields().find("range");
  if (range != nullptr) get.range = parse_range(*range);
  const std::string* if_range = request.fields().find("if-range");
  if (get.range && if_range != nullptr) get.if_range = parse_if_range(*if_range);
  if (request.query().has("partNumber")) {
    if (range != nullptr) {
      return Error(Code::kInvalidArgument, code::kInvalidRequest,
                   "Cannot specify both Range header and partNumber query parameter");
    }
    TRY_ASSIGN(get.part_number, part_number_parameter(request.query()));
  }
  return get;
}

// Tags, retention and legal hold are told to those who may ask for them.
void add_extras(const Call& call, const object::Extras& extras, http::Fields& fields) {
  const std::string& bucket = call.request.bucket();
  const std::string& key = call.request.key();
  if (!extras.tags.empty() && may(call, "s3:GetObjectTagging", bucket, key, &extras)) {
    fields.add("x-amz-tagging-count", std::to_string(extras.tags.size()));
  }
  if (extras.retention && may(call, "s3:GetObjectRetention", bucket, key, &extras)) {
    fields.add("x-amz-object-lock-mode", std::string(retention_mode_text(extras.retention->mode)));
    fields.add("x-amz-object-lock-retain-until-date",
               codec::format_iso8601(extras.retention->until));
  }
  if (extras.legal_hold && may(call, "s3:GetObjectLegalHold", bucket, key, &extras)) {
    fields.add("x-amz-object-lock-legal-hold", *extras.legal_hold ? "ON" : "OFF");
  }
}

Result<Answer> answer_for(const Call& call, const object::OpenObject& open) {
  const VerifiedRequest& request = call.request;
  const object::ObjectInfo& info = open.info;
  const bool partial = open.partial && info.size_bytes > 0;
  Answer answer = empty_answer(partial ? 206 : 200);
  http::Fields& fields = answer.head.fields;
  add_validators(fields, info);
  fields.add("accept-ranges", "bytes");
  add_attributes(fields, info.attributes);
  add_extras(call, info.extras, fields);
  add_encryption_fields(fields, info.extras, false);
  if (partial) {
    fields.add("content-range", "bytes " + std::to_string(open.first) + "-" +
                                    std::to_string(open.first + open.length - 1) + "/" +
                                    std::to_string(info.size_bytes));
  }
  if (request.query().has("partNumber") && info.parts > 0) {
    fields.add("x-amz-mp-parts-count", std::to_string(info.parts));
  }
  // A checksum of the whole says nothing about a part of it.
  if (request.fields().get("x-amz-checksum-mode") == "ENABLED") {
    if (open.part_checksum) {
      add_checksum_fields(fields, {*open.part_checksum});
    } else if (open.length == info.size_bytes) {
      add_checksum_fields(fields, info.checksums);
    }
  }
  TRY(apply_overrides(request, fields));
  answer.length = open.length;
  return answer;
}

// A 304 repeats the validators (RFC 9110 section 15.4.5).
AnswerTask not_modified(const Call& call, object::VersionName name) {
  const std::string bucket = name.bucket;
  CO_TRY_ASSIGN(const object::ObjectInfo info,
                co_await call.service.store.describe(std::move(name)));
  Answer answer = empty_answer(304);
  add_validators(answer.head.fields, info);
  CO_TRY(co_await add_version_field(call, bucket, info.version_id, "x-amz-version-id", answer));
  co_return std::move(answer);
}

// A 416 tells how long the object is (RFC 9110 section 15.5.17).
AnswerTask no_such_range(const Call& call, object::VersionName name, Error error) {
  const Result<object::ObjectInfo> info = co_await call.service.store.describe(std::move(name));
  if (!info.ok()) co_return std::move(error);
  Answer answer = empty_answer(0);
  answer.head.fields.add("content-range", "bytes */" + std::to_string(info->size_bytes));
  answer.error = std::move(error);
  co_return std::move(answer);
}

AnswerTask answer_error(const Call& call, Error error) {
  CO_TRY_ASSIGN(object::VersionName name, named_version(call.request));
  if (error.code == Code::kNotModified) {
    Result<Answer> unchanged = co_await not_modified(call, std::move(name));
    co_return std::move(unchanged);
  }
  if (error.reason == object::reason::kInvalidRange) {
    Result<Answer> beyond = co_await no_such_range(call, std::move(name), std::move(error));
    co_return std::move(beyond);
  }
  Result<Answer> answer = co_await explain_missing(call, std::move(name), std::move(error));
  co_return std::move(answer);
}

// An open version, with or without its bytes.
AnswerTask answer_open(const Call& call, Result<object::OpenObject> open) {
  if (!open.ok()) {
    Error error = std::move(open).error();
    Result<Answer> answer = co_await answer_error(call, std::move(error));
    co_return std::move(answer);
  }
  CO_TRY_ASSIGN(Answer answer, answer_for(call, *open));
  // Of a current version: an older one has no date of its own.
  if (!call.request.query().has("versionId")) {
    CO_TRY(co_await add_expiration_field(call, open->info, answer));
  }
  CO_TRY(co_await add_version_field(call, call.request.bucket(), open->info.version_id,
                                    "x-amz-version-id", answer));
  answer.stream = std::move(open->body);
  co_return std::move(answer);
}

}  // namespace

AnswerTask get_object(const Call& call) {
  CO_TRY_ASSIGN(object::GetRequest get, get_request(call.request));
  Result<object::OpenObject> open = co_await call.service.store.get(std::move(get));
  Result<Answer> answer = co_await answer_open(call, std::move(open));
  co_return std::move(answer);
}

AnswerTask head_object(const Call& call) {
  CO_TRY_ASSIGN(object::GetRequest get, get_request(call.request));
  Result<object::OpenObject> open = co_await call.service.store.head(std::move(get));
  Result<Answer> answer = co_await answer_open(call, std::move(open));
  co_return std::move(answer);
}

}  // namespace strata::s3
