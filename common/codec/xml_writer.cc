#include <array>

#include "common/base/check.h"
#include "common/codec/text.h"
#include "common/codec/xml.h"

namespace strata::codec {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

// Bytes of the character at the front of `text` if XML 1.0 can hold it, else 0.
size_t character_length(std::string_view text) {
  const auto lead = static_cast<uint8_t>(text.front());
  const size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (length > text.size()) return 0;
  const std::string_view character = text.substr(0, length);
  if (length == 1) return lead >= 0x20 || lead == '\t' || lead == '\n' || lead == '\r' ? 1 : 0;
  if (character == "\xef\xbf\xbe" || character == "\xef\xbf\xbf" || !is_utf8(character)) return 0;
  return length;
}

// Whether a byte stands for itself wherever it is: nearly every byte of nearly every text.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (size_t byte = 0x20; byte < 0x80; ++byte) plain[byte] = true;
  for (const char special : {'&', '<', '>', '"'}) plain[static_cast<uint8_t>(special)] = false;
  return plain;
}();

size_t plain_length(std::string_view text) {
  size_t length = 0;
  while (length < text.size() && kPlain[static_cast<uint8_t>(text[length])]) ++length;
  return length;
}

void append_escaped(std::string& out, std::string_view text, bool in_attribute) {
  while (true) {
    const size_t plain = plain_length(text);
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) return;
    const size_t length = character_length(text);
    if (length == 0) {
      out += kReplacement;
      text.remove_prefix(1);
      continue;
    }
    switch (text.front()) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\r':  // a reader would turn a bare one into a line feed
        out += "&#13;";
        break;
      case '\t':
      case '\n':  // a reader would turn these into spaces, but only in attributes
        if (in_attribute) {
          out += text.front() == '\t' ? "&#9;" : "&#10;";
          break;
        }
        [[fallthrough]];
      default:
        out.append(text.substr(0, length));
    }
    text.remove_prefix(length);
  }
}

}  // namespace

XmlWriter::XmlWriter(std::string_view root, std::string_view xmlns) {
  out_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  open(root);
  if (!xmlns.empty()) attribute("xmlns", xmlns);
}

XmlWriter& XmlWriter::expect(size_t bytes) {
  out_.reserve(out_.size() + bytes);
  return *this;
}

void XmlWriter::tag(std::string_view before, std::string_view name) {
  out_ += before;
  out_ += name;
  out_ += '>';
}

XmlWriter& XmlWriter::open(std::string_view name) {
  tag("<", name);
  open_.emplace_back(name);
  return *this;
}

XmlWriter& XmlWriter::close() {
  CHECK(!open_.empty(), "nothing is open");
  tag("</", open_.back());
  open_.pop_back();
  return *this;
}

XmlWriter& XmlWriter::element(std::string_view name, std::string_view text) {
  tag("<", name);
  append_escaped(out_, text, false);
  tag("</", name);
  return *this;
}

XmlWriter& XmlWriter::element(std::string_view name, uint64_t number) {
  return element(name, std::string_view(std::to_string(number)));
}

XmlWriter& XmlWriter::element(std::string_view name, bool value) {
  return element(name, std::string_view(value ? "true" : "false"));
}

XmlWriter& XmlWriter::attribute(std::string_view name, std::string_view value) {
  CHECK(!open_.empty() && out_.back() == '>', "an attribute needs a tag just opened");
  out_.pop_back();
  out_ += ' ';
  out_ += name;
  out_ += "=\"";
  append_escaped(out_, value, true);
  out_ += "\">";
  return *this;
}

std::string XmlWriter::finish() {
  while (!open_.empty()) close();
  return std::move(out_);
}

}  // namespace strata::codec
