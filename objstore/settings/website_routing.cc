#include "objstore/settings/website_routing.h"

#include "common/codec/text.h"

namespace strata::settings {
namespace {

constexpr int kMovedPermanently = 301;

std::string location_of(std::string_view protocol, std::string_view host, std::string_view key) {
  std::string location(protocol);
  location += "://";
  location += host;
  location += "/";
  codec::append_uri_encoded(location, key, false);
  return location;
}

bool fits(const RoutingRule& rule, std::string_view key, std::optional<int> error_status) {
  const std::optional<int> wanted = rule.condition ? rule.condition->error_code : std::nullopt;
  if (wanted != error_status) return false;
  return !rule.condition || !rule.condition->key_prefix ||
         key.starts_with(*rule.condition->key_prefix);
}

std::string replaced_key(const RoutingRule& rule, std::string_view key) {
  const RoutingRedirect& redirect = rule.redirect;
  if (redirect.replace_key) return *redirect.replace_key;
  if (!redirect.replace_key_prefix) return std::string(key);
  size_t prefix_bytes = 0;
  if (rule.condition && rule.condition->key_prefix) {
    prefix_bytes = rule.condition->key_prefix->size();
  }
  return *redirect.replace_key_prefix + std::string(key.substr(prefix_bytes));
}

}  // namespace

Redirect redirect_everything(const RedirectAll& all, const WebsiteRequest& request) {
  const std::string_view protocol =
      all.protocol ? std::string_view(*all.protocol) : request.protocol;
  return {kMovedPermanently, location_of(protocol, all.host, request.key)};
}

std::optional<Redirect> route_website(const WebsiteConfiguration& website,
                                      const WebsiteRequest& request,
                                      std::optional<int> error_status) {
  for (const RoutingRule& rule : website.routing_rules) {
    if (!fits(rule, request.key, error_status)) continue;
    const RoutingRedirect& redirect = rule.redirect;
    const std::string_view protocol =
        redirect.protocol ? std::string_view(*redirect.protocol) : request.protocol;
    const std::string_view host = redirect.host ? std::string_view(*redirect.host) : request.host;
    return Redirect{redirect.code.value_or(kMovedPermanently),
                    location_of(protocol, host, replaced_key(rule, request.key))};
  }
  return std::nullopt;
}

std::string website_key(const WebsiteConfiguration& website, std::string_view key) {
  std::string full(key);
  if (full.empty() || full.ends_with('/')) full += website.index_suffix;
  return full;
}

}  // namespace strata::settings
