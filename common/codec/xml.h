// XML in and out, bounded. pugixml stays behind this file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace strata::codec {

struct XmlLimits {
  size_t bytes_max = 2 * kMiB;
  size_t depth_max = 16;
  size_t elements_max = 60'000;
};

// A parsed element; namespaces are ignored, names are local names.
struct XmlElement {
  std::string name;
  std::string text;  // of this element's own character data, joined
  std::vector<XmlElement> children;
  [[nodiscard]] const XmlElement* child(
      std::string_view child_name) const noexcept;  // first, or null
  [[nodiscard]] std::string_view child_text(std::string_view child_name) const noexcept;
};

// kInvalidArgument for what is not well-formed, holds a DOCTYPE or passes a limit.
[[nodiscard]] Result<XmlElement> parse_xml(std::string_view text, const XmlLimits& limits = {});

// Builds a document front to back. Characters that XML 1.0 cannot hold are written as U+FFFD.
class XmlWriter {
 public:
  // Starts with the declaration and the root element.
  XmlWriter(std::string_view root, std::string_view xmlns);
  // Room for so much more text, for a document that will be long.
  XmlWriter& expect(size_t bytes);
  XmlWriter& open(std::string_view name);
  XmlWriter& close();
  XmlWriter& element(std::string_view name, std::string_view text);
  XmlWriter& element(std::string_view name, uint64_t number);
  XmlWriter& element(std::string_view name, bool value);  // true or false
  XmlWriter& element(std::string_view name, const char* text) {
    return element(name, std::string_view(text));
  }
  // Adds an attribute to the element opened last, before anything inside it.
  XmlWriter& attribute(std::string_view name, std::string_view value);
  // Closes what is open and gives the text.
  [[nodiscard]] std::string finish();

 private:
  void tag(std::string_view before, std::string_view name);
  std::string out_;
  std::vector<std::string> open_;
};

}  // namespace strata::codec
