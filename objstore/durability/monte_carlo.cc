#include "objstore/durability/monte_carlo.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "objstore/durability/closed_form.h"
#include "objstore/durability/trials.h"

namespace strata::durability {
namespace {

// Mean and variance of the trials' weights, in one pass (B. P. Welford, 1962).
class Tally {
 public:
  void add(double weight) {
    ++count_;
    const double delta = weight - mean_;
    mean_ += delta / static_cast<double>(count_);
    squares_ += delta * (weight - mean_);
    if (weight > 0) ++hits_;
  }
  // `machine`: the yearly rate of an independent event that loses everything.
  [[nodiscard]] Estimate estimate(double machine) const {
    constexpr double kSigmas95 = 1.959964;
    const double n = static_cast<double>(count_);
    const double error = std::sqrt(squares_ / (n - 1) / n);
    const double low = std::max(0.0, mean_ - kSigmas95 * error);
    const double high = std::min(1.0, mean_ + kSigmas95 * error);
    return Estimate{.chance = or_event(std::min(1.0, mean_), machine),
                    .low = or_event(low, machine),
                    .high = or_event(high, machine),
                    .hits = hits_};
  }

 private:
  uint64_t count_ = 0;
  uint64_t hits_ = 0;
  double mean_ = 0;
  double squares_ = 0;
};

}  // namespace

Status MonteCarloOptions::check() const {
  if (trials < kTrialsMin || trials > kTrialsMax) {
    return Error(Code::kInvalidArgument,
                 fmt::format("{} trials; give from {} to {}", trials, kTrialsMin, kTrialsMax));
  }
  if (!(shape >= kShapeMin && shape <= kShapeMax)) {
    return Error(Code::kInvalidArgument, fmt::format("a Weibull shape of {:g}; give from {} to {}",
                                                     shape, kShapeMin, kShapeMax));
  }
  return {};
}

MonteCarlo simulate(const Model& model, const MonteCarloOptions& options) {
  MonteCarlo out;
  Dice dice(options.seed);
  {
    ObjectTrial trial(model, options, dice);
    Tally tally;
    for (uint64_t i = 0; i < options.trials; ++i) tally.add(trial.run());
    out.object_loss = tally.estimate(model.machine_afr);
  }
  SystemTrial trial(model, options, dice);
  Tally tally;
  for (uint64_t i = 0; i < options.trials; ++i) tally.add(trial.run());
  out.any_loss = tally.estimate(model.machine_afr);
  return out;
}

}  // namespace strata::durability
