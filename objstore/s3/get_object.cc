// GetObject and HeadObject.
#include <utility>

#include "common/codec/http_date.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/operations.h"
#include "objstore/s3/request_fields.h"

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
  fields.add("etag", quoted(info.etag));
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
  TRY_ASSIGN(get.conditions, read_conditions(request.fields()));
  const std::string* range = request.fields().find("range");
  // A server may ignore any Range, and with If-Range the client is ready for the whole.
  if (range != nullptr && request.fields().find("if-range") == nullptr) {
    get.range = parse_range(*range);
  }
  if (request.query().has("partNumber")) {
    if (range != nullptr) {
      return Error(Code::kInvalidArgument, code::kInvalidRequest,
                   "Cannot specify both Range header and partNumber query parameter");
    }
    TRY_ASSIGN(const uint64_t number,
               number_parameter(request.query(), "partNumber", 0, object::kPartNumberMax + 1));
    if (number == 0 || number > object::kPartNumberMax) {
      return Error(Code::kInvalidArgument, code::kInvalidArgument,
                   "Part number must be an integer between 1 and 10000, inclusive");
    }
    get.part_number = static_cast<uint32_t>(number);
  }
  return get;
}

Result<Answer> answer_for(const VerifiedRequest& request, const object::OpenObject& open) {
  const object::ObjectInfo& info = open.info;
  const bool partial = open.partial && info.size_bytes > 0;
  Answer answer = empty_answer(partial ? 206 : 200);
  http::Fields& fields = answer.head.fields;
  add_validators(fields, info);
  fields.add("accept-ranges", "bytes");
  add_attributes(fields, info.attributes);
  if (partial) {
    fields.add("content-range", "bytes " + std::to_string(open.first) + "-" +
                                    std::to_string(open.first + open.length - 1) + "/" +
                                    std::to_string(info.size_bytes));
  }
  if (request.query().has("partNumber") && info.parts > 0) {
    fields.add("x-amz-mp-parts-count", std::to_string(info.parts));
  }
  // A checksum of the whole says nothing about a part of it.
  if (request.fields().get("x-amz-checksum-mode") == "ENABLED" && open.length == info.size_bytes) {
    add_checksum_fields(fields, info.checksums);
  }
  TRY(apply_overrides(request, fields));
  answer.length = open.length;
  return answer;
}

// A 304 repeats the validators (RFC 9110 section 15.4.5).
AnswerTask not_modified(Service& service, const VerifiedRequest& request) {
  object::GetRequest plain;
  plain.bucket = request.bucket();
  plain.key = request.key();
  CO_TRY_ASSIGN(const object::OpenObject open, co_await service.store.head(std::move(plain)));
  Answer answer = empty_answer(304);
  add_validators(answer.head.fields, open.info);
  co_return std::move(answer);
}

AnswerTask answer_error(Service& service, const VerifiedRequest& request, Error error) {
  if (error.code != Code::kNotModified) co_return std::move(error);
  Result<Answer> answer = co_await not_modified(service, request);
  co_return std::move(answer);
}

}  // namespace

AnswerTask get_object(const Call& call) {
  CO_TRY_ASSIGN(object::GetRequest get, get_request(call.request));
  Result<object::OpenObject> open = co_await call.service.store.get(std::move(get));
  if (!open.ok()) {
    Error error = std::move(open).error();
    Result<Answer> answer = co_await answer_error(call.service, call.request, std::move(error));
    co_return std::move(answer);
  }
  CO_TRY_ASSIGN(Answer answer, answer_for(call.request, *open));
  answer.stream = std::move(open->body);
  co_return std::move(answer);
}

AnswerTask head_object(const Call& call) {
  CO_TRY_ASSIGN(object::GetRequest get, get_request(call.request));
  Result<object::OpenObject> open = co_await call.service.store.head(std::move(get));
  if (!open.ok()) {
    Error error = std::move(open).error();
    Result<Answer> answer = co_await answer_error(call.service, call.request, std::move(error));
    co_return std::move(answer);
  }
  co_return answer_for(call.request, *open);
}

}  // namespace strata::s3
