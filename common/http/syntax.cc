#include "common/http/syntax.h"

#include <array>
#include <cstdint>

namespace strata::http::syntax {
namespace {

enum Class : uint8_t { kToken = 1, kValue = 2, kTarget = 4, kHost = 8 };

constexpr std::array<uint8_t, 256> make_classes() {
  std::array<uint8_t, 256> classes{};
  const auto mark = [&classes](std::string_view bytes, uint8_t bits) {
    for (const char byte : bytes) classes[static_cast<unsigned char>(byte)] |= bits;
  };
  mark("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", kToken | kTarget | kHost);
  mark("!#$%&'*+-.^_`|~", kToken);
  mark("-._~%!$&'()*+,;=:", kTarget | kHost);
  // Brackets are gen-delims that RFC 3986 wants encoded in a query; many clients do not.
  mark("[]", kTarget | kHost);
  mark("/?@", kTarget);
  for (unsigned byte = 0x20; byte < 256; ++byte) {
    if (byte != 0x7f) classes[byte] |= kValue;
  }
  classes['\t'] |= kValue;
  return classes;
}
constexpr std::array<uint8_t, 256> kClasses = make_classes();

bool all_of_class(std::string_view text, uint8_t wanted) noexcept {
  uint8_t common = wanted;
  for (const char byte : text) common &= kClasses[static_cast<unsigned char>(byte)];
  return common != 0;
}

}  // namespace

bool is_token_byte(char byte) noexcept {
  return (kClasses[static_cast<unsigned char>(byte)] & kToken) != 0;
}
bool is_token(std::string_view text) noexcept {
  return !text.empty() && all_of_class(text, kToken);
}
bool is_field_value_byte(char byte) noexcept {
  return (kClasses[static_cast<unsigned char>(byte)] & kValue) != 0;
}
bool is_field_value(std::string_view text) noexcept {
  return all_of_class(text, kValue);
}
bool is_target(std::string_view text) noexcept {
  return !text.empty() && all_of_class(text, kTarget);
}
bool is_host(std::string_view text) noexcept {
  return !text.empty() && all_of_class(text, kHost);
}

}  // namespace strata::http::syntax
