// The small texts that more than one part of a signed request is made of. For this room only.
#pragma once

#include <algorithm>
#include <string_view>

namespace strata::sigv4 {

inline constexpr size_t kSignatureBytes = 64;

// 64 lower-case hex digits.
[[nodiscard]] inline bool is_signature(std::string_view text) noexcept {
  return text.size() == kSignatureBytes && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// A field name in lower case: RFC 9110 token characters without upper case, at least one.
[[nodiscard]] inline bool is_lower_token(std::string_view name) noexcept {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

}  // namespace strata::sigv4
