#include "objstore/durability/monte_carlo.h"

#include <gtest/gtest.h>

#include <cmath>

#include "objstore/durability/closed_form.h"

namespace strata::durability {
namespace {

// How far the estimate is from the truth, in its own standard errors. The seeds below are fixed, so
// that a test that passes once passes always; four errors are a chance of 1 in 16,000.
double sigmas(const Estimate& estimate, double truth) {
  return std::abs(estimate.chance - truth) / ((estimate.high - estimate.low) / 2 / 1.96);
}

struct Case {
  uint32_t drives;
  uint32_t replicas;
  double afr;
  double latent_per_bit;
  double objects;
};

TEST(MonteCarlo, agrees_with_the_closed_form_on_common_and_on_rare_losses) {
  for (const Case& c :
       {Case{1, 1, 0.5, 0, 1e7}, Case{2, 2, 0.015, 0, 1e7}, Case{3, 3, 0.015, 1e-15, 1e7},
        Case{6, 3, 0.04, 1e-14, 1e4}, Case{5, 4, 0.02, 0, 1e6}, Case{4, 2, 5.0, 1e-15, 10},
        Case{3, 3, 0.01, 1e-10, 1e5}, Case{2, 2, 0.01, 1e-9, 1e6}}) {
    Model model;
    model.drives = c.drives;
    model.replicas = c.replicas;
    model.afr = c.afr;
    model.latent_per_bit = c.latent_per_bit;
    model.objects = c.objects;
    ASSERT_TRUE(model.check().ok());
    const ClosedForm truth = solve(model);
    const MonteCarlo seen =
        simulate(model, {.seed = 7, .trials = 40'000, .exponential_repair = true});
    const auto where = testing::Message()
                       << c.drives << " drives, " << c.replicas << " copies, afr " << c.afr
                       << ", latent " << c.latent_per_bit << ": " << truth.object_loss << " "
                       << seen.object_loss.chance << ", any " << truth.any_loss << " "
                       << seen.any_loss.chance;
    EXPECT_LT(sigmas(seen.object_loss, truth.object_loss), 4) << where;
    EXPECT_LT(sigmas(seen.any_loss, truth.any_loss), 4) << where;
    // Sharp enough to mean something: within 15 % either way.
    EXPECT_LT(seen.object_loss.high, seen.object_loss.low * 1.35) << where;
    EXPECT_LT(seen.any_loss.high, seen.any_loss.low * 1.35) << where;
  }
}

TEST(MonteCarlo, repairs_of_fixed_length_lose_as_much_to_first_order) {
  const Model model;
  const MonteCarlo seen = simulate(model, {.seed = 3, .trials = 40'000});
  EXPECT_NEAR(seen.object_loss.chance / solve(model).object_loss, 1, 0.1);
}

TEST(MonteCarlo, drives_that_wear_out_together_lose_more_than_their_yearly_rate_says) {
  Model model;
  model.latent_per_bit = 0;
  const double constant = solve(model).object_loss;
  const Estimate worn = simulate(model, {.seed = 3, .trials = 40'000, .shape = 3}).object_loss;
  // Three drives of the same age: the mean of (3 age^2)^3 over the year is 27/7.
  EXPECT_NEAR(worn.chance / constant, 27.0 / 7, 0.4);
}

TEST(MonteCarlo, the_same_seed_gives_the_same_numbers) {
  const Model model;
  const MonteCarlo a = simulate(model, {.seed = 5, .trials = 1000});
  const MonteCarlo b = simulate(model, {.seed = 5, .trials = 1000});
  EXPECT_EQ(a.object_loss.chance, b.object_loss.chance);
  EXPECT_EQ(a.any_loss.high, b.any_loss.high);
  EXPECT_NE(a.any_loss.chance, simulate(model, {.seed = 6, .trials = 1000}).any_loss.chance);
}

TEST(MonteCarlo, its_options_are_bounded) {
  EXPECT_TRUE(MonteCarloOptions().check().ok());
  EXPECT_FALSE(MonteCarloOptions{.trials = 1}.check().ok());
  EXPECT_FALSE(MonteCarloOptions{.trials = 1'000'000'000}.check().ok());
  EXPECT_FALSE(MonteCarloOptions{.shape = 0}.check().ok());
  EXPECT_FALSE(MonteCarloOptions{.shape = std::nan("")}.check().ok());
}

}  // namespace
}  // namespace strata::durability
