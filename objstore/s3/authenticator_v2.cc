// Signature Version 2, in the Authorization header and in URLs.
#include <vector>

#include "common/base/parse.h"
#include "common/codec/http_date.h"
#include "common/sigv4/version2.h"
#include "objstore/s3/authentication_errors.h"
#include "objstore/s3/authenticator.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/operation.h"

namespace strata::s3 {

namespace {

struct V2Claim {
  sigv4::V2Authorization authorization;
  std::string date;  // as it is signed
};

Error bad_query(std::string message) {
  return {Code::kPermissionDenied, sigv4::kReasonV2QueryMalformed, std::move(message)};
}

std::optional<sigv4::Time> any_date(std::string_view text) {
  const auto date = codec::parse_http_date(text);
  return date ? date : codec::parse_iso8601_basic(text);
}

Result<V2Claim> v2_header_claim(const http::Fields& fields, sigv4::Time now) {
  if (fields.count("authorization") != 1) return one_mechanism_only();
  V2Claim claim;
  TRY_ASSIGN(claim.authorization, sigv4::parse_v2_authorization(fields.get("authorization")));
  // The newer header replaces the older one, in time and in the signature.
  const std::string* amz_date = fields.find("x-amz-date");
  if (amz_date == nullptr) claim.date = fields.get("date");
  const auto signed_at = any_date(amz_date != nullptr ? *amz_date : claim.date);
  if (!signed_at) return no_date();
  TRY(sigv4::check_clock_skew(*signed_at, now));
  return claim;
}

Result<V2Claim> v2_query_claim(const Query& query, sigv4::Time now) {
  const std::string* access_key = query.find("AWSAccessKeyId");
  const std::string* signature = query.find("Signature");
  const std::string* expires = query.find("Expires");
  if (access_key == nullptr || signature == nullptr || expires == nullptr) {
    return bad_query(
        "Query-string authentication requires the Signature, Expires and AWSAccessKeyId "
        "parameters");
  }
  const auto seconds = parse_u64(*expires);
  // A time beyond what the clock can count has not come either, but is no date.
  constexpr uint64_t kSecondsMax = 253'402'300'799;  // the year 9999
  if (!seconds || *seconds > kSecondsMax) {
    return bad_query("Invalid date (should be seconds since epoch): " + *expires);
  }
  if (now > sigv4::Time(std::chrono::seconds(*seconds))) {
    return Error(Code::kPermissionDenied, sigv4::kReasonExpired, "Request has expired");
  }
  return V2Claim{{*access_key, *signature}, *expires};
}

// The headers, with what the query says in place of headers.
std::vector<std::pair<std::string, std::string>> headers_of(const ParsedRequest& request) {
  static constexpr std::string_view kAmz = "x-amz-";
  std::vector<std::pair<std::string, std::string>> headers = request.head().fields.all();
  for (const QueryParameter& parameter : request.query().all()) {
    if (!ascii_iequals(std::string_view(parameter.name).substr(0, kAmz.size()), kAmz)) continue;
    headers.emplace_back(ascii_lower(parameter.name), parameter.value);
  }
  return headers;
}

// A subresource that the signature does not cover could be added by anyone who has the URL.
Status check_subresources(const Query& query) {
  for (const QueryParameter& parameter : query.all()) {
    if (!is_selector(parameter.name) || parameter.name == "list-type") continue;
    if (sigv4::is_v2_signed_parameter(parameter.name)) continue;
    return Error(Code::kPermissionDenied, code::kAccessDenied,
                 "Signature Version 2 does not cover the subresource " + parameter.name +
                     ". Please use AWS4-HMAC-SHA256.");
  }
  return {};
}

bool signature_holds(const ParsedRequest& request, const V2Claim& claim, bool in_query,
                     std::string_view secret) {
  const http::RequestHead& head = request.head();
  const auto header_or_query = [&](std::string_view name) {
    const std::string* value = head.fields.find(name);
    if (value != nullptr) return std::string_view(*value);
    return in_query ? request.query().get(name) : std::string_view();
  };
  const auto headers = headers_of(request);
  std::vector<sigv4::V2Parameter> query;
  for (const QueryParameter& one : request.query().all()) {
    query.push_back({one.name, one.value, one.has_value});
  }
  sigv4::V2Request canonical;
  canonical.method = head.method;
  canonical.content_md5 = header_or_query("content-md5");
  canonical.content_type = header_or_query("content-type");
  canonical.date = claim.date;
  canonical.headers = headers;
  if (request.virtual_host()) canonical.bucket = request.bucket();
  canonical.path = head.path;
  canonical.query = query;
  bool holds = false;
  for (const bool empty_as_bare : {false, true}) {
    const std::string expected =
        sigv4::v2_sign(secret, sigv4::v2_string_to_sign(canonical, empty_as_bare));
    holds |= sigv4::signatures_equal(expected, claim.authorization.signature);
  }
  return holds;
}

}  // namespace

Result<VerifiedRequest> Authenticator::verify_v2(ParsedRequest request, Mechanism mechanism) const {
  const bool in_query = mechanism == Mechanism::kQueryV2;
  const sigv4::Time now = clock_.wall_now();
  TRY_ASSIGN(const V2Claim claim, in_query ? v2_query_claim(request.query(), now)
                                           : v2_header_claim(request.head().fields, now));
  TRY(check_subresources(request.query()));
  const std::string* token = request.head().fields.find("x-amz-security-token");
  if (token == nullptr) token = request.query().find("x-amz-security-token");
  TRY_ASSIGN(const std::shared_ptr<const access::Credential> owner,
             known(claim.authorization.access_key, token));
  if (!signature_holds(request, claim, in_query, owner->secret)) {
    return signature_does_not_match();
  }
  VerifiedRequest verified(std::move(request));
  verified.mechanism_ = mechanism;
  verified.caller_ = owner->caller;
  const std::string* hash = verified.head().fields.find("x-amz-content-sha256");
  if (hash != nullptr) {
    TRY_ASSIGN(verified.payload_, sigv4::parse_content_sha256(*hash));
  }
  if (verified.payload_.kind == sigv4::PayloadKind::kStreamingSigned ||
      verified.payload_.kind == sigv4::PayloadKind::kStreamingSignedTrailer) {
    return no_signature_to_continue();
  }
  return verified;
}

}  // namespace strata::s3
