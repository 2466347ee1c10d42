#include "common/tls/psk.h"

#include <fmt/format.h>

#include <optional>

#include "common/base/parse.h"

namespace strata::tls {
namespace {

int digit_of(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> key_of(std::string_view hex) {
  if (hex.size() % 2 != 0 || hex.size() < 2 * kPskKeyBytesMin || hex.size() > 2 * kPskKeyBytesMax) {
    return std::nullopt;
  }
  std::string key;
  for (size_t i = 0; i < hex.size(); i += 2) {
    const int high = digit_of(hex[i]);
    const int low = digit_of(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    key += static_cast<char>(high << 4 | low);
  }
  return key;
}

}  // namespace

Result<PskKeys> parse_psk_file(std::string_view text) {
  if (text.size() > kPskFileBytesMax) {
    return Error(Code::kTooLarge, "the file of pre-shared keys is larger than 1 MiB");
  }
  PskKeys keys;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = trim(line);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.empty() || line.front() == '#') continue;
    const size_t colon = line.rfind(':');
    const std::string_view identity = line.substr(0, std::min(colon, line.size()));
    std::optional<std::string> key;
    if (colon != std::string_view::npos) key = key_of(line.substr(colon + 1));
    if (identity.empty() || identity.size() > kPskIdentityBytesMax || !key) {
      return Error(
          Code::kInvalidArgument,
          fmt::format("line {} of the pre-shared keys is not identity:hexkey with a key of "
                      "{} to {} bytes",
                      number, kPskKeyBytesMin, kPskKeyBytesMax));
    }
    if (!keys.emplace(identity, std::move(*key)).second) {
      return Error(Code::kInvalidArgument,
                   fmt::format("line {} of the pre-shared keys repeats an identity", number));
    }
  }
  if (keys.empty()) {
    return Error(Code::kInvalidArgument, "there is no key in the file of pre-shared keys");
  }
  return keys;
}

}  // namespace strata::tls
