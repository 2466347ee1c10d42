// How long drives live, and sampling of it under a hazard that has been raised.
#pragma once

#include <cmath>
#include <random>

namespace strata::durability {

// A Weibull law by its cumulative hazard H(age) = (age / scale)^shape; shape 1 is the exponential
// law, more than 1 wears out, less than 1 dies young. The scale is set so that H(1 year) is the
// failure rate: a new drive that is replaced when it fails has its AFR in its first year.
class Lifetime {
 public:
  Lifetime(double afr, double shape) : afr_(afr), shape_(shape) {}
  [[nodiscard]] double hazard_until(double age) const {
    return shape_ == 1 ? afr_ * age : afr_ * std::pow(age, shape_);
  }
  // The cumulative hazard between two ages.
  [[nodiscard]] double hazard(double from, double to) const {
    return hazard_until(to) - hazard_until(from);
  }
  // The age at which the hazard since `age` has reached `amount`.
  [[nodiscard]] double age_after(double age, double amount) const {
    const double total = hazard_until(age) + amount;
    return shape_ == 1 ? total / afr_ : std::pow(total / afr_, 1 / shape_);
  }

 private:
  double afr_;
  double shape_;
};

// Repeatable numbers from a seed; the same on every machine, unlike the standard distributions.
class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}
  [[nodiscard]] double uniform() {  // in (0, 1)
    return (static_cast<double>(engine_() >> 11) + 0.5) * 0x1p-53;
  }
  [[nodiscard]] double exponential() { return -std::log(uniform()); }  // of mean 1

 private:
  std::mt19937_64 engine_;
};

}  // namespace strata::durability
