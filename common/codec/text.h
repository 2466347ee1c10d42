// Hex, base64 and percent encoding.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"

namespace strata::codec {

[[nodiscard]] std::string to_hex(Bytes bytes);  // lower case
[[nodiscard]] std::string to_hex(std::string_view raw);
[[nodiscard]] std::optional<std::string> from_hex(std::string_view text);  // either case

// RFC 4648 with padding, strict: no spaces, padding required, unused bits zero.
[[nodiscard]] std::string to_base64(std::string_view raw);
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

// AWS's UriEncode: unreserved bytes stay, all others become %XX in upper case; '/' only if asked.
[[nodiscard]] std::string uri_encode(std::string_view raw, bool encode_slash);
void append_uri_encoded(std::string& out, std::string_view raw, bool encode_slash);
// Whether the text is what UriEncode makes of what it decodes to, so that it can stay as it is.
[[nodiscard]] bool is_uri_encoded(std::string_view text, bool encode_slash) noexcept;
// %XX once; nullopt on a bad escape. '+' becomes a space only in query strings.
[[nodiscard]] std::optional<std::string> uri_decode(std::string_view text,
                                                    bool plus_is_space = false);
// The same without a copy where there is nothing to decode: a view of `text`, else of `room`, which
// it replaces.
[[nodiscard]] std::optional<std::string_view> uri_decode_view(std::string_view text,
                                                              std::string& room,
                                                              bool plus_is_space = false);

[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

}  // namespace strata::codec
