#include "blockdev/volume/record_text.h"

#include <fmt/format.h>

#include "common/digest/checksum.h"

namespace strata::volume {

std::optional<std::string_view> take_value(std::string_view& text, std::string_view key) {
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view line = text.substr(0, end);
  if (!line.starts_with(key) || line.substr(key.size(), 1) != " ") return std::nullopt;
  line.remove_prefix(key.size() + 1);
  text.remove_prefix(end + 1);
  return line;
}

std::string checksum_text(std::string_view text) {
  return fmt::format("{:016x}", digest::xxh3(as_bytes(text)));
}

}  // namespace strata::volume
