#include <algorithm>
#include <cmath>

#include "objstore/durability/closed_form.h"
#include "objstore/durability/trials.h"

namespace strata::durability {
namespace {
// What is still intact below this adds nothing that a double could hold.
constexpr double kNothingLeft = 1e-12;
}  // namespace

SystemTrial::SystemTrial(const Model& model, const MonteCarloOptions& options, Dice& dice)
    : options_(options),
      dice_(dice),
      lifetime_(model.afr, options.shape),
      repair_years_(model.repair_years()),
      exposure_(std::min(1.0, 1 / (model.drives * model.afr))),
      drives_(model.drives) {
  const Placement placement(model);
  for (uint32_t down = 0; down <= model.drives; ++down) {
    loss_at_failure_.push_back(placement.loss_at_failure(down));
    loss_rate_.push_back(placement.loss_rate(down));
  }
}

double SystemTrial::run() {
  now_ = 0;
  down_ = 0;
  log_weight_ = 0;
  intact_ = 1;
  lost_ = 0;
  std::fill(drives_.begin(), drives_.end(), DriveState{});
  while (intact_ > kNothingLeft && step()) {
  }
  return lost_;
}

void SystemTrial::lose(double chance) {
  lost_ += std::exp(log_weight_) * intact_ * chance;
  intact_ *= 1 - chance;
}

bool SystemTrial::step() {
  double until = 1;
  size_t which = drives_.size();
  double hazard = 0;
  for (size_t i = 0; i < drives_.size(); ++i) {
    if (drives_[i].failed && drives_[i].back_at < until) {
      until = drives_[i].back_at;
      which = i;
    }
  }
  for (const DriveState& drive : drives_) {
    if (!drive.failed) hazard += lifetime_.hazard(now_ - drive.born, until - drive.born);
  }
  const double wanted = (down_ == 0 ? until - now_ : 1.0) * exposure_;
  const double raise = hazard > 0 ? std::max(1.0, wanted / hazard) : 1;
  bool failure = false;
  for (size_t i = 0; i < drives_.size(); ++i) {
    const DriveState& drive = drives_[i];
    if (drive.failed) continue;
    const double at =
        drive.born + lifetime_.age_after(now_ - drive.born, dice_.exponential() / raise);
    if (at >= until) continue;
    until = at;
    which = i;
    failure = true;
  }
  for (const DriveState& drive : drives_) {
    if (drive.failed) continue;
    log_weight_ += (raise - 1) * lifetime_.hazard(now_ - drive.born, until - drive.born);
  }
  if (failure) log_weight_ -= std::log(raise);
  // With the weight at the end of the time without an event: its mean is that of any moment within.
  lose(-std::expm1(-loss_rate_[down_] * (until - now_)));
  now_ = until;
  if (which == drives_.size()) return false;
  DriveState& drive = drives_[which];
  if (failure) {
    lose(loss_at_failure_[down_]);
    ++down_;
    drive.back_at = now_ + repair_years_ * (options_.exponential_repair ? dice_.exponential() : 1);
  } else {
    --down_;
    drive.born = now_;
  }
  drive.failed = failure;
  return true;
}

}  // namespace strata::durability
