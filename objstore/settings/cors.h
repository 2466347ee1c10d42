// CORS: which web pages of other origins may use a bucket from a browser.
//
// Source: Amazon S3 user guide, "Using cross-origin resource sharing (CORS)", and PutBucketCors.
// Thread rule: any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "objstore/settings/document.h"

namespace strata::settings {

inline constexpr size_t kCorsRulesMax = 100;
inline constexpr size_t kCorsXmlBytesMax = 64 * kKiB;
// Of the headers that one preflight may ask for.
inline constexpr size_t kCorsRequestHeadersMax = 100;

struct CorsRule {
  std::optional<std::string> id;
  std::vector<std::string> origins;  // each with at most one *
  std::vector<std::string> methods;  // GET, PUT, HEAD, POST, DELETE
  std::vector<std::string> headers;  // each with at most one *
  std::vector<std::string> expose_headers;
  std::optional<int64_t> max_age_seconds;
};

struct CorsConfiguration {
  std::vector<CorsRule> rules;  // 1 to kCorsRulesMax; the first that fits counts
};

[[nodiscard]] Result<CorsConfiguration> parse_cors(std::string_view xml);
[[nodiscard]] std::string render_cors(const CorsConfiguration& configuration);

// What a browser says of a request it is about to make, or makes.
struct CorsRequest {
  std::string_view origin;
  std::string_view method;           // the one the page wants to use
  std::vector<std::string> headers;  // in lower case
};

// Whether the method is one that a rule can allow.
[[nodiscard]] bool is_cors_method(std::string_view method) noexcept;

// "a, B" as {"a", "b"}; empty names are left out. At most kCorsRequestHeadersMax + 1 of them.
[[nodiscard]] std::vector<std::string> split_header_names(std::string_view field);

// The first rule that allows origin, method and every header; null if none does. Points into the
// configuration.
[[nodiscard]] const CorsRule* find_cors_rule(const CorsConfiguration& configuration,
                                             const CorsRequest& request) noexcept;

// The value of Access-Control-Allow-Origin under a rule that fits: "*" where the rule's first
// fitting origin is just that, else the request's own origin.
[[nodiscard]] std::string_view allowed_origin(const CorsRule& rule,
                                              std::string_view origin) noexcept;

}  // namespace strata::settings
