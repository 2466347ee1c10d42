// The lines of the small texts that a volume keeps on disk: "KEY VALUE\n" one after the other, and
// a checksum of them at the end.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace strata::volume {

// Takes the next line off the text and gives its value; nothing, and the text as it was, if the
// line has another key or no end.
[[nodiscard]] std::optional<std::string_view> take_value(std::string_view& text,
                                                         std::string_view key);

// XXH3 of the text, 64 bits as 16 hexadecimal digits.
[[nodiscard]] std::string checksum_text(std::string_view text);

}  // namespace strata::volume
