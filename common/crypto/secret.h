// Secret: 32 bytes of key that are wiped when they die. Never logged, never compared in variable
// time.
#pragma once

#include <array>
#include <cstddef>

#include "common/base/bytes.h"

namespace strata::crypto {

inline constexpr size_t kKeyBytes = 32;

// A value: copies are wiped one by one. Thread rule: plain data.
class Secret {
 public:
  Secret() = default;
  // Of kKeyBytes (CHECK).
  explicit Secret(Bytes bytes);
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  ~Secret();

  [[nodiscard]] Bytes bytes() const noexcept { return bytes_; }
  // To be filled.
  [[nodiscard]] MutableBytes room() noexcept { return bytes_; }

 private:
  std::array<std::byte, kKeyBytes> bytes_{};
};

// Overwrites bytes in a way that the compiler does not leave out.
void wipe(MutableBytes bytes) noexcept;

}  // namespace strata::crypto
