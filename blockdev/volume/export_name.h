// What a client may ask for by an export's name, besides the volume.
//
//   db                        the volume; read-only while somebody else writes to it
//   db:ro                     the volume, read-only in any case
//   db:attach-TOKEN[:ro]      the volume, for the attachment of that token: refused, not read-only,
//                             while somebody else writes to it
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace strata::volume {

inline constexpr size_t kTokenBytes = 32;  // lower-case hexadecimal digits

struct ExportName {
  std::string_view volume;  // part of the given text; may be empty: the only volume
  bool read_only = false;
  std::string_view token = {};  // empty: no attachment
};

// Nothing if the part behind the volume's name is not one of these.
[[nodiscard]] std::optional<ExportName> parse_export_name(std::string_view text) noexcept;

// The beginning of an attachment's token: enough to tell one from another, and shown to people.
[[nodiscard]] std::string_view short_token(std::string_view token) noexcept;

// "db:attach-TOKEN" or "db:attach-TOKEN:ro".
[[nodiscard]] std::string attachment_export(std::string_view volume, std::string_view token,
                                            bool read_only);

}  // namespace strata::volume
