// LifecycleConfiguration: the document in and out.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/parse.h"
#include "objstore/settings/lifecycle.h"

namespace strata::settings {
namespace {

using codec::XmlElement;

constexpr size_t kElementsMax = 60'000;

// A day, or a point in time that has to be a midnight.
Result<Time> parse_date(const XmlElement& element) {
  TRY_ASSIGN(const std::string leaf, leaf_text(element));
  std::string text(trim(leaf));
  constexpr size_t kDayBytes = 10;
  if (text.size() == kDayBytes) text += "T00:00:00Z";
  const std::optional<Time> time = codec::parse_iso8601(text);
  if (!time) return malformed();
  return *time;
}

Status take_date(const XmlElement& element, std::optional<Time>& into) {
  if (into) return malformed();
  TRY_ASSIGN(into, parse_date(element));
  return {};
}

Result<Tag> parse_tag(const XmlElement& element) {
  std::optional<std::string> key;
  std::optional<std::string> value;
  for (const XmlElement& child : element.children) {
    if (child.name == "Key") {
      TRY(take_once(child, key));
    } else if (child.name == "Value") {
      TRY(take_once(child, value));
    } else {
      return malformed();
    }
  }
  if (!key || !value || key->empty()) return malformed();
  if (key->size() > kTagKeyBytesMax || value->size() > kTagValueBytesMax) return malformed();
  return Tag(std::move(*key), std::move(*value));
}

// One condition; And holds several and must not hold another And.
Status parse_condition(const XmlElement& element, LifecycleFilter& filter) {
  if (element.name == "Prefix") return take_once(element, filter.prefix);
  if (element.name == "Tag") {
    TRY_ASSIGN(Tag tag, parse_tag(element));
    for (const Tag& other : filter.tags) {
      if (other.first == tag.first) {
        return invalid_request("Duplicate Tag Keys are not allowed.");
      }
    }
    if (filter.tags.size() == kLifecycleTagsMax) return malformed();
    filter.tags.push_back(std::move(tag));
    return {};
  }
  if (element.name == "ObjectSizeGreaterThan") return take_u64(element, filter.size_above_bytes);
  if (element.name == "ObjectSizeLessThan") return take_u64(element, filter.size_below_bytes);
  return malformed();
}

size_t conditions_in(const LifecycleFilter& filter) {
  return filter.tags.size() + (filter.prefix ? 1 : 0) + (filter.size_above_bytes ? 1 : 0) +
         (filter.size_below_bytes ? 1 : 0);
}

Result<LifecycleFilter> parse_filter(const XmlElement& element) {
  LifecycleFilter filter;
  if (element.children.empty()) return filter;
  if (element.children.size() != 1) return malformed();
  const XmlElement& only = element.children.front();
  if (only.name != "And") {
    TRY(parse_condition(only, filter));
    return filter;
  }
  filter.combined = true;
  for (const XmlElement& child : only.children) TRY(parse_condition(child, filter));
  if (conditions_in(filter) < 2) return malformed();
  return filter;
}

Result<Expiration> parse_expiration(const XmlElement& element) {
  Expiration expiration;
  for (const XmlElement& child : element.children) {
    if (child.name == "Days") {
      TRY(take_int(child, expiration.days));
    } else if (child.name == "Date") {
      TRY(take_date(child, expiration.date));
    } else if (child.name == "ExpiredObjectDeleteMarker") {
      TRY(take_bool(child, expiration.expired_delete_marker));
    } else {
      return malformed();
    }
  }
  const int stated = (expiration.days ? 1 : 0) + (expiration.date ? 1 : 0) +
                     (expiration.expired_delete_marker ? 1 : 0);
  if (stated != 1) return malformed();
  return expiration;
}

Result<Transition> parse_transition(const XmlElement& element) {
  Transition transition;
  std::optional<std::string> storage_class;
  for (const XmlElement& child : element.children) {
    if (child.name == "Days") {
      TRY(take_int(child, transition.days));
    } else if (child.name == "Date") {
      TRY(take_date(child, transition.date));
    } else if (child.name == "StorageClass") {
      TRY(take_once(child, storage_class));
    } else {
      return malformed();
    }
  }
  if (!storage_class || transition.days.has_value() == transition.date.has_value()) {
    return malformed();
  }
  transition.storage_class = trim(*storage_class);
  return transition;
}

// What the two actions on noncurrent versions have in common.
struct Noncurrent {
  std::optional<int64_t> days;
  std::optional<int64_t> newer_versions;
  std::optional<std::string> storage_class;
};

Result<Noncurrent> parse_noncurrent(const XmlElement& element, bool with_class) {
  Noncurrent parsed;
  for (const XmlElement& child : element.children) {
    if (child.name == "NoncurrentDays") {
      TRY(take_int(child, parsed.days));
    } else if (child.name == "NewerNoncurrentVersions") {
      TRY(take_int(child, parsed.newer_versions));
    } else if (child.name == "StorageClass" && with_class) {
      TRY(take_once(child, parsed.storage_class));
    } else {
      return malformed();
    }
  }
  if (!parsed.days || parsed.storage_class.has_value() != with_class) return malformed();
  return parsed;
}

Status parse_abort(const XmlElement& element, LifecycleRule& rule) {
  if (element.children.size() != 1 || rule.abort_uploads_days) return malformed();
  const XmlElement& only = element.children.front();
  if (only.name != "DaysAfterInitiation") return malformed();
  return take_int(only, rule.abort_uploads_days);
}

Status parse_action(const XmlElement& element, LifecycleRule& rule) {
  if (element.name == "Expiration") {
    if (rule.expiration) return malformed();
    TRY_ASSIGN(rule.expiration, parse_expiration(element));
    return {};
  }
  if (element.name == "Transition") {
    TRY_ASSIGN(Transition transition, parse_transition(element));
    rule.transitions.push_back(std::move(transition));
    return {};
  }
  if (element.name == "NoncurrentVersionExpiration") {
    if (rule.noncurrent_expiration) return malformed();
    TRY_ASSIGN(const Noncurrent parsed, parse_noncurrent(element, false));
    rule.noncurrent_expiration = NoncurrentExpiration{*parsed.days, parsed.newer_versions};
    return {};
  }
  if (element.name == "NoncurrentVersionTransition") {
    TRY_ASSIGN(const Noncurrent parsed, parse_noncurrent(element, true));
    rule.noncurrent_transitions.push_back(
        {*parsed.days, parsed.newer_versions, std::string(trim(*parsed.storage_class))});
    return {};
  }
  if (element.name == "AbortIncompleteMultipartUpload") return parse_abort(element, rule);
  return malformed();
}

Result<LifecycleRule> parse_rule(const XmlElement& element, uint64_t id_seed, size_t place) {
  LifecycleRule rule;
  std::optional<std::string> id;
  std::optional<std::string> status;
  bool has_filter = false;
  for (const XmlElement& child : element.children) {
    if (child.name == "ID") {
      TRY(take_once(child, id));
    } else if (child.name == "Status") {
      TRY(take_once(child, status));
    } else if (child.name == "Prefix") {
      TRY(take_once(child, rule.legacy_prefix));
    } else if (child.name == "Filter") {
      if (has_filter) return malformed();
      has_filter = true;
      TRY_ASSIGN(rule.filter, parse_filter(child));
    } else {
      TRY(parse_action(child, rule));
    }
  }
  if (!status || (*status != "Enabled" && *status != "Disabled")) return malformed();
  if (has_filter == rule.legacy_prefix.has_value()) return malformed();  // exactly one of them
  rule.enabled = *status == "Enabled";
  if (id && !id->empty()) {
    rule.id = std::move(*id);
  } else {
    rule.id = fmt::format("rule-{:016x}-{}", id_seed, place + 1);
  }
  return rule;
}

void write_conditions(codec::XmlWriter& xml, const LifecycleFilter& filter) {
  if (filter.prefix) xml.element("Prefix", *filter.prefix);
  for (const Tag& tag : filter.tags) {
    xml.open("Tag").element("Key", tag.first).element("Value", tag.second).close();
  }
  if (filter.size_above_bytes) xml.element("ObjectSizeGreaterThan", *filter.size_above_bytes);
  if (filter.size_below_bytes) xml.element("ObjectSizeLessThan", *filter.size_below_bytes);
}

void write_scope(codec::XmlWriter& xml, const LifecycleRule& rule) {
  if (rule.legacy_prefix) {
    xml.element("Prefix", *rule.legacy_prefix);
    return;
  }
  xml.open("Filter");
  if (rule.filter.combined) xml.open("And");
  write_conditions(xml, rule.filter);
  if (rule.filter.combined) xml.close();
  xml.close();
}

void write_number(codec::XmlWriter& xml, std::string_view name,
                  const std::optional<int64_t>& value) {
  if (value) xml.element(name, static_cast<uint64_t>(*value));
}

void write_actions(codec::XmlWriter& xml, const LifecycleRule& rule) {
  if (rule.expiration) {
    xml.open("Expiration");
    write_number(xml, "Days", rule.expiration->days);
    if (rule.expiration->date) xml.element("Date", codec::format_iso8601(*rule.expiration->date));
    if (rule.expiration->expired_delete_marker) {
      xml.element("ExpiredObjectDeleteMarker", *rule.expiration->expired_delete_marker);
    }
    xml.close();
  }
  for (const Transition& transition : rule.transitions) {
    xml.open("Transition");
    write_number(xml, "Days", transition.days);
    if (transition.date) xml.element("Date", codec::format_iso8601(*transition.date));
    xml.element("StorageClass", transition.storage_class).close();
  }
  for (const NoncurrentTransition& transition : rule.noncurrent_transitions) {
    xml.open("NoncurrentVersionTransition");
    write_number(xml, "NoncurrentDays", transition.days);
    write_number(xml, "NewerNoncurrentVersions", transition.newer_versions);
    xml.element("StorageClass", transition.storage_class).close();
  }
  if (rule.noncurrent_expiration) {
    xml.open("NoncurrentVersionExpiration");
    write_number(xml, "NoncurrentDays", rule.noncurrent_expiration->days);
    write_number(xml, "NewerNoncurrentVersions", rule.noncurrent_expiration->newer_versions);
    xml.close();
  }
  if (rule.abort_uploads_days) {
    xml.open("AbortIncompleteMultipartUpload");
    write_number(xml, "DaysAfterInitiation", rule.abort_uploads_days);
    xml.close();
  }
}

}  // namespace

Result<LifecycleConfiguration> parse_lifecycle(std::string_view xml, uint64_t id_seed) {
  TRY_ASSIGN(const XmlElement root,
             parse_root(xml, "LifecycleConfiguration", kLifecycleXmlBytesMax, kElementsMax));
  LifecycleConfiguration configuration;
  for (const XmlElement& child : root.children) {
    if (child.name != "Rule" || configuration.rules.size() == kLifecycleRulesMax) {
      return malformed();
    }
    TRY_ASSIGN(LifecycleRule rule, parse_rule(child, id_seed, configuration.rules.size()));
    configuration.rules.push_back(std::move(rule));
  }
  if (configuration.rules.empty()) return malformed();
  TRY(check_lifecycle(configuration));
  return configuration;
}

std::string render_lifecycle(const LifecycleConfiguration& configuration) {
  codec::XmlWriter xml("LifecycleConfiguration", kXmlNamespace);
  for (const LifecycleRule& rule : configuration.rules) {
    xml.open("Rule").element("ID", rule.id);
    write_scope(xml, rule);
    xml.element("Status", rule.enabled ? "Enabled" : "Disabled");
    write_actions(xml, rule);
    xml.close();
  }
  return xml.finish();
}

}  // namespace strata::settings
