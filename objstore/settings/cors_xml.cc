// CORSConfiguration: the document in and out.
#include <algorithm>
#include <utility>

#include "common/base/parse.h"
#include "objstore/settings/cors.h"

namespace strata::settings {
namespace {

using codec::XmlElement;

constexpr size_t kCorsElementsMax = 20'000;

Error many_wildcards(std::string_view what, const std::string& value) {
  return invalid_request(std::string(what) + " \"" + value +
                         "\" can not have more than one wildcard.");
}

bool has_many_wildcards(std::string_view text) {
  return std::count(text.begin(), text.end(), '*') > 1;
}

Status add_method(CorsRule& rule, std::string method) {
  if (!is_cors_method(method)) {
    return invalid_request("Found unsupported HTTP method in CORS config. Unsupported method is " +
                           method);
  }
  rule.methods.push_back(std::move(method));
  return {};
}

Status add_list_value(CorsRule& rule, const XmlElement& element) {
  TRY_ASSIGN(const std::string text, leaf_text(element));
  std::string value(trim(text));
  if (element.name == "AllowedOrigin") {
    if (has_many_wildcards(value)) return many_wildcards("AllowedOrigin", value);
    rule.origins.push_back(std::move(value));
  } else if (element.name == "AllowedMethod") {
    return add_method(rule, std::move(value));
  } else if (element.name == "AllowedHeader") {
    if (has_many_wildcards(value)) return many_wildcards("AllowedHeader", value);
    rule.headers.push_back(std::move(value));
  } else if (element.name == "ExposeHeader") {
    if (value.find('*') != std::string::npos) {
      return invalid_request("ExposeHeader \"" + value +
                             "\" contains wildcard. We currently do not support wildcard for "
                             "ExposeHeader.");
    }
    rule.expose_headers.push_back(std::move(value));
  } else {
    return malformed();
  }
  return {};
}

Result<CorsRule> parse_cors_rule(const XmlElement& element) {
  CorsRule rule;
  for (const XmlElement& child : element.children) {
    if (child.name == "ID") {
      TRY(take_once(child, rule.id));
    } else if (child.name == "MaxAgeSeconds") {
      TRY(take_int(child, rule.max_age_seconds));
    } else {
      TRY(add_list_value(rule, child));
    }
  }
  if (rule.origins.empty() || rule.methods.empty()) return malformed();
  if (rule.id && rule.id->size() > kRuleIdBytesMax) {
    return invalid_argument("ID length should not exceed allowed limit of 255");
  }
  if (rule.max_age_seconds && *rule.max_age_seconds < 0) return malformed();
  return rule;
}

}  // namespace

Result<CorsConfiguration> parse_cors(std::string_view xml) {
  TRY_ASSIGN(const XmlElement root,
             parse_root(xml, "CORSConfiguration", kCorsXmlBytesMax, kCorsElementsMax));
  CorsConfiguration configuration;
  for (const XmlElement& child : root.children) {
    if (child.name != "CORSRule") return malformed();
    if (configuration.rules.size() == kCorsRulesMax) {
      return invalid_request(
          "The number of CORS rules should not exceed allowed limit of 100 rules.");
    }
    TRY_ASSIGN(CorsRule rule, parse_cors_rule(child));
    configuration.rules.push_back(std::move(rule));
  }
  if (configuration.rules.empty()) return malformed();
  return configuration;
}

std::string render_cors(const CorsConfiguration& configuration) {
  codec::XmlWriter xml("CORSConfiguration", kXmlNamespace);
  for (const CorsRule& rule : configuration.rules) {
    xml.open("CORSRule");
    if (rule.id) xml.element("ID", *rule.id);
    for (const std::string& method : rule.methods) xml.element("AllowedMethod", method);
    for (const std::string& origin : rule.origins) xml.element("AllowedOrigin", origin);
    for (const std::string& header : rule.headers) xml.element("AllowedHeader", header);
    if (rule.max_age_seconds) {
      xml.element("MaxAgeSeconds", static_cast<uint64_t>(*rule.max_age_seconds));
    }
    for (const std::string& header : rule.expose_headers) xml.element("ExposeHeader", header);
    xml.close();
  }
  return xml.finish();
}

}  // namespace strata::settings
