#include <algorithm>
#include <memory>
#include <pugixml.hpp>

#include "common/codec/text.h"
#include "common/codec/xml.h"

namespace strata::codec {
namespace {

// What the first pass guarantees, so that pugixml and the copy below never meet a surprise: no
// DOCTYPE, no more elements than the limit, no deeper than the limit, no unknown entity.
constexpr std::string_view kReason = "malformed_xml";
constexpr size_t kEntityBytesMax = 10;  // "#x10FFFF" and room for leading zeros
constexpr size_t kDepthCeiling = 256;   // the copy is recursive: more depth than this is refused

Error malformed(std::string_view why) {
  return {Code::kInvalidArgument, kReason, "the XML is not acceptable: " + std::string(why)};
}

// Whether XML 1.0 allows this character.
bool is_xml_character(uint32_t code) {
  return code == 0x9 || code == 0xa || code == 0xd || (code >= 0x20 && code <= 0xd7ff) ||
         (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff);
}

// "amp", "#38", "#x26": the five predefined entities and character references.
bool is_known_entity(std::string_view name) {
  for (const std::string_view known : {"amp", "lt", "gt", "quot", "apos"}) {
    if (name == known) return true;
  }
  if (!name.starts_with('#')) return false;
  name.remove_prefix(1);
  const bool hex = name.starts_with('x');
  if (hex) name.remove_prefix(1);
  if (name.empty() || name.size() > kEntityBytesMax) return false;
  uint32_t code = 0;
  for (const char c : name) {
    uint32_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<uint32_t>(c - '0');
    } else if (hex && c >= 'a' && c <= 'f') {
      digit = static_cast<uint32_t>(c - 'a') + 10;
    } else if (hex && c >= 'A' && c <= 'F') {
      digit = static_cast<uint32_t>(c - 'A') + 10;
    } else {
      return false;
    }
    code = code * (hex ? 16 : 10) + digit;
    if (code > 0x10ffff) return false;
  }
  return is_xml_character(code);
}

// Walks the markup without building anything.
class Scanner {
 public:
  Scanner(std::string_view text, const XmlLimits& limits) : left_(text), limits_(limits) {}

  Status scan() {
    while (!left_.empty()) {
      const size_t markup = std::min(left_.find('<'), left_.size());
      const std::string_view data = left_.substr(0, markup);
      if (depth_ == 0 && data.find_first_not_of(" \t\r\n") != data.npos) {
        return malformed("text stands outside the root element");
      }
      if (data.find("]]>") != data.npos) return malformed("\"]]>\" stands in character data");
      TRY(check_entities(data));
      left_.remove_prefix(markup);
      if (!left_.empty()) TRY(markup_here());
    }
    if (depth_ != 0) return malformed("an element is not closed");
    return {};
  }

 private:
  Status markup_here() {
    if (left_.starts_with("<!--")) return skip_comment();
    if (left_.starts_with("<![CDATA[")) {
      if (depth_ == 0) return malformed("CDATA stands outside the root element");
      return skip_past("]]>", "a CDATA section does not end");
    }
    if (left_.starts_with("<!")) return malformed("a DOCTYPE or other declaration is not allowed");
    if (left_.starts_with("<?")) return skip_past("?>", "an instruction does not end");
    return tag();
  }

  Status skip_comment() {
    const size_t end = left_.find("--", 4);
    if (end == left_.npos || !left_.substr(end).starts_with("-->")) {
      return malformed("a comment does not end, or holds \"--\"");
    }
    left_.remove_prefix(end + 3);
    return {};
  }

  Status skip_past(std::string_view end, std::string_view complaint) {
    const size_t at = left_.find(end);
    if (at == left_.npos) return malformed(complaint);
    left_.remove_prefix(at + end.size());
    return {};
  }

  // A start tag, an end tag or an empty element, with attributes whose values are quoted.
  Status tag() {
    const bool closes = left_.starts_with("</");
    char quote = 0;
    size_t value_begin = 0;
    size_t at = 1;
    for (; at < left_.size(); ++at) {
      const char c = left_[at];
      if (quote != 0) {
        if (c == '<') return malformed("'<' stands in an attribute");
        if (c != quote) continue;
        TRY(check_entities(left_.substr(value_begin, at - value_begin)));
        quote = 0;
      } else if (c == '"' || c == '\'') {
        quote = c;
        value_begin = at + 1;
      } else if (c == '<') {
        return malformed("'<' stands in a tag");
      } else if (c == '>') {
        break;
      }
    }
    if (at >= left_.size()) return malformed("a tag does not end");
    const bool empty = left_[at - 1] == '/' && at > 1;
    left_.remove_prefix(at + 1);
    if (closes) {
      if (depth_ == 0) return malformed("an end tag has no start tag");
      --depth_;
      return {};
    }
    if (++elements_ > limits_.elements_max) return malformed("it has too many elements");
    if (depth_ + 1 > std::min(limits_.depth_max, kDepthCeiling)) {
      return malformed("it is nested too deeply");
    }
    if (!empty) ++depth_;
    return {};
  }

  static Status check_entities(std::string_view data) {
    for (size_t at = data.find('&'); at != data.npos; at = data.find('&', at + 1)) {
      const std::string_view rest = data.substr(at + 1, kEntityBytesMax + 3);
      const size_t end = rest.find(';');
      if (end == rest.npos || !is_known_entity(rest.substr(0, end))) {
        return malformed("it has an entity that is not predefined");
      }
    }
    return {};
  }

  std::string_view left_;
  const XmlLimits& limits_;
  size_t depth_ = 0;
  size_t elements_ = 0;
};

Status check_characters(std::string_view text) {
  if (!is_utf8(text)) return malformed("it is not UTF-8");
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') {
      return malformed("it has a control character");
    }
    // U+FFFE and U+FFFF are EF BF BE and EF BF BF.
    if (byte == 0xef &&
        (text.substr(i, 3) == "\xef\xbf\xbe" || text.substr(i, 3) == "\xef\xbf\xbf")) {
      return malformed("it has a character that XML excludes");
    }
  }
  return {};
}

std::string local_name(std::string_view name) {
  const size_t colon = name.rfind(':');
  return std::string(colon == name.npos ? name : name.substr(colon + 1));
}

// Recursive, which the depth bounds; false past it. The scanner has refused such a text before.
bool copy_element(const pugi::xml_node& from, XmlElement& to, size_t depth_left) {
  if (depth_left == 0) return false;
  to.name = local_name(from.name());
  for (const pugi::xml_node& node : from.children()) {
    if (node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata) {
      to.text += node.value();
    } else if (node.type() == pugi::node_element) {
      if (!copy_element(node, to.children.emplace_back(), depth_left - 1)) return false;
    }
  }
  return true;
}

}  // namespace

const XmlElement* XmlElement::child(std::string_view child_name) const noexcept {
  for (const XmlElement& element : children) {
    if (element.name == child_name) return &element;
  }
  return nullptr;
}

std::string_view XmlElement::child_text(std::string_view child_name) const noexcept {
  const XmlElement* const element = child(child_name);
  return element == nullptr ? std::string_view() : std::string_view(element->text);
}

Result<XmlElement> parse_xml(std::string_view text, const XmlLimits& limits) {
  if (text.size() > limits.bytes_max) return malformed("it is too long");
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  TRY(check_characters(text));
  TRY(Scanner(text, limits).scan());
  pugi::xml_document document;
  // Escapes, CDATA and ends of line as XML says; neither comments nor instructions are kept.
  // White space counts only where an element holds nothing else.
  const unsigned options = pugi::parse_escapes | pugi::parse_cdata | pugi::parse_eol |
                           pugi::parse_ws_pcdata_single | pugi::parse_wconv_attribute;
  const pugi::xml_parse_result parsed =
      document.load_buffer(text.data(), text.size(), options, pugi::encoding_utf8);
  if (!parsed) return malformed(parsed.description());
  const pugi::xml_node root = document.document_element();
  if (!root) return malformed("it has no root element");
  if (root.next_sibling() || root.previous_sibling()) {
    return malformed("something stands outside the root element");
  }
  XmlElement element;
  if (!copy_element(root, element, std::min(limits.depth_max, kDepthCeiling))) {
    return malformed("it is nested too deeply");
  }
  return element;
}

}  // namespace strata::codec
