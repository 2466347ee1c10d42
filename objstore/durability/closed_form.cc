#include "objstore/durability/closed_form.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace strata::durability {
namespace {

// n over k; 0 where k is more than n. Exact enough: n is at most 64, and only ratios are used.
double choose(uint32_t n, uint32_t k) {
  if (k > n) return 0;
  double out = 1;
  for (uint32_t i = 1; i <= k; ++i) out = out * (n - k + i) / i;
  return out;
}

// The long-run share of time in which a copy on a working drive is bad and unnoticed.
double latent_share(const Model& model) {
  const double bad = model.latent_rate() * model.scrub_years();
  return bad / (1 + bad);
}

}  // namespace

double Placement::loss_at_failure(uint32_t down) const {
  if (down >= model_.drives) return 0;
  // Of the objects on the failing drive: k more copies on drives that are down, the others bad.
  const uint32_t others = model_.replicas - 1;
  const double share = latent_share(model_);
  double chance = 0;
  for (uint32_t k = 0; k <= others; ++k) {
    const double ways = choose(down, k) * choose(model_.drives - 1 - down, others - k);
    chance += ways / choose(model_.drives - 1, others) * std::pow(share, others - k);
  }
  const double one = chance * model_.replicas / model_.drives;  // of a given object
  return -std::expm1(model_.objects * std::log1p(-std::min(one, 1.0)));
}

double Placement::loss_rate(uint32_t down) const {
  const double share = latent_share(model_);
  double rate = 0;
  for (uint32_t k = 0; k < model_.replicas; ++k) {
    const uint32_t left = model_.replicas - k;
    const double ways = choose(down, k) * choose(model_.drives - down, left);
    rate += ways / choose(model_.drives, model_.replicas) * left * model_.latent_rate() *
            std::pow(share, left - 1);
  }
  return model_.objects * rate;
}

Chain object_chain(const Model& model) {
  // A state: (latent, failed) with latent + failed < replicas; the rest of the copies is good.
  const uint32_t copies = model.replicas;
  std::vector<std::vector<size_t>> number(copies, std::vector<size_t>(copies, 0));
  size_t states = 0;
  for (uint32_t latent = 0; latent < copies; ++latent) {
    for (uint32_t failed = 0; latent + failed < copies; ++failed) number[latent][failed] = states++;
  }
  Chain chain(states);
  const auto state = [&](uint32_t latent, uint32_t failed) {
    return latent + failed < copies ? number[latent][failed] : chain.lost();
  };
  for (uint32_t latent = 0; latent < copies; ++latent) {
    for (uint32_t failed = 0; latent + failed < copies; ++failed) {
      const size_t here = state(latent, failed);
      const uint32_t good = copies - latent - failed;
      chain.add(here, state(latent, failed + 1), good * model.afr);
      chain.add(here, state(latent + 1, failed), good * model.latent_rate());
      if (latent > 0) {
        chain.add(here, state(latent - 1, failed + 1), latent * model.afr);
        chain.add(here, state(latent - 1, failed), latent / model.scrub_years());
      }
      if (failed > 0) chain.add(here, state(latent, failed - 1), failed / model.repair_years());
    }
  }
  return chain;
}

Chain system_chain(const Model& model) {
  Chain chain(model.drives + 1);
  const Placement placement(model);
  for (uint32_t down = 0; down <= model.drives; ++down) {
    chain.add(down, chain.lost(), placement.loss_rate(down));
    if (down > 0) chain.add(down, down - 1, down / model.repair_years());
    if (down == model.drives) continue;
    const double failures = (model.drives - down) * model.afr;
    const double loss = placement.loss_at_failure(down);
    chain.add(down, chain.lost(), failures * loss);
    chain.add(down, down + 1, failures * (1 - loss));
  }
  return chain;
}

double or_event(double p, double rate) noexcept {
  return p + (1 - p) * -std::expm1(-rate);
}

ClosedForm solve(const Model& model) {
  const Chain object = object_chain(model);
  const Chain system = system_chain(model);
  return ClosedForm{.object_loss = or_event(object.loss_within(1), model.machine_afr),
                    .any_loss = or_event(system.loss_within(1), model.machine_afr),
                    .object_mttdl_years = object.mean_years_to_loss(),
                    .any_mttdl_years = system.mean_years_to_loss()};
}

}  // namespace strata::durability
