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
// %XX once; nullopt on a bad escape. '+' becomes a space only in query strings.
[[nodiscard]] std::optional<std::string> uri_decode(std::string_view text,
                                                    bool plus_is_space = false);

[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

}  // namespace strata::codec
