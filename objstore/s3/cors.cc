#include "objstore/s3/cors.h"

#include <string>

#include "objstore/s3/errors.h"

namespace strata::s3 {
namespace {

constexpr std::string_view kOrigin = "origin";
constexpr std::string_view kRequestMethod = "access-control-request-method";
constexpr std::string_view kRequestHeaders = "access-control-request-headers";

std::string joined(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) {
    if (!text.empty()) text += ", ";
    text += value;
  }
  return text;
}

Error forbidden(std::string_view why) {
  return {Code::kPermissionDenied, code::kAccessForbidden, "CORSResponse: " + std::string(why)};
}

Error not_allowed() {
  return forbidden(
      "This CORS request is not allowed. This is usually because the evalution of Origin, request "
      "method / Access-Control-Request-Method or Access-Control-Request-Headers are not "
      "whitelisted by the resource's CORS spec.");
}

void add_rule(http::Fields& fields, const settings::CorsRule& rule,
              const settings::CorsRequest& request) {
  const std::string_view origin = settings::allowed_origin(rule, request.origin);
  fields.add("access-control-allow-origin", std::string(origin));
  fields.add("access-control-allow-methods", joined(rule.methods));
  if (!request.headers.empty()) {
    fields.add("access-control-allow-headers", joined(request.headers));
  }
  if (!rule.expose_headers.empty()) {
    fields.add("access-control-expose-headers", joined(rule.expose_headers));
  }
  if (rule.max_age_seconds) {
    fields.add("access-control-max-age", std::to_string(*rule.max_age_seconds));
  }
  if (origin != "*") fields.add("access-control-allow-credentials", "true");
  fields.add("vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
}

Result<settings::CorsRequest> preflight_request(const http::Fields& fields) {
  settings::CorsRequest request;
  request.origin = fields.get(kOrigin);
  if (request.origin.empty()) {
    return Error(Code::kInvalidArgument, code::kBadRequest,
                 "Insufficient information. Origin request header needed.");
  }
  const std::string* method = fields.find(kRequestMethod);
  if (method == nullptr || !settings::is_cors_method(*method)) {
    return Error(Code::kInvalidArgument, code::kBadRequest,
                 "Invalid Access-Control-Request-Method: " +
                     (method == nullptr ? std::string("null") : *method));
  }
  request.method = *method;
  request.headers = settings::split_header_names(fields.get(kRequestHeaders));
  return request;
}

}  // namespace

AnswerTask preflight(Service& service, const ParsedRequest& parsed) {
  CO_TRY_ASSIGN(const settings::CorsRequest request, preflight_request(parsed.fields()));
  if (parsed.bucket().empty()) co_return forbidden("CORS is not enabled for this bucket.");
  Result<object::BucketInfo> bucket = co_await service.store.bucket(parsed.bucket());
  if (!bucket.ok()) {
    if (bucket.error().code != Code::kNotFound) co_return std::move(bucket).error();
    co_return forbidden("Bucket not found");
  }
  const std::shared_ptr<const ParsedSettings> parsed_settings = service.settings->of(*bucket);
  if (!parsed_settings->cors) co_return forbidden("CORS is not enabled for this bucket.");
  const settings::CorsRule* const rule = settings::find_cors_rule(*parsed_settings->cors, request);
  if (rule == nullptr) co_return not_allowed();
  Answer answer = empty_answer(200);
  add_rule(answer.head.fields, *rule, request);
  co_return std::move(answer);
}

async::Task<void> add_cors_fields(Service& service, const ParsedRequest& parsed,
                                  http::Fields& answer) {
  settings::CorsRequest request;
  request.origin = parsed.fields().get(kOrigin);
  // As on S3: who states the method of a preflight is answered about that one.
  const std::string* const stated = parsed.fields().find(kRequestMethod);
  request.method = stated != nullptr ? *stated : parsed.head().method;
  if (request.origin.empty() || parsed.bucket().empty()) co_return;
  request.headers = settings::split_header_names(parsed.fields().get(kRequestHeaders));
  const Result<object::BucketInfo> bucket = co_await service.store.bucket(parsed.bucket());
  if (!bucket.ok()) co_return;
  const std::shared_ptr<const ParsedSettings> parsed_settings = service.settings->of(*bucket);
  if (!parsed_settings->cors) co_return;
  const settings::CorsRule* const rule = settings::find_cors_rule(*parsed_settings->cors, request);
  if (rule != nullptr) add_rule(answer, *rule, request);
}

}  // namespace strata::s3
