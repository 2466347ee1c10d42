// Views of memory and fixed-width integers in it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;
using ByteVector = std::vector<std::byte>;

[[nodiscard]] inline Bytes as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string_view as_text(Bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
[[nodiscard]] inline std::string to_string(Bytes bytes) {
  return std::string(as_text(bytes));
}

inline constexpr uint64_t kKiB = 1024;
inline constexpr uint64_t kMiB = 1024 * kKiB;
inline constexpr uint64_t kGiB = 1024 * kMiB;
inline constexpr uint64_t kTiB = 1024 * kGiB;

namespace detail {
template <typename T>
[[nodiscard]] constexpr T swap_bytes(T value) noexcept {
  if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(value));
  if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(value));
  if constexpr (sizeof(T) == 8) return static_cast<T>(__builtin_bswap64(value));
  return value;
}
}  // namespace detail

// Loads and stores of unsigned integers at any alignment; the caller has checked the bounds.
template <typename T>
[[nodiscard]] T load_big(const std::byte* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::little ? detail::swap_bytes(value) : value;
}
template <typename T>
[[nodiscard]] T load_little(const std::byte* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::big ? detail::swap_bytes(value) : value;
}
template <typename T>
void store_big(std::byte* to, T value) noexcept {
  if constexpr (std::endian::native == std::endian::little) value = detail::swap_bytes(value);
  std::memcpy(to, &value, sizeof value);
}
template <typename T>
void store_little(std::byte* to, T value) noexcept {
  if constexpr (std::endian::native == std::endian::big) value = detail::swap_bytes(value);
  std::memcpy(to, &value, sizeof value);
}

// Rounds to a multiple of `unit`, a power of two. round_up wraps past 2^64: bound the value first.
[[nodiscard]] constexpr uint64_t round_down(uint64_t value, uint64_t unit) noexcept {
  return value & ~(unit - 1);
}
[[nodiscard]] constexpr uint64_t round_up(uint64_t value, uint64_t unit) noexcept {
  return (value + unit - 1) & ~(unit - 1);
}

}  // namespace strata
