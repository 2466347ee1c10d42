#include "common/sigv4/client.h"

#include <algorithm>

#include "common/codec/http_date.h"
#include "common/codec/text.h"
#include "common/sigv4/canonical.h"
#include "common/sigv4/signing_key.h"

namespace strata::sigv4 {
namespace {

std::vector<std::string> sorted_names(const ClientRequest& request) {
  std::vector<std::string> names;
  names.reserve(request.headers.size());
  for (const auto& field : request.headers) names.push_back(field.first);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    if (!text.empty()) text += ';';
    text += name;
  }
  return text;
}

Scope make_scope(std::string_view amz_date, std::string_view region, std::string_view service) {
  return {.date = std::string(amz_date.substr(0, 8)),
          .region = std::string(region),
          .service = std::string(service)};
}

Result<std::string> request_signature(const ClientRequest& request, std::string_view query,
                                      const std::vector<std::string>& names,
                                      std::string_view payload_hash, std::string_view secret,
                                      std::string_view amz_date, const Scope& scope) {
  const RequestView view{
      .method = request.method, .path = request.path, .query = query, .headers = request.headers};
  TRY_ASSIGN(const std::string canonical, canonical_request(view, names, payload_hash));
  return sign(derive_signing_key(secret, scope), string_to_sign(amz_date, scope, canonical));
}

}  // namespace

Result<std::string> sign_request(ClientRequest& request, const Keys& keys, std::string_view region,
                                 Time now, std::string_view payload_hash,
                                 std::string_view service) {
  const std::string amz_date = codec::format_iso8601_basic(now);
  request.headers.emplace_back("x-amz-date", amz_date);
  request.headers.emplace_back("x-amz-content-sha256", payload_hash);
  if (!keys.session_token.empty()) {
    request.headers.emplace_back("x-amz-security-token", keys.session_token);
  }
  const Credential credential{.access_key = keys.access_key,
                              .scope = make_scope(amz_date, region, service)};
  const std::vector<std::string> names = sorted_names(request);
  TRY_ASSIGN(std::string signature, request_signature(request, request.query, names, payload_hash,
                                                      keys.secret, amz_date, credential.scope));
  request.headers.emplace_back("authorization",
                               std::string(kAlgorithm) + " Credential=" + credential.to_string() +
                                   ",SignedHeaders=" + join(names) + ",Signature=" + signature);
  return signature;
}

Result<std::string> presign_query(const ClientRequest& request, const Keys& keys,
                                  std::string_view region, Time now, std::chrono::seconds validity,
                                  std::string_view service) {
  if (validity < std::chrono::seconds(1) || validity > kPresignedValidityMax) {
    return Error(Code::kInvalidArgument, kReasonQueryMalformed,
                 "a presigned URL must be valid for 1 second to 7 days");
  }
  const std::string amz_date = codec::format_iso8601_basic(now);
  const Credential credential{.access_key = keys.access_key,
                              .scope = make_scope(amz_date, region, service)};
  const std::vector<std::string> names = sorted_names(request);
  std::string query = request.query;
  const auto add = [&query](std::string_view name, std::string_view value) {
    if (!query.empty()) query += '&';
    query.append(name).append("=").append(codec::uri_encode(value, true));
  };
  add("X-Amz-Algorithm", kAlgorithm);
  add("X-Amz-Credential", credential.to_string());
  add("X-Amz-Date", amz_date);
  add("X-Amz-Expires", std::to_string(validity.count()));
  add("X-Amz-SignedHeaders", join(names));
  if (!keys.session_token.empty()) add("X-Amz-Security-Token", keys.session_token);
  TRY_ASSIGN(const std::string signature,
             request_signature(request, query, names, kUnsignedPayload, keys.secret, amz_date,
                               credential.scope));
  add("X-Amz-Signature", signature);
  return query;
}

}  // namespace strata::sigv4
