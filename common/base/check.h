// CHECK: an assertion about our own code that is always on.
//
// Use it for what only a bug can break. What the outside world can break is a Result.
#pragma once

#include <string_view>

namespace strata {

// Prints the condition, the place and the note to standard error and aborts. Never returns.
[[noreturn]] void check_failed(const char* condition, const char* file, int line,
                               std::string_view note) noexcept;

}  // namespace strata

#define CHECK(condition, ...)                                                                \
  do {                                                                                       \
    if (!(condition)) [[unlikely]] {                                                         \
      ::strata::check_failed(#condition, __FILE__, __LINE__, std::string_view{__VA_ARGS__}); \
    }                                                                                        \
  } while (false)
