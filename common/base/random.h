// Randomness as something that is handed in, so that a test can print and repeat its seed.
#pragma once

#include <cstdint>
#include <random>

#include "common/base/bytes.h"

namespace strata {

// A source of random bytes. Thread rule: each implementation says.
class RandomSource {
 public:
  virtual ~RandomSource() = default;
  virtual void fill(MutableBytes out) = 0;
  [[nodiscard]] uint64_t next_u64();
  // Uniform in [0, bound); bound > 0.
  [[nodiscard]] uint64_t below(uint64_t bound);
};

// The kernel's generator (getrandom). Safe from any thread; fit for secrets.
class SystemRandom final : public RandomSource {
 public:
  void fill(MutableBytes out) override;
};

// Repeatable from its seed. One thread at a time; never for secrets.
class SeededRandom final : public RandomSource {
 public:
  explicit SeededRandom(uint64_t seed) : engine_(seed) {}
  void fill(MutableBytes out) override;

 private:
  std::mt19937_64 engine_;
};

}  // namespace strata
