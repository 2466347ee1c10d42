#include "common/sigv4/version2.h"

#include <algorithm>
#include <map>

#include "common/base/parse.h"
#include "common/codec/text.h"
#include "common/digest/checksum.h"

namespace strata::sigv4 {
namespace {

constexpr std::string_view kScheme = "AWS ";
constexpr size_t kV2SignatureBytesMax = 64;

// Sorted. The documentation's list and what the SDKs of that time sign besides.
constexpr std::string_view kSignedParameters[] = {
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "delete",
    "encryption",
    "inventory",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "partNumber",
    "policy",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "select",
    "select-type",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
};
static_assert(std::ranges::is_sorted(kSignedParameters));

// Names sorted, fields of one name joined with a comma, values trimmed.
void append_amz_headers(std::string& out, HeaderList headers) {
  std::map<std::string_view, std::string> amz;
  for (const auto& [name, value] : headers) {
    if (!name.starts_with("x-amz-")) continue;
    auto [entry, is_new] = amz.try_emplace(name);
    if (!is_new) entry->second += ',';
    entry->second += trim(value);
  }
  for (const auto& [name, value] : amz) out.append(name).append(":").append(value).append("\n");
}

void append_resource(std::string& out, const V2Request& request, bool empty_as_bare) {
  if (!request.bucket.empty()) out.append("/").append(request.bucket);
  out += request.path;
  std::vector<const V2Parameter*> signed_ones;
  for (const V2Parameter& parameter : request.query) {
    if (is_v2_signed_parameter(parameter.name)) signed_ones.push_back(&parameter);
  }
  std::ranges::sort(signed_ones, {}, &V2Parameter::name);
  char separator = '?';
  for (const V2Parameter* parameter : signed_ones) {
    out += separator;
    separator = '&';
    out += parameter->name;
    const bool bare = !parameter->has_value || (parameter->value.empty() && empty_as_bare);
    if (!bare) out.append("=").append(parameter->value);
  }
}

}  // namespace

bool is_v2_authorization(std::string_view value) noexcept {
  return value.starts_with(kScheme);
}

Result<V2Authorization> parse_v2_authorization(std::string_view value) {
  const std::string_view rest =
      is_v2_authorization(value) ? trim(value.substr(kScheme.size())) : std::string_view();
  const size_t colon = rest.rfind(':');
  const bool whole = colon != std::string_view::npos && colon > 0 && colon <= kAccessKeyBytesMax &&
                     colon + 1 < rest.size() && rest.size() - colon <= kV2SignatureBytesMax;
  if (!whole) {
    return Error(Code::kInvalidArgument, kReasonV2Malformed,
                 "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature");
  }
  return V2Authorization{std::string(rest.substr(0, colon)), std::string(rest.substr(colon + 1))};
}

bool is_v2_signed_parameter(std::string_view name) noexcept {
  return std::ranges::binary_search(kSignedParameters, name);
}

std::string v2_string_to_sign(const V2Request& request, bool empty_as_bare) {
  std::string text;
  text.append(request.method).append("\n");
  text.append(trim(request.content_md5)).append("\n");
  text.append(trim(request.content_type)).append("\n");
  text.append(request.date).append("\n");
  append_amz_headers(text, request.headers);
  append_resource(text, request, empty_as_bare);
  return text;
}

std::string v2_sign(std::string_view secret, std::string_view text) {
  return codec::to_base64(digest::hmac_sha1(as_bytes(secret), as_bytes(text)));
}

}  // namespace strata::sigv4
