// Pre-shared keys and the text file they are kept in.
//
// Thread rule: pure functions and plain data.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace strata::tls {

inline constexpr size_t kPskFileBytesMax = kMiB;
inline constexpr size_t kPskIdentityBytesMax = 128;
inline constexpr size_t kPskKeyBytesMin = 16;
inline constexpr size_t kPskKeyBytesMax = 256;

// Identity to raw key.
using PskKeys = std::map<std::string, std::string, std::less<>>;

// One "identity:hexkey" a line, as psktool writes it; empty lines and lines that begin with '#' are
// passed over. kInvalidArgument with the line's number; the message never repeats a key.
[[nodiscard]] Result<PskKeys> parse_psk_file(std::string_view text);

}  // namespace strata::tls
