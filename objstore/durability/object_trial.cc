#include <algorithm>
#include <cmath>

#include "objstore/durability/trials.h"

namespace strata::durability {

ObjectTrial::ObjectTrial(const Model& model, const MonteCarloOptions& options, Dice& dice)
    : model_(model),
      options_(options),
      dice_(dice),
      lifetime_(model.afr, options.shape),
      // Where drives fail many times a year anyway, each repair needs less of a push.
      exposure_(std::min(1.0, 1 / (model.replicas * model.afr))),
      copies_(model.replicas) {}

double ObjectTrial::run() {
  begin_year();
  for (;;) {
    const double horizon = first_repair();
    const Raise raise = raise_until(horizon);
    const Next next = draw(raise, horizon);
    account(raise, next);
    now_ = next.at;
    if (next.kind == Next::Kind::kNone) return 0;  // the year is over
    apply(next);
    const bool readable = std::any_of(copies_.begin(), copies_.end(),
                                      [](const Copy& c) { return c.state == State::kGood; });
    if (!readable) return std::exp(log_weight_);
  }
}

void ObjectTrial::begin_year() {
  now_ = 0;
  log_weight_ = 0;
  for (Copy& copy : copies_) copy = Copy{.scrub_phase = dice_.uniform()};
}

double ObjectTrial::first_repair() const {
  double at = 1;
  for (const Copy& copy : copies_) {
    if (copy.state != State::kGood) at = std::min(at, copy.back_at);
  }
  return at;
}

ObjectTrial::Raise ObjectTrial::raise_until(double horizon) const {
  double failure = 0;
  double latent = 0;
  for (const Copy& copy : copies_) {
    if (copy.state != State::kGood) continue;
    failure += lifetime_.hazard(now_ - copy.drive_born, horizon - copy.drive_born);
    latent += model_.latent_rate() * (horizon - now_);
  }
  // With everything good the push is for the whole year, however much of it is left.
  const bool all_good = std::all_of(copies_.begin(), copies_.end(),
                                    [](const Copy& c) { return c.state == State::kGood; });
  const double wanted = (all_good ? horizon - now_ : 1.0) * exposure_;
  const double each = latent > 0 ? wanted / 2 : wanted;
  return Raise{.failure = failure > 0 ? std::max(1.0, each / failure) : 1,
               .latent = latent > 0 ? std::max(1.0, each / latent) : 1};
}

ObjectTrial::Next ObjectTrial::draw(const Raise& raise, double horizon) {
  Next next{.at = horizon};
  const auto offer = [&](double at, size_t copy, Next::Kind kind) {
    if (at < next.at) next = Next{.at = at, .copy = copy, .kind = kind};
  };
  for (size_t i = 0; i < copies_.size(); ++i) {
    const Copy& copy = copies_[i];
    if (copy.state != State::kGood && copy.back_at <= horizon) {
      next.copy = i;
      next.kind = Next::Kind::kBack;
    }
  }
  for (size_t i = 0; i < copies_.size(); ++i) {
    const Copy& copy = copies_[i];
    if (copy.state == State::kFailed) continue;
    const bool good = copy.state == State::kGood;
    const double push = good ? raise.failure : 1;
    const double fails_at =
        copy.drive_born + lifetime_.age_after(now_ - copy.drive_born, dice_.exponential() / push);
    offer(fails_at, i, good ? Next::Kind::kFailure : Next::Kind::kBadDriveFails);
    if (good && model_.latent_rate() > 0) {
      offer(now_ + dice_.exponential() / (raise.latent * model_.latent_rate()), i,
            Next::Kind::kLatent);
    }
  }
  return next;
}

void ObjectTrial::account(const Raise& raise, const Next& next) {
  for (const Copy& copy : copies_) {
    if (copy.state != State::kGood) continue;
    log_weight_ +=
        (raise.failure - 1) * lifetime_.hazard(now_ - copy.drive_born, next.at - copy.drive_born);
    log_weight_ += (raise.latent - 1) * model_.latent_rate() * (next.at - now_);
  }
  if (next.kind == Next::Kind::kFailure) log_weight_ -= std::log(raise.failure);
  if (next.kind == Next::Kind::kLatent) log_weight_ -= std::log(raise.latent);
}

void ObjectTrial::apply(const Next& next) {
  Copy& copy = copies_[next.copy];
  switch (next.kind) {
    case Next::Kind::kNone:
      break;
    case Next::Kind::kBack:
      if (copy.state == State::kFailed) copy.drive_born = now_;
      copy.state = State::kGood;
      break;
    case Next::Kind::kFailure:
    case Next::Kind::kBadDriveFails:
      copy.state = State::kFailed;
      copy.back_at =
          now_ + model_.repair_years() * (options_.exponential_repair ? dice_.exponential() : 1);
      break;
    case Next::Kind::kLatent: {
      copy.state = State::kLatent;
      const double period = 2 * model_.scrub_years();
      const double passes = std::floor(now_ / period - copy.scrub_phase) + 1;
      copy.back_at = options_.exponential_repair ? now_ + model_.scrub_years() * dice_.exponential()
                                                 : (passes + copy.scrub_phase) * period;
      break;
    }
  }
}

}  // namespace strata::durability
