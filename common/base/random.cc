#include "common/base/random.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "common/base/check.h"

namespace strata {

uint64_t RandomSource::next_u64() {
  std::array<std::byte, 8> raw{};
  fill(raw);
  return load_little<uint64_t>(raw.data());
}

uint64_t RandomSource::below(uint64_t bound) {
  CHECK(bound > 0);
  // The largest multiple of bound below 2^64: values past it would favour small results.
  const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  uint64_t value = next_u64();
  while (value >= limit) value = next_u64();
  return value % bound;
}

void SystemRandom::fill(MutableBytes out) {
  while (!out.empty()) {
    // getrandom never returns short for up to 256 bytes once the kernel's pool is ready.
    const size_t want = std::min<size_t>(out.size(), 256);
    const ssize_t got = getrandom(out.data(), want, 0);
    CHECK(got > 0 || errno == EINTR, "getrandom failed");
    if (got > 0) out = out.subspan(static_cast<size_t>(got));
  }
}

void SeededRandom::fill(MutableBytes out) {
  while (!out.empty()) {
    std::array<std::byte, 8> raw{};
    store_little<uint64_t>(raw.data(), engine_());
    const size_t count = std::min(out.size(), raw.size());
    std::memcpy(out.data(), raw.data(), count);
    out = out.subspan(count);
  }
}

}  // namespace strata
