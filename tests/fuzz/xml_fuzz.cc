// fuzz-deps: common_codec common_base
// parse_xml holds its limits on any input, and what it accepts survives being written and read
// again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/base/check.h"
#include "common/codec/text.h"
#include "common/codec/xml.h"

namespace {

using strata::codec::XmlElement;

struct Size {
  size_t elements = 0;
  size_t depth = 0;
};

Size measure(const XmlElement& element) {
  Size size{.elements = 1, .depth = 0};
  CHECK(strata::codec::is_utf8(element.text));
  for (const XmlElement& child : element.children) {
    const Size inner = measure(child);
    size.elements += inner.elements;
    size.depth = std::max(size.depth, inner.depth);
  }
  ++size.depth;
  return size;
}

void write(strata::codec::XmlWriter& writer, const XmlElement& element) {
  for (const XmlElement& child : element.children) {
    if (child.children.empty()) {
      writer.element(child.name, child.text);
    } else {
      writer.open(child.name);
      write(writer, child);
      writer.close();
    }
  }
}

void compare(const XmlElement& a, const XmlElement& b) {
  CHECK(a.name == b.name);
  CHECK(a.children.size() == b.children.size());
  for (size_t i = 0; i < a.children.size(); ++i) {
    if (a.children[i].children.empty()) CHECK(a.children[i].text == b.children[i].text);
    compare(a.children[i], b.children[i]);
  }
}

// Local names that an XML reader can read again; the parser is lenient about names.
bool names_are_plain(const XmlElement& element) {
  for (const char c : element.name) {
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))) return false;
  }
  if (element.name.empty()) return false;
  for (const XmlElement& child : element.children) {
    if (!names_are_plain(child)) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const strata::codec::XmlLimits limits{.bytes_max = 4096, .depth_max = 6, .elements_max = 50};
  const auto root = strata::codec::parse_xml(text, limits);
  if (!root.ok()) return 0;
  CHECK(size <= limits.bytes_max);
  const Size found = measure(*root);
  CHECK(found.depth <= limits.depth_max && found.elements <= limits.elements_max);
  CHECK(text.find("<!DOCTYPE") == text.npos || text.find("<![CDATA[") != text.npos ||
        text.find("<!--") != text.npos || text.find("<?") != text.npos);
  if (!names_are_plain(*root)) return 0;
  strata::codec::XmlWriter writer(root->name, "");
  write(writer, *root);
  const auto again = strata::codec::parse_xml(writer.finish());
  CHECK(again.ok(), "what was written must be readable");
  compare(*root, *again);
  return 0;
}
