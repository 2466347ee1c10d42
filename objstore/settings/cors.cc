#include "objstore/settings/cors.h"

#include <algorithm>

#include "common/base/parse.h"

namespace strata::settings {
namespace {

constexpr std::string_view kMethods[] = {"GET", "PUT", "HEAD", "POST", "DELETE"};

// A pattern with at most one *, which stands for any characters, none included.
bool fits_pattern(std::string_view pattern, std::string_view text) noexcept {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  const std::string_view before = pattern.substr(0, star);
  const std::string_view after = pattern.substr(star + 1);
  return text.size() >= before.size() + after.size() && text.starts_with(before) &&
         text.ends_with(after);
}

// Header names have no case: the text is in lower case already.
bool header_fits(std::string_view pattern, std::string_view lower_name) {
  return fits_pattern(ascii_lower(pattern), lower_name);
}

bool allows_headers(const CorsRule& rule, const std::vector<std::string>& names) {
  return std::all_of(names.begin(), names.end(), [&rule](const std::string& name) {
    return std::any_of(rule.headers.begin(), rule.headers.end(),
                       [&name](const std::string& pattern) { return header_fits(pattern, name); });
  });
}

bool allows_origin(const CorsRule& rule, std::string_view origin) noexcept {
  return std::any_of(
      rule.origins.begin(), rule.origins.end(),
      [origin](const std::string& pattern) { return fits_pattern(pattern, origin); });
}

}  // namespace

bool is_cors_method(std::string_view method) noexcept {
  return std::find(std::begin(kMethods), std::end(kMethods), method) != std::end(kMethods);
}

std::vector<std::string> split_header_names(std::string_view field) {
  std::vector<std::string> names;
  while (!field.empty() && names.size() <= kCorsRequestHeadersMax) {
    const size_t comma = field.find(',');
    const std::string_view name = trim(field.substr(0, comma));
    if (!name.empty()) names.push_back(ascii_lower(name));
    field = comma == std::string_view::npos ? std::string_view() : field.substr(comma + 1);
  }
  return names;
}

const CorsRule* find_cors_rule(const CorsConfiguration& configuration,
                               const CorsRequest& request) noexcept {
  if (request.headers.size() > kCorsRequestHeadersMax) return nullptr;
  for (const CorsRule& rule : configuration.rules) {
    const bool method =
        std::find(rule.methods.begin(), rule.methods.end(), request.method) != rule.methods.end();
    if (method && allows_origin(rule, request.origin) && allows_headers(rule, request.headers)) {
      return &rule;
    }
  }
  return nullptr;
}

std::string_view allowed_origin(const CorsRule& rule, std::string_view origin) noexcept {
  for (const std::string& pattern : rule.origins) {
    if (fits_pattern(pattern, origin)) return pattern == "*" ? std::string_view("*") : origin;
  }
  return origin;
}

}  // namespace strata::settings
