#include "objstore/s3/xml_configurations.h"

#include <string>
#include <utility>

#include "common/base/parse.h"
#include "common/codec/http_date.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/limits.h"
#include "objstore/s3/object_extras.h"
#include "objstore/s3/xml_request.h"

namespace strata::s3 {

namespace {

using codec::XmlElement;

constexpr size_t kElementsMax = 512;

Result<XmlElement> parse_small(std::string_view xml, std::string_view root) {
  return parse_root(xml, root, kConfigurationXmlBytesMax, kElementsMax);
}

// The modes of documents are words of the schema, not arguments.
Result<object::RetentionMode> mode_of(std::string_view text) {
  Result<object::RetentionMode> mode = parse_retention_mode(trim(text));
  if (!mode.ok()) return malformed_xml();
  return mode;
}

Result<std::pair<std::string, std::string>> parse_tag(const XmlElement& element) {
  std::optional<std::string> key;
  std::optional<std::string> value;
  if (element.name != "Tag") return malformed_xml();
  for (const XmlElement& child : element.children) {
    if (child.name == "Key") {
      TRY(take_once(child, key));
    } else if (child.name == "Value") {
      TRY(take_once(child, value));
    } else {
      return malformed_xml();
    }
  }
  if (!key || !value) return malformed_xml();
  return std::pair(std::move(*key), std::move(*value));
}

Result<object::Tags> parse_tag_set(const XmlElement& element) {
  object::Tags tags;
  for (const XmlElement& child : element.children) {
    TRY_ASSIGN(auto tag, parse_tag(child));
    tags.push_back(std::move(tag));
  }
  return tags;
}

Result<object::DefaultRetention> parse_default_retention(const XmlElement& element) {
  std::optional<std::string> mode;
  std::optional<std::string> days;
  std::optional<std::string> years;
  for (const XmlElement& child : element.children) {
    if (child.name == "Mode") {
      TRY(take_once(child, mode));
    } else if (child.name == "Days") {
      TRY(take_once(child, days));
    } else if (child.name == "Years") {
      TRY(take_once(child, years));
    } else {
      return malformed_xml();
    }
  }
  if (!mode || days.has_value() == years.has_value()) return malformed_xml();
  object::DefaultRetention retention;
  TRY_ASSIGN(retention.mode, mode_of(*mode));
  const std::string& text = days ? *days : *years;
  const auto number = parse_u64(trim(text));
  if (!number || *number == 0) {
    return Error(Code::kInvalidArgument, code::kInvalidArgument,
                 "Default retention period must be a positive integer value.");
  }
  const size_t highest = days ? object::kRetentionDaysMax : object::kRetentionYearsMax;
  if (*number > highest) {
    return Error(Code::kInvalidArgument, code::kInvalidArgument,
                 "Default retention period too large.");
  }
  (days ? retention.days : retention.years) = static_cast<uint32_t>(*number);
  return retention;
}

Result<object::DefaultRetention> parse_lock_rule(const XmlElement& element) {
  if (element.children.size() != 1 || element.children.front().name != "DefaultRetention") {
    return malformed_xml();
  }
  return parse_default_retention(element.children.front());
}

}  // namespace

Result<object::Versioning> parse_versioning(std::string_view xml) {
  TRY_ASSIGN(const XmlElement root, parse_small(xml, "VersioningConfiguration"));
  std::optional<std::string> status;
  std::optional<std::string> mfa;
  for (const XmlElement& child : root.children) {
    if (child.name == "Status") {
      TRY(take_once(child, status));
    } else if (child.name == "MfaDelete" || child.name == "MFADelete") {
      TRY(take_once(child, mfa));
    } else {
      return malformed_xml();
    }
  }
  if (mfa && trim(*mfa) != "Disabled") {
    if (trim(*mfa) != "Enabled") return malformed_xml();
    return not_implemented("MFA delete");
  }
  if (!status) {
    return Error(Code::kInvalidArgument, code::kIllegalVersioning,
                 "The Versioning element must be specified");
  }
  if (trim(*status) == "Enabled") return object::Versioning::kEnabled;
  if (trim(*status) == "Suspended") return object::Versioning::kSuspended;
  return malformed_xml();
}

Result<NewBucket> parse_create_bucket(std::string_view xml) {
  TRY_ASSIGN(const XmlElement root, parse_small(xml, "CreateBucketConfiguration"));
  std::optional<std::string> location;
  NewBucket bucket;
  for (const XmlElement& child : root.children) {
    if (child.name == "LocationConstraint") {
      TRY(take_once(child, location));
    } else if (child.name == "Tags" && bucket.tags.empty()) {
      TRY_ASSIGN(bucket.tags, parse_tag_set(child));
    } else if (child.name == "Bucket" || child.name == "Location") {
      return not_implemented("the element " + child.name + " of CreateBucketConfiguration");
    } else {
      return malformed_xml();
    }
  }
  bucket.location = trim(location.value_or(""));
  return bucket;
}

std::string render_tagging(const object::Tags& tags) {
  codec::XmlWriter xml = s3_document("Tagging");
  xml.open("TagSet");
  for (const auto& [key, value] : tags) {
    xml.open("Tag").element("Key", key).element("Value", value).close();
  }
  return xml.finish();
}

Result<object::Tags> parse_tagging(std::string_view xml) {
  TRY_ASSIGN(const XmlElement root, parse_small(xml, "Tagging"));
  if (root.children.size() != 1 || root.children.front().name != "TagSet") return malformed_xml();
  return parse_tag_set(root.children.front());
}

Result<object::LockConfiguration> parse_object_lock(std::string_view xml) {
  TRY_ASSIGN(const XmlElement root, parse_small(xml, "ObjectLockConfiguration"));
  object::LockConfiguration configuration;
  std::optional<std::string> enabled;
  for (const XmlElement& child : root.children) {
    if (child.name == "ObjectLockEnabled") {
      TRY(take_once(child, enabled));
    } else if (child.name == "Rule" && !configuration.default_retention) {
      TRY_ASSIGN(configuration.default_retention, parse_lock_rule(child));
    } else {
      return malformed_xml();
    }
  }
  if (!enabled || trim(*enabled) != "Enabled") return malformed_xml();
  return configuration;
}

Result<std::optional<object::Retention>> parse_retention(std::string_view xml) {
  TRY_ASSIGN(const XmlElement root, parse_small(xml, "Retention"));
  std::optional<std::string> mode;
  std::optional<std::string> until;
  for (const XmlElement& child : root.children) {
    if (child.name == "Mode") {
      TRY(take_once(child, mode));
    } else if (child.name == "RetainUntilDate") {
      TRY(take_once(child, until));
    } else {
      return malformed_xml();
    }
  }
  if (!mode && !until) return std::optional<object::Retention>();
  if (!mode || !until) return malformed_xml();
  object::Retention retention;
  TRY_ASSIGN(retention.mode, mode_of(*mode));
  const auto date = codec::parse_iso8601(trim(*until));
  if (!date) return malformed_xml();
  retention.until = *date;
  return std::optional(retention);
}

Result<bool> parse_legal_hold(std::string_view xml) {
  TRY_ASSIGN(const XmlElement root, parse_small(xml, "LegalHold"));
  std::optional<std::string> status;
  for (const XmlElement& child : root.children) {
    if (child.name != "Status") return malformed_xml();
    TRY(take_once(child, status));
  }
  if (!status || (trim(*status) != "ON" && trim(*status) != "OFF")) return malformed_xml();
  return trim(*status) == "ON";
}

}  // namespace strata::s3
