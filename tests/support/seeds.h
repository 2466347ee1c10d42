// Seeds of random tests: new ones each time, printed, and repeatable.
//
//   STRATA_TEST_SEED=N      this one, once
//   STRATA_TEST_SECONDS=N   longer than CI does
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "common/base/parse.h"
#include "common/base/random.h"

namespace strata::tests {

// The number in the variable, else the other one.
[[nodiscard]] inline uint64_t number_from(const char* variable, uint64_t otherwise) {
  const char* const given = std::getenv(variable);
  return given != nullptr ? parse_u64(given).value() : otherwise;
}

// STRATA_TEST_SEED, else a new one. Say it where a failure is told.
[[nodiscard]] inline uint64_t test_seed() {
  return number_from("STRATA_TEST_SEED", SystemRandom().next_u64() >> 32);
}

// Calls run(seed) for one seed after the other until the time is over or a check has failed, and
// prints the last. Returns how many runs there were.
template <typename Run>
int for_seeds(uint64_t seconds, Run run) {
  const bool once = std::getenv("STRATA_TEST_SEED") != nullptr;
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::seconds(number_from("STRATA_TEST_SECONDS", seconds));
  uint64_t seed = test_seed();
  int runs = 0;
  for (;; ++seed) {
    SCOPED_TRACE("STRATA_TEST_SEED=" + std::to_string(seed));
    run(seed);
    ++runs;
    if (::testing::Test::HasFailure() || once || std::chrono::steady_clock::now() >= end) break;
  }
  std::printf("%d runs, up to STRATA_TEST_SEED=%llu\n", runs,
              static_cast<unsigned long long>(seed));
  return runs;
}

}  // namespace strata::tests
