#include "common/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace strata {

void check_failed(const char* condition, const char* file, int line,
                  std::string_view note) noexcept {
  std::fprintf(stderr, "strata: bug: %s is false at %s:%d %.*s\n", condition, file, line,
               static_cast<int>(note.size()), note.data());
  std::fflush(stderr);
  std::abort();
}

}  // namespace strata
