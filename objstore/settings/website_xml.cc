// WebsiteConfiguration: the document in and out.
#include <utility>

#include "common/base/parse.h"
#include "objstore/settings/website.h"

namespace strata::settings {
namespace {

using codec::XmlElement;

constexpr size_t kWebsiteElementsMax = 2000;

Status check_protocol(const std::optional<std::string>& protocol) {
  if (!protocol || *protocol == "http" || *protocol == "https") return {};
  return invalid_request(
      "Invalid protocol, protocol can be http or https. If not defined the protocol will be "
      "selected automatically.");
}

// What goes into a Location must not end its line or begin another field.
Status check_printable(const std::optional<std::string>& text, size_t bytes_max) {
  if (!text) return {};
  if (text->size() > bytes_max) return malformed();
  for (const char c : *text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) return malformed();
  }
  return {};
}

Result<RedirectAll> parse_redirect_all(const XmlElement& element) {
  std::optional<std::string> host;
  RedirectAll all;
  for (const XmlElement& child : element.children) {
    if (child.name == "HostName") {
      TRY(take_once(child, host));
    } else if (child.name == "Protocol") {
      TRY(take_once(child, all.protocol));
    } else {
      return malformed();
    }
  }
  if (!host || host->empty()) return malformed();
  TRY(check_protocol(all.protocol));
  TRY(check_printable(host, kWebsiteHostBytesMax));
  all.host = std::move(*host);
  return all;
}

// The text of the one child that such an element has.
Result<std::string> parse_only(const XmlElement& element, std::string_view name) {
  if (element.children.size() != 1 || element.children.front().name != name) return malformed();
  return leaf_text(element.children.front());
}

Result<std::string> parse_index(const XmlElement& element) {
  TRY_ASSIGN(std::string suffix, parse_only(element, "Suffix"));
  if (suffix.empty() || suffix.size() > kWebsiteKeyBytesMax ||
      suffix.find('/') != std::string::npos) {
    return invalid_argument("The IndexDocument Suffix is not well formed");
  }
  return suffix;
}

Result<RoutingCondition> parse_routing_condition(const XmlElement& element) {
  RoutingCondition condition;
  std::optional<std::string> code;
  for (const XmlElement& child : element.children) {
    if (child.name == "KeyPrefixEquals") {
      TRY(take_once(child, condition.key_prefix));
    } else if (child.name == "HttpErrorCodeReturnedEquals") {
      TRY(take_once(child, code));
    } else {
      return malformed();
    }
  }
  if (code) {
    const std::optional<uint64_t> number = parse_u64(trim(*code));
    if (!number || *number < 400 || *number > 599) {
      return invalid_request("The provided HTTP error code (" + *code +
                             ") is not valid. Valid codes are 4XX or 5XX.");
    }
    condition.error_code = static_cast<int>(*number);
  }
  if (!condition.key_prefix && !condition.error_code) {
    return invalid_request(
        "Condition cannot be empty. To redirect all requests without a condition, the condition "
        "element shouldn't be present.");
  }
  if (condition.key_prefix && condition.key_prefix->size() > kWebsiteKeyBytesMax) {
    return malformed();
  }
  return condition;
}

Status take_redirect_field(const XmlElement& child, RoutingRedirect& redirect,
                           std::optional<std::string>& code) {
  if (child.name == "HostName") return take_once(child, redirect.host);
  if (child.name == "Protocol") return take_once(child, redirect.protocol);
  if (child.name == "ReplaceKeyWith") return take_once(child, redirect.replace_key);
  if (child.name == "ReplaceKeyPrefixWith") return take_once(child, redirect.replace_key_prefix);
  if (child.name == "HttpRedirectCode") return take_once(child, code);
  return malformed();
}

Result<RoutingRedirect> parse_redirect(const XmlElement& element) {
  RoutingRedirect redirect;
  std::optional<std::string> code;
  for (const XmlElement& child : element.children) {
    TRY(take_redirect_field(child, redirect, code));
  }
  if (element.children.empty()) return malformed();
  TRY(check_protocol(redirect.protocol));
  if (redirect.replace_key && redirect.replace_key_prefix) {
    return invalid_request("You can only define ReplaceKeyPrefix or ReplaceKey but not both.");
  }
  if (code) {
    const std::optional<uint64_t> number = parse_u64(trim(*code));
    if (!number || *number <= 300 || *number > 399) {
      return invalid_request("The provided HTTP redirect code (" + *code +
                             ") is not valid. Valid codes are 3XX except 300.");
    }
    redirect.code = static_cast<int>(*number);
  }
  TRY(check_printable(redirect.host, kWebsiteHostBytesMax));
  TRY(check_printable(redirect.replace_key, kWebsiteKeyBytesMax));
  TRY(check_printable(redirect.replace_key_prefix, kWebsiteKeyBytesMax));
  return redirect;
}

Result<RoutingRule> parse_routing_rule(const XmlElement& element) {
  RoutingRule rule;
  bool redirects = false;
  for (const XmlElement& child : element.children) {
    if (child.name == "Condition" && !rule.condition) {
      TRY_ASSIGN(rule.condition, parse_routing_condition(child));
    } else if (child.name == "Redirect" && !redirects) {
      redirects = true;
      TRY_ASSIGN(rule.redirect, parse_redirect(child));
    } else {
      return malformed();
    }
  }
  if (!redirects) return malformed();
  return rule;
}

Result<std::vector<RoutingRule>> parse_rules(const XmlElement& element) {
  std::vector<RoutingRule> rules;
  for (const XmlElement& child : element.children) {
    if (child.name != "RoutingRule") return malformed();
    if (rules.size() == kRoutingRulesMax) {
      return invalid_request(
          "The number of routing rules must not exceed the allowed limit of 50 rules.");
    }
    TRY_ASSIGN(RoutingRule rule, parse_routing_rule(child));
    rules.push_back(std::move(rule));
  }
  if (rules.empty()) return malformed();
  return rules;
}

// Which of the root's elements were there; each may come once.
struct Seen {
  bool all = false;
  bool index = false;
  bool error = false;
  bool rules = false;
};

Status parse_child(const XmlElement& child, WebsiteConfiguration& website, Seen& seen) {
  if (child.name == "RedirectAllRequestsTo" && !seen.all) {
    seen.all = true;
    TRY_ASSIGN(website.redirect_all, parse_redirect_all(child));
  } else if (child.name == "IndexDocument" && !seen.index) {
    seen.index = true;
    TRY_ASSIGN(website.index_suffix, parse_index(child));
  } else if (child.name == "ErrorDocument" && !seen.error) {
    seen.error = true;
    TRY_ASSIGN(website.error_key, parse_only(child, "Key"));
    if (website.error_key->empty() || website.error_key->size() > kWebsiteKeyBytesMax) {
      return malformed();
    }
  } else if (child.name == "RoutingRules" && !seen.rules) {
    seen.rules = true;
    TRY_ASSIGN(website.routing_rules, parse_rules(child));
  } else {
    return malformed();
  }
  return {};
}

void write_rule(codec::XmlWriter& xml, const RoutingRule& rule) {
  const auto optional = [&xml](std::string_view name, const std::optional<std::string>& value) {
    if (value) xml.element(name, *value);
  };
  xml.open("RoutingRule");
  if (rule.condition) {
    xml.open("Condition");
    optional("KeyPrefixEquals", rule.condition->key_prefix);
    if (rule.condition->error_code) {
      xml.element("HttpErrorCodeReturnedEquals",
                  static_cast<uint64_t>(*rule.condition->error_code));
    }
    xml.close();
  }
  xml.open("Redirect");
  optional("Protocol", rule.redirect.protocol);
  optional("HostName", rule.redirect.host);
  optional("ReplaceKeyPrefixWith", rule.redirect.replace_key_prefix);
  optional("ReplaceKeyWith", rule.redirect.replace_key);
  if (rule.redirect.code) {
    xml.element("HttpRedirectCode", static_cast<uint64_t>(*rule.redirect.code));
  }
  xml.close().close();
}

}  // namespace

Result<WebsiteConfiguration> parse_website(std::string_view xml) {
  TRY_ASSIGN(const XmlElement root,
             parse_root(xml, "WebsiteConfiguration", kWebsiteXmlBytesMax, kWebsiteElementsMax));
  WebsiteConfiguration website;
  Seen seen;
  for (const XmlElement& child : root.children) TRY(parse_child(child, website, seen));
  if (seen.all && (seen.index || seen.error || seen.rules)) {
    return invalid_argument(
        "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.");
  }
  if (!seen.all && !seen.index) {
    return invalid_argument(
        "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty");
  }
  return website;
}

std::string render_website(const WebsiteConfiguration& website) {
  codec::XmlWriter xml("WebsiteConfiguration", kXmlNamespace);
  if (website.redirect_all) {
    xml.open("RedirectAllRequestsTo").element("HostName", website.redirect_all->host);
    if (website.redirect_all->protocol) {
      xml.element("Protocol", *website.redirect_all->protocol);
    }
    return xml.finish();
  }
  xml.open("IndexDocument").element("Suffix", website.index_suffix).close();
  if (website.error_key) xml.open("ErrorDocument").element("Key", *website.error_key).close();
  if (!website.routing_rules.empty()) {
    xml.open("RoutingRules");
    for (const RoutingRule& rule : website.routing_rules) write_rule(xml, rule);
  }
  return xml.finish();
}

}  // namespace strata::settings
