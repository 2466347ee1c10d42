// Signature Version 2: HMAC-SHA1 over a short form of the request. Old, and weaker than Version 4:
// it covers no body, no ordinary header and only the query parameters listed here.
//
// Pure functions, safe from any thread.
// Source: Amazon S3 developer guide, "Signing and Authenticating REST Requests" (Version 2).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/sigv4/authorization.h"
#include "common/sigv4/canonical.h"

namespace strata::sigv4 {

// Reasons beside those of authorization.h.
inline constexpr std::string_view kReasonV2Malformed = "v2_authorization_malformed";
inline constexpr std::string_view kReasonV2QueryMalformed = "v2_query_malformed";

struct V2Authorization {
  std::string access_key;
  std::string signature;  // base64, not checked further
};

// Whether the value of an Authorization header is of Version 2: "AWS ...".
[[nodiscard]] bool is_v2_authorization(std::string_view value) noexcept;
// "AWS AccessKey:Signature". kInvalidArgument kReasonV2Malformed.
[[nodiscard]] Result<V2Authorization> parse_v2_authorization(std::string_view value);

// A query parameter, decoded.
struct V2Parameter {
  std::string_view name;
  std::string_view value;
  bool has_value = false;  // there was a '='
};

// Whether the parameter is part of what is signed. A subresource that is not must be refused: it
// could be added to a signed URL by anyone.
[[nodiscard]] bool is_v2_signed_parameter(std::string_view name) noexcept;

struct V2Request {
  std::string_view method;
  std::string_view content_md5;  // empty if absent, like the next two
  std::string_view content_type;
  std::string_view date;    // the Date header; of a presigned URL its Expires; empty if x-amz-date
                            // is there
  HeaderList headers;       // of which x-amz-* are used
  std::string_view bucket;  // of a virtual host, decoded; empty in path style
  std::string_view path;    // as sent, still encoded
  std::span<const V2Parameter> query;
};

// empty_as_bare: whether "uploads=" is written like "uploads"; clients differ.
[[nodiscard]] std::string v2_string_to_sign(const V2Request& request, bool empty_as_bare);

// base64(HMAC-SHA1(secret, text)); also for a POST form's base64 policy.
[[nodiscard]] std::string v2_sign(std::string_view secret, std::string_view text);

}  // namespace strata::sigv4
