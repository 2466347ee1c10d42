// The chance of loss by simulation, drive by drive and event by event.
//
// Losses are far too rare to wait for. Importance sampling makes failures likelier exactly while
// they matter: before the first one, and while something waits for its repair; each trial carries
// the quotient of its true and its raised probability as a weight, and the mean weight of the
// trials that lost something is an unbiased estimate (failure biasing, balanced between the two
// kinds of failure: P. Shahabuddin, Management Science 40(3), 1994).
//
// Beyond the closed form: rebuilds that take a fixed time, scrubs at fixed times, drives whose
// failure rate changes with age.
#pragma once

#include <cstdint>

#include "objstore/durability/model.h"

namespace strata::durability {

inline constexpr uint64_t kTrialsMin = 100;
inline constexpr uint64_t kTrialsMax = 10'000'000;
inline constexpr double kShapeMin = 0.3;
inline constexpr double kShapeMax = 5;

struct MonteCarloOptions {
  uint64_t seed = 1;
  uint64_t trials = 100'000;
  // Of the Weibull law of a drive's life; 1: exponential. All drives are new when the year begins.
  double shape = 1;
  // Repairs and scrubs of exponential length, as in the closed form, instead of fixed ones.
  bool exponential_repair = false;
  [[nodiscard]] Status check() const;
};

// A chance, with the bounds between which it is with a confidence of 95 %.
struct Estimate {
  double chance = 0;
  double low = 0;
  double high = 0;
  uint64_t hits = 0;  // trials that lost something
};

struct MonteCarlo {
  Estimate object_loss;
  Estimate any_loss;
};

// The model and the options have passed their checks. Takes about a microsecond per trial and
// drive.
[[nodiscard]] MonteCarlo simulate(const Model& model, const MonteCarloOptions& options);

}  // namespace strata::durability
