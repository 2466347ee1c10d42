#include "objstore/settings/document.h"

#include <limits>
#include <utility>

#include "common/base/parse.h"

namespace strata::settings {

using codec::XmlElement;

Error malformed() {
  return {Code::kInvalidArgument, reason::kMalformedXml,
          "The XML you provided was not well-formed or did not validate against our published "
          "schema"};
}

Error invalid_request(std::string message) {
  return {Code::kInvalidArgument, reason::kInvalidRequest, std::move(message)};
}

Error invalid_argument(std::string message) {
  return {Code::kInvalidArgument, reason::kInvalidArgument, std::move(message)};
}

Error unsupported(std::string message) {
  return {Code::kUnsupported, reason::kUnsupported, std::move(message)};
}

Result<XmlElement> parse_root(std::string_view xml, std::string_view root, size_t bytes_max,
                              size_t elements_max) {
  codec::XmlLimits limits;
  limits.bytes_max = bytes_max;
  limits.elements_max = elements_max;
  Result<XmlElement> parsed = codec::parse_xml(xml, limits);
  if (!parsed.ok() || parsed->name != root) return malformed();
  return parsed;
}

Status take_once(const XmlElement& element, std::optional<std::string>& into) {
  if (into || !element.children.empty()) return malformed();
  into = element.text;
  return {};
}

Result<std::string> leaf_text(const XmlElement& element) {
  if (!element.children.empty()) return malformed();
  return element.text;
}

Status take_bool(const XmlElement& element, std::optional<bool>& into) {
  if (into || !element.children.empty()) return malformed();
  const std::string_view text = trim(element.text);
  if (ascii_iequals(text, "true")) {
    into = true;
  } else if (ascii_iequals(text, "false")) {
    into = false;
  } else {
    return malformed();
  }
  return {};
}

Status take_int(const XmlElement& element, std::optional<int64_t>& into) {
  if (into || !element.children.empty()) return malformed();
  std::string_view text = trim(element.text);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const std::optional<uint64_t> magnitude = parse_u64(text);
  if (!magnitude || *magnitude > static_cast<uint64_t>(std::numeric_limits<int32_t>::max())) {
    return malformed();
  }
  into = negative ? -static_cast<int64_t>(*magnitude) : static_cast<int64_t>(*magnitude);
  return {};
}

Status take_u64(const XmlElement& element, std::optional<uint64_t>& into) {
  if (into || !element.children.empty()) return malformed();
  into = parse_u64(trim(element.text));
  if (!into) return malformed();
  return {};
}

}  // namespace strata::settings
