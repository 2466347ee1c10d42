#include "common/base/parse.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "common/base/bytes.h"

namespace strata {

std::optional<uint64_t> parse_u64(std::string_view text) noexcept {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

Result<uint64_t> parse_size(std::string_view text) {
  const auto bad = [&] {
    return Error(Code::kInvalidArgument,
                 fmt::format("'{}' is not a size: write a number with K, M, G or T, as in 10G",
                             text.substr(0, 40)));
  };
  const size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  std::string unit = ascii_lower(text.substr(digits));
  if (unit.ends_with("ib") && unit.size() == 3) unit.resize(1);
  if (unit.ends_with("b") && unit.size() <= 2) unit.pop_back();
  uint64_t factor = 1;
  if (unit == "k")
    factor = kKiB;
  else if (unit == "m")
    factor = kMiB;
  else if (unit == "g")
    factor = kGiB;
  else if (unit == "t")
    factor = kTiB;
  else if (!unit.empty())
    return bad();
  const std::string_view number = text.substr(0, digits);
  if (const auto whole = parse_u64(number)) {
    if (*whole > UINT64_MAX / factor) return bad();
    return *whole * factor;
  }
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (number.empty() || error != std::errc() || end != number.data() + number.size()) return bad();
  const double bytes = value * static_cast<double>(factor);
  if (factor == 1 || bytes >= 9.2e18) return bad();
  return static_cast<uint64_t>(std::llround(bytes));
}

Result<uint64_t> parse_duration_ms(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, double>, 5> kUnits = {
      {{"ms", 1.0}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}, {"d", 86'400e3}}};
  constexpr double kDurationMsMax = 100 * 366 * 86'400e3;
  const size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  for (const auto& [unit, factor] : kUnits) {
    if (text.substr(digits) != unit) continue;
    const Result<double> number = parse_number(text.substr(0, digits));
    if (!number.ok() || *number * factor > kDurationMsMax) break;
    return static_cast<uint64_t>(std::llround(*number * factor));
  }
  return Error(
      Code::kInvalidArgument,
      fmt::format("'{}' is not a duration: write a number with ms, s, m, h or d, as in 90s",
                  text.substr(0, 40)));
}

std::string format_duration(double seconds) {
  constexpr std::array<std::pair<std::string_view, double>, 4> kUnits = {
      {{"d", 86'400.0}, {"h", 3600.0}, {"min", 60.0}, {"s", 1.0}}};
  for (const auto& [unit, factor] : kUnits) {
    if (seconds >= factor) return fmt::format("{:.4g} {}", seconds / factor, unit);
  }
  return fmt::format("{:.4g} ms", seconds * 1e3);
}

Result<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() ||
      !std::isfinite(value) || std::signbit(value)) {
    return Error(Code::kInvalidArgument,
                 fmt::format("'{}' is not a number, as in 0.5 or 1e-15", text.substr(0, 40)));
  }
  return value;
}

Result<double> parse_fraction(std::string_view text) {
  const bool percent = text.ends_with('%');
  const Result<double> number = parse_number(percent ? text.substr(0, text.size() - 1) : text);
  if (number.ok()) return percent ? *number / 100 : *number;
  return Error(Code::kInvalidArgument,
               fmt::format("'{}' is not a share, as in 1.5% or 0.015", text.substr(0, 40)));
}

std::string format_size(uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  double value = static_cast<double>(bytes);
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  if (value == std::floor(value)) return fmt::format("{:.0f} {}", value, kUnits[unit]);
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string HostPort::to_string() const {
  if (host.find(':') != std::string::npos) return fmt::format("[{}]:{}", host, port);
  return fmt::format("{}:{}", host, port);
}

bool HostPort::is_loopback() const {
  in_addr address{};
  const bool numeric = inet_pton(AF_INET, host.c_str(), &address) == 1;
  return host == "localhost" || host == "::1" ||
         (numeric && (ntohl(address.s_addr) >> 24) == IN_LOOPBACKNET);
}

Result<HostPort> parse_host_port(std::string_view text) {
  const size_t colon = text.rfind(':');
  const auto bad = [&] {
    return Error(Code::kInvalidArgument,
                 fmt::format("'{}' is not HOST:PORT, as in 127.0.0.1:9000", text.substr(0, 80)));
  };
  if (colon == std::string_view::npos || text.size() > 300) return bad();
  std::string_view host = text.substr(0, colon);
  const auto port = parse_u64(text.substr(colon + 1));
  if (!port || *port > 65535) return bad();
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return bad();
  }
  return HostPort{host.empty() ? std::string("0.0.0.0") : std::string(host),
                  static_cast<uint16_t>(*port)};
}

std::string ascii_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool ascii_iequals(std::string_view a, std::string_view b) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trim(std::string_view text) noexcept {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace strata
