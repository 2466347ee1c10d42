// Which bytes may stand where in an HTTP/1.1 message (RFC 9110 section 5, RFC 9112, RFC 3986).
//
// Thread rule: pure functions.
#pragma once

#include <string_view>

namespace strata::http::syntax {

// RFC 9110 tchar: what methods and field names are made of.
[[nodiscard]] bool is_token_byte(char byte) noexcept;
// At least one byte, all of them tchar.
[[nodiscard]] bool is_token(std::string_view text) noexcept;

// Visible ASCII, space, tab and bytes from 0x80: no CR, LF, NUL or other control. May be empty.
[[nodiscard]] bool is_field_value(std::string_view text) noexcept;
[[nodiscard]] bool is_field_value_byte(char byte) noexcept;

// What RFC 3986 allows in a path and query, still encoded; no fragment. At least one byte.
[[nodiscard]] bool is_target(std::string_view text) noexcept;

// The characters of host, port and IPv6 literal; no user information. At least one byte.
[[nodiscard]] bool is_host(std::string_view text) noexcept;

}  // namespace strata::http::syntax
