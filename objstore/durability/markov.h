// Markov chains in continuous time with one absorbing state, "lost".
//
// Everything is sums, products and quotients of numbers that are not negative: nothing cancels, so
// that a chance of 1e-25 comes out with about as many good digits as one of 0.5. (A general matrix
// exponential loses everything below 1e-16.)
#pragma once

#include <cstddef>
#include <vector>

namespace strata::durability {

class Chain {
 public:
  // `states` transient ones, numbered from 0; `lost` is the number after them.
  explicit Chain(size_t states);
  [[nodiscard]] size_t states() const noexcept { return states_; }
  [[nodiscard]] size_t lost() const noexcept { return states_; }

  // A transition with this rate in events a year. from is not the lost state; from != to.
  void add(size_t from, size_t to, double rate);

  // The chance of being lost within so many years after a start in `from`.
  [[nodiscard]] double loss_within(double years, size_t from = 0) const;
  // The mean time to the loss in years; infinite if it cannot happen.
  [[nodiscard]] double mean_years_to_loss(size_t from = 0) const;

 private:
  [[nodiscard]] double rate(size_t from, size_t to) const {
    return rates_[from * (states_ + 1) + to];
  }
  size_t states_;
  std::vector<double> rates_;  // row `from`, column `to`; the diagonal is zero
};

}  // namespace strata::durability
