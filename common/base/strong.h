// Strong integers: two numbers of the same width that must not be swapped get two types.
#pragma once

#include <compare>
#include <cstdint>

namespace strata {

// Use: struct SequenceTag; using Sequence = StrongInt<SequenceTag>;
template <typename Tag, typename Rep = uint64_t>
class StrongInt {
 public:
  constexpr StrongInt() = default;
  explicit constexpr StrongInt(Rep value) noexcept : value_(value) {}
  [[nodiscard]] constexpr Rep value() const noexcept { return value_; }
  [[nodiscard]] constexpr StrongInt next() const noexcept {
    return StrongInt(static_cast<Rep>(value_ + 1));
  }
  friend constexpr auto operator<=>(StrongInt, StrongInt) = default;

 private:
  Rep value_ = 0;
};

}  // namespace strata
