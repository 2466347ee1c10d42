// Website: how a bucket answers browsers.
//
// Source: Amazon S3 user guide, "Hosting a static website using Amazon S3", and PutBucketWebsite.
// Thread rule: any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "objstore/settings/document.h"

namespace strata::settings {

inline constexpr size_t kRoutingRulesMax = 50;
inline constexpr size_t kWebsiteXmlBytesMax = 128 * kKiB;
inline constexpr size_t kWebsiteKeyBytesMax = 1024;
inline constexpr size_t kWebsiteHostBytesMax = 255;

// Every condition that is there must hold; a rule has none or at least one.
struct RoutingCondition {
  std::optional<std::string> key_prefix;
  std::optional<int> error_code;  // 400 to 599: of the answer that would be given
};

struct RoutingRedirect {
  std::optional<std::string> host;
  std::optional<std::string> protocol;  // http or https
  std::optional<std::string> replace_key;
  std::optional<std::string> replace_key_prefix;
  std::optional<int> code;  // 301 to 399; absent: 301
};

struct RoutingRule {
  std::optional<RoutingCondition> condition;
  RoutingRedirect redirect;
};

struct RedirectAll {
  std::string host;
  std::optional<std::string> protocol;
};

// Either everything is redirected or there is an index document.
struct WebsiteConfiguration {
  std::optional<RedirectAll> redirect_all;
  std::string index_suffix;
  std::optional<std::string> error_key;
  std::vector<RoutingRule> routing_rules;  // the first that fits counts
};

[[nodiscard]] Result<WebsiteConfiguration> parse_website(std::string_view xml);
[[nodiscard]] std::string render_website(const WebsiteConfiguration& configuration);

}  // namespace strata::settings
