#include "common/codec/text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace strata::codec {
namespace {

constexpr char kHexLower[] = "0123456789abcdef";
constexpr char kHexUpper[] = "0123456789ABCDEF";
constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t kBad = 0xff;

// The value of a hex digit, or kBad.
constexpr uint8_t hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return static_cast<uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<uint8_t>(c - 'A' + 10);
  return kBad;
}

constexpr std::array<uint8_t, 256> make_base64_values() {
  std::array<uint8_t, 256> values{};
  values.fill(kBad);
  for (uint8_t i = 0; i < 64; ++i) values[static_cast<uint8_t>(kBase64[i])] = i;
  return values;
}
constexpr std::array<uint8_t, 256> kBase64Values = make_base64_values();

// RFC 3986 unreserved: what UriEncode leaves alone.
constexpr std::array<bool, 256> make_unreserved() {
  std::array<bool, 256> unreserved{};
  for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                       "0123456789-._~")) {
    unreserved[static_cast<uint8_t>(c)] = true;
  }
  return unreserved;
}
constexpr std::array<bool, 256> kUnreserved = make_unreserved();

constexpr bool stays(char c, bool encode_slash) noexcept {
  return kUnreserved[static_cast<uint8_t>(c)] || (c == '/' && !encode_slash);
}

constexpr bool is_escape(char c, bool plus_is_space) noexcept {
  return c == '%' || (c == '+' && plus_is_space);
}

constexpr bool is_continuation(uint8_t byte) noexcept {
  return (byte & 0xc0) == 0x80;
}

// The length of the well-formed sequence at the front of `text`, or 0. Unicode table 3-7: overlong
// forms, surrogates and what is past U+10FFFF are not well-formed.
size_t utf8_sequence_length(std::string_view text) noexcept {
  const auto at = [text](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = at(0);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (text.size() < length) return 0;
  uint8_t second_min = 0x80;
  uint8_t second_max = 0xbf;
  if (lead == 0xe0) second_min = 0xa0;
  if (lead == 0xed) second_max = 0x9f;
  if (lead == 0xf0) second_min = 0x90;
  if (lead == 0xf4) second_max = 0x8f;
  if (at(1) < second_min || at(1) > second_max) return 0;
  for (size_t i = 2; i < length; ++i) {
    if (!is_continuation(at(i))) return 0;
  }
  return length;
}

}  // namespace

std::string to_hex(Bytes bytes) {
  return to_hex(as_text(bytes));
}

std::string to_hex(std::string_view raw) {
  std::string text(raw.size() * 2, '\0');
  for (size_t i = 0; i < raw.size(); ++i) {
    const auto byte = static_cast<uint8_t>(raw[i]);
    text[2 * i] = kHexLower[byte >> 4];
    text[2 * i + 1] = kHexLower[byte & 15];
  }
  return text;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string raw(text.size() / 2, '\0');
  for (size_t i = 0; i < raw.size(); ++i) {
    const uint8_t high = hex_value(text[2 * i]);
    const uint8_t low = hex_value(text[2 * i + 1]);
    if (high == kBad || low == kBad) return std::nullopt;
    raw[i] = static_cast<char>(high << 4 | low);
  }
  return raw;
}

std::string to_base64(std::string_view raw) {
  std::string text;
  text.reserve((raw.size() + 2) / 3 * 4);
  for (size_t i = 0; i < raw.size(); i += 3) {
    const size_t left = raw.size() - i;
    const auto byte = [&](size_t k) -> uint32_t {
      return k < left ? static_cast<uint8_t>(raw[i + k]) : 0u;
    };
    const uint32_t group = byte(0) << 16 | byte(1) << 8 | byte(2);
    text += kBase64[group >> 18];
    text += kBase64[(group >> 12) & 63];
    text += left > 1 ? kBase64[(group >> 6) & 63] : '=';
    text += left > 2 ? kBase64[group & 63] : '=';
  }
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string raw;
  raw.reserve(text.size() / 4 * 3);
  for (size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    size_t padding = 0;
    if (last && text[i + 3] == '=') padding = text[i + 2] == '=' ? 2 : 1;
    uint32_t group = 0;
    for (size_t k = 0; k < 4; ++k) {
      const uint8_t value =
          k + padding >= 4 ? uint8_t{0} : kBase64Values[static_cast<uint8_t>(text[i + k])];
      if (value == kBad) return std::nullopt;
      group = group << 6 | value;
    }
    // The bits that padding cuts off must be zero, so that each value has one spelling.
    if (padding == 1 && (group & 0xff) != 0) return std::nullopt;
    if (padding == 2 && (group & 0xffff) != 0) return std::nullopt;
    raw += static_cast<char>(group >> 16);
    if (padding < 2) raw += static_cast<char>((group >> 8) & 0xff);
    if (padding < 1) raw += static_cast<char>(group & 0xff);
  }
  return raw;
}

void append_uri_encoded(std::string& out, std::string_view raw, bool encode_slash) {
  while (!raw.empty()) {
    size_t plain = 0;  // what stays is copied in runs
    while (plain < raw.size() && stays(raw[plain], encode_slash)) ++plain;
    out.append(raw.substr(0, plain));
    if (plain == raw.size()) return;
    const auto byte = static_cast<uint8_t>(raw[plain]);
    out += '%';
    out += kHexUpper[byte >> 4];
    out += kHexUpper[byte & 15];
    raw.remove_prefix(plain + 1);
  }
}

std::string uri_encode(std::string_view raw, bool encode_slash) {
  std::string text;
  text.reserve(raw.size() + raw.size() / 8);
  append_uri_encoded(text, raw, encode_slash);
  return text;
}

bool is_uri_encoded(std::string_view text, bool encode_slash) noexcept {
  for (size_t i = 0; i < text.size(); ++i) {
    if (stays(text[i], encode_slash)) continue;
    if (text[i] != '%' || text.size() - i < 3) return false;
    const uint8_t high = hex_value(text[i + 1]);
    const uint8_t low = hex_value(text[i + 2]);
    if (high == kBad || low == kBad) return false;
    // The one spelling: upper case, and only where it is needed.
    if (text[i + 1] != kHexUpper[high] || text[i + 2] != kHexUpper[low]) return false;
    if (stays(static_cast<char>(high << 4 | low), encode_slash)) return false;
    i += 2;
  }
  return true;
}

std::optional<std::string> uri_decode(std::string_view text, bool plus_is_space) {
  std::string raw;
  raw.reserve(text.size());
  while (!text.empty()) {
    size_t plain = 0;  // what stays is copied in runs
    while (plain < text.size() && !is_escape(text[plain], plus_is_space)) ++plain;
    raw.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    if (text.front() == '+') {
      raw += ' ';
      text.remove_prefix(1);
      continue;
    }
    if (text.size() < 3) return std::nullopt;
    const uint8_t high = hex_value(text[1]);
    const uint8_t low = hex_value(text[2]);
    if (high == kBad || low == kBad) return std::nullopt;
    raw += static_cast<char>(high << 4 | low);
    text.remove_prefix(3);
  }
  return raw;
}

std::optional<std::string_view> uri_decode_view(std::string_view text, std::string& room,
                                                bool plus_is_space) {
  const auto escape = [plus_is_space](char c) { return is_escape(c, plus_is_space); };
  if (std::none_of(text.begin(), text.end(), escape)) return text;
  std::optional<std::string> decoded = uri_decode(text, plus_is_space);
  if (!decoded) return std::nullopt;
  room = std::move(*decoded);
  return room;
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const size_t length = utf8_sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace strata::codec
