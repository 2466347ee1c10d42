// Id128: 128 bits that name a cluster or a drive (random) or a blob (a stamp, then random bits).
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"

namespace strata::drive {

struct Id128 {
  std::array<std::byte, 16> bytes{};
  friend auto operator<=>(const Id128&, const Id128&) = default;
  // 32 lower-case hex digits.
  [[nodiscard]] std::string to_hex() const;
  // Exactly 32 hex digits, else nullopt.
  [[nodiscard]] static std::optional<Id128> from_hex(std::string_view text);
  // The sixteen bytes as a key of an index table.
  [[nodiscard]] std::string_view key() const noexcept { return as_text(Bytes(bytes)); }
  [[nodiscard]] static std::optional<Id128> from_key(std::string_view key);
};

}  // namespace strata::drive
