#include "objstore/durability/closed_form.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <vector>

namespace strata::durability {
namespace {

// exp(Q t) by its Taylor series over many short steps, in long double: slow, plain, independent.
long double loss_by_taylor(const std::vector<std::vector<double>>& rates, size_t lost) {
  const size_t n = rates.size();
  std::vector<long double> state(n, 0);
  state[0] = 1;
  constexpr int kSteps = 20'000;
  const auto derive = [&](const std::vector<long double>& p) {
    std::vector<long double> out(n, 0);
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) {
        out[j] += p[i] * rates[i][j];
        out[i] -= p[i] * rates[i][j];
      }
    }
    return out;
  };
  for (int step = 0; step < kSteps; ++step) {
    std::vector<long double> term = state;
    for (int k = 1; k <= 6; ++k) {
      term = derive(term);
      for (size_t i = 0; i < n; ++i) {
        term[i] /= static_cast<long double>(kSteps) * k;
        state[i] += term[i];
      }
    }
  }
  return state[lost];
}

Model without_latent_errors(uint32_t drives, uint32_t replicas) {
  Model model;
  model.drives = drives;
  model.replicas = replicas;
  model.latent_per_bit = 0;
  return model;
}

TEST(Chain, agrees_with_the_matrix_exponential_done_the_plain_way) {
  const std::vector<std::vector<double>> rates = {
      {0, 0.9, 0.05, 0}, {700, 0, 0.6, 1e-4}, {3, 1400, 0, 0.3}, {0, 0, 0, 0}};
  Chain chain(3);
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 4; ++j) {
      if (i != j) chain.add(i, j, rates[i][j]);
    }
  }
  const auto expected = static_cast<double>(loss_by_taylor(rates, 3));
  EXPECT_NEAR(chain.loss_within(1) / expected, 1, 1e-9);
}

TEST(Chain, tiny_chances_keep_their_digits) {
  // Five failures in a row without a repair: the rate to the fifth over 5!, to first order.
  Chain chain(5);
  for (size_t i = 0; i < 5; ++i) chain.add(i, i + 1, 1e-6);
  EXPECT_NEAR(chain.loss_within(1) / (1e-30 / 120), 1, 1e-5);
}

TEST(Chain, the_mean_time_to_loss_is_that_of_the_mirror_in_the_textbooks) {
  // Two drives, failure rate l, repair rate m: (3 l + m) / (2 l^2).
  const double l = 0.015;
  const double m = 730;
  Chain chain(2);
  chain.add(0, 1, 2 * l);
  chain.add(1, 0, m);
  chain.add(1, 2, l);
  EXPECT_NEAR(chain.mean_years_to_loss() / ((3 * l + m) / (2 * l * l)), 1, 1e-12);
  EXPECT_TRUE(std::isinf(Chain(1).mean_years_to_loss()));
  EXPECT_EQ(Chain(1).loss_within(1), 0);
}

TEST(ClosedForm, one_copy_is_lost_as_often_as_its_drive_fails) {
  Model model = without_latent_errors(1, 1);
  for (const double afr : {1e-6, 0.015, 0.5, 5.0}) {
    model.afr = afr;
    EXPECT_NEAR(solve(model).object_loss / -std::expm1(-afr), 1, 1e-9) << afr;
    EXPECT_NEAR(solve(model).object_mttdl_years * afr, 1, 1e-9);
  }
  model.drives = 4;
  model.afr = 0.015;
  EXPECT_NEAR(solve(model).object_loss, -std::expm1(-0.015), 1e-12);
  EXPECT_NEAR(solve(model).any_loss, -std::expm1(-4 * 0.015), 1e-12);
}

TEST(ClosedForm, two_and_three_copies_are_what_the_first_order_says) {
  const Model two = without_latent_errors(2, 2);
  const double t = two.repair_years();
  EXPECT_NEAR(solve(two).object_loss / (2 * 0.015 * 0.015 * t), 1, 0.01);
  EXPECT_NEAR(solve(two).any_loss / solve(two).object_loss, 1, 1e-9);
  const Model three = without_latent_errors(3, 3);
  EXPECT_NEAR(solve(three).object_loss / (3 * std::pow(0.015, 3) * t * t), 1, 0.01);
}

TEST(ClosedForm, with_many_objects_on_many_drives_any_r_failures_at_once_lose_one) {
  const Model model = without_latent_errors(12, 3);
  const double sets = 12 * 11 * 10 / 6.0;
  EXPECT_NEAR(solve(model).any_loss / (sets * solve(model).object_loss), 1, 0.01);
  Model few = model;
  few.objects = 1;
  EXPECT_NEAR(solve(few).any_loss / solve(few).object_loss, 1, 0.01);
}

TEST(ClosedForm, a_latent_error_on_the_last_copy_loses_it) {
  Model model;
  model.replicas = 2;
  model.drives = 2;
  model.latent_per_bit = 1e-14;
  // A drive fails; what the other one has of bad blocks is gone. Also those that come meanwhile.
  const double errors_a_year = model.latent_per_bit * 8 * model.capacity_bytes;
  const double window = model.scrub_years() + model.repair_years();
  const double by_latent = 2 * model.afr * errors_a_year * window;
  const double by_failures = 2 * model.afr * model.afr * model.repair_years();
  EXPECT_NEAR(solve(model).any_loss / (by_latent + by_failures), 1, 0.02);
}

TEST(ClosedForm, a_machine_that_takes_all_drives_is_a_floor) {
  Model model;
  model.machine_afr = 0.01;
  EXPECT_NEAR(solve(model).object_loss, -std::expm1(-0.01), 1e-9);
}

TEST(ClosedForm, loss_grows_with_failures_and_repair_times_and_falls_with_copies) {
  const bool holds = rc::check([] {
    Model model;
    model.drives = *rc::gen::inRange(2u, 16u);
    model.replicas = *rc::gen::inRange(1u, std::min(5u, model.drives));
    model.afr = *rc::gen::inRange(1, 1000) / 1000.0;
    model.rebuild_bytes_per_s = *rc::gen::inRange(1, 1000) * 1e6;
    model.scrub_s = *rc::gen::inRange(1, 60) * 86'400.0;
    model.objects = std::pow(10.0, *rc::gen::inRange(3, 10));
    RC_PRE(model.check().ok());
    const ClosedForm base = solve(model);
    RC_ASSERT(base.object_loss > 0 && base.object_loss <= 1 && base.any_loss <= 1);
    const double slack = 1 + 1e-9;
    // Not exactly: latent errors are averaged there, and here none has happened when the year
    // begins.
    // And a drive that waits for its repair cannot fail again.
    const double about = 1.01;
    RC_ASSERT(base.any_loss * about >= base.object_loss);
    Model worse = model;
    worse.afr *= 2;
    RC_ASSERT(solve(worse).object_loss * slack >= base.object_loss);
    RC_ASSERT(solve(worse).any_loss * about >= base.any_loss);
    worse = model;
    worse.detection_s += 86'400;
    RC_ASSERT(solve(worse).object_loss * slack >= base.object_loss);
    RC_ASSERT(solve(worse).any_loss * about >= base.any_loss);
    worse = model;
    worse.scrub_s *= 2;
    RC_ASSERT(solve(worse).object_loss * slack >= base.object_loss);
    Model better = model;
    better.replicas += 1;
    RC_ASSERT(solve(better).object_loss <= base.object_loss * slack);
  });
  EXPECT_TRUE(holds);
}

TEST(Model, every_number_out_of_bounds_is_named) {
  const auto refused = [](auto change) {
    Model model;
    change(model);
    return !model.check().ok();
  };
  EXPECT_TRUE(Model().check().ok());
  EXPECT_TRUE(refused([](Model& m) { m.drives = 0; }));
  EXPECT_TRUE(refused([](Model& m) { m.drives = 65; }));
  EXPECT_TRUE(refused([](Model& m) { m.replicas = 4; }));
  EXPECT_TRUE(refused([](Model& m) { m.replicas = 0; }));
  EXPECT_TRUE(refused([](Model& m) { m.afr = 0; }));
  EXPECT_TRUE(refused([](Model& m) { m.afr = std::nan(""); }));
  EXPECT_TRUE(refused([](Model& m) { m.rebuild_bytes_per_s = 1; }));
  EXPECT_TRUE(refused([](Model& m) { m.scrub_s = 0; }));
  EXPECT_TRUE(refused([](Model& m) { m.latent_per_bit = 1; }));
  EXPECT_TRUE(refused([](Model& m) { m.objects = 0; }));
  EXPECT_TRUE(refused([](Model& m) { m.machine_afr = 11; }));
  EXPECT_TRUE(refused([](Model& m) { m.repair = Repair::kSpread; }));
  Model spread;
  spread.drives = 5;
  spread.repair = Repair::kSpread;
  EXPECT_NEAR(spread.repair_seconds(), 3600 + 20'000, 1e-6);
}

}  // namespace
}  // namespace strata::durability
