#include "blockdev/volume/export_name.h"

#include "blockdev/volume/metadata.h"

namespace strata::volume {
namespace {

constexpr std::string_view kReadOnly = "ro";
constexpr std::string_view kAttach = "attach-";
constexpr size_t kShortTokenBytes = 8;

}  // namespace

std::optional<ExportName> parse_export_name(std::string_view text) noexcept {
  size_t colon = text.find(':');
  ExportName out{.volume = text.substr(0, colon)};
  std::string_view rest = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  if (colon != std::string_view::npos && rest.empty()) return std::nullopt;
  if (rest.starts_with(kAttach)) {
    colon = rest.find(':');
    out.token = rest.substr(0, colon).substr(kAttach.size());
    // A token has the form of a volume's id.
    if (!is_volume_id(out.token)) return std::nullopt;
    if (colon == std::string_view::npos) return out;
    rest.remove_prefix(colon + 1);
    if (rest.empty()) return std::nullopt;
  }
  if (rest.empty()) return out;
  if (rest != kReadOnly) return std::nullopt;
  out.read_only = true;
  return out;
}

std::string_view short_token(std::string_view token) noexcept {
  return token.substr(0, kShortTokenBytes);
}

std::string attachment_export(std::string_view volume, std::string_view token, bool read_only) {
  std::string out(volume);
  out += ':';
  out += kAttach;
  out += token;
  if (read_only) out += ":ro";
  return out;
}

}  // namespace strata::volume
