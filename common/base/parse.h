// Numbers, sizes and addresses as people write them. Every function bounds its input.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace strata {

// Decimal digits only, no sign, no space; nullopt for anything else or past 2^64-1.
[[nodiscard]] std::optional<uint64_t> parse_u64(std::string_view text) noexcept;

// "4096", "64K", "10G", "1.5T", "512MiB": powers of 1024; K M G T with optional "B" or "iB".
[[nodiscard]] Result<uint64_t> parse_size(std::string_view text);

// "250ms", "90s", "15m", "1.5h", "7d": a number and its unit, at most 100 years; in milliseconds.
[[nodiscard]] Result<uint64_t> parse_duration_ms(std::string_view text);

// 5400 -> "1.5 h", in the greatest unit that leaves at least 1.
[[nodiscard]] std::string format_duration(double seconds);

// "1.5%" or "0.015", as the fraction 0.015. Not negative; the caller has its own upper bound.
[[nodiscard]] Result<double> parse_fraction(std::string_view text);

// A decimal number as in "0.5" or "1e-15": not negative, finite.
[[nodiscard]] Result<double> parse_number(std::string_view text);

// 1536 -> "1.5 KiB".
[[nodiscard]] std::string format_size(uint64_t bytes);

// A TCP listening address.
struct HostPort {
  std::string host;
  uint16_t port = 0;
  [[nodiscard]] std::string to_string() const;  // IPv6 hosts in brackets
  [[nodiscard]] bool is_loopback() const;       // 127.0.0.0/8, ::1 or "localhost"
};
// "127.0.0.1:9000", "[::1]:9000", "localhost:9000", ":9000" (every address).
[[nodiscard]] Result<HostPort> parse_host_port(std::string_view text);

// Lower-case copy of ASCII letters; other bytes as they are.
[[nodiscard]] std::string ascii_lower(std::string_view text);
[[nodiscard]] bool ascii_iequals(std::string_view a, std::string_view b) noexcept;
// Without spaces and tabs at both ends.
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

}  // namespace strata
