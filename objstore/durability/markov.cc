#include "objstore/durability/markov.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/base/check.h"

namespace strata::durability {
namespace {

// The last row of a square matrix product is not special: all of it is non-negative.
std::vector<double> multiply(const std::vector<double>& a, const std::vector<double>& b, size_t n) {
  std::vector<double> out(n * n, 0.0);
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k < n; ++k) {
      const double factor = a[i * n + k];
      if (factor == 0) continue;
      for (size_t j = 0; j < n; ++j) out[i * n + j] += factor * b[k * n + j];
    }
  }
  return out;
}

}  // namespace

Chain::Chain(size_t states) : states_(states), rates_(states * (states + 1), 0.0) {
  CHECK(states > 0);
}

void Chain::add(size_t from, size_t to, double rate) {
  CHECK(from < states_ && to <= states_ && from != to && rate >= 0);
  rates_[from * (states_ + 1) + to] += rate;
}

double Chain::loss_within(double years, size_t from) const {
  CHECK(from < states_ && years >= 0);
  const size_t n = states_ + 1;
  std::vector<double> leaving(states_, 0.0);
  double fastest = 0;
  for (size_t i = 0; i < states_; ++i) {
    for (size_t j = 0; j < n; ++j) leaving[i] += rate(i, j);
    fastest = std::max(fastest, leaving[i]);
  }
  if (fastest == 0 || years == 0) return 0;
  // Uniformisation (A. Jensen, 1953) over a step so short that at most one event is expected, then
  // squaring: the transition matrix of twice the time is the square of that of the time.
  const int doublings = std::max(0, std::ilogb(fastest * years) + 1);
  const double expected = std::ldexp(fastest * years, -doublings);
  std::vector<double> one(n * n, 0.0);  // the chain at its events
  for (size_t i = 0; i < states_; ++i) {
    for (size_t j = 0; j < n; ++j) one[i * n + j] = rate(i, j) / fastest;
    one[i * n + i] = (fastest - leaving[i]) / fastest;
  }
  one[n * n - 1] = 1;
  constexpr int kTerms = 24;  // the rest is below 1/24! of the sum
  std::vector<double> step(n * n, 0.0);
  std::vector<double> power(n * n, 0.0);
  for (size_t i = 0; i < n; ++i) power[i * n + i] = 1;
  double weight = std::exp(-expected);
  for (int term = 0; term <= kTerms; ++term) {
    for (size_t i = 0; i < n * n; ++i) step[i] += weight * power[i];
    power = multiply(power, one, n);
    weight *= expected / (term + 1);
  }
  for (int i = 0; i < doublings; ++i) {
    step = multiply(step, step, n);
    // Rounding would otherwise double with every squaring.
    for (size_t row = 0; row < n; ++row) {
      double sum = 0;
      for (size_t j = 0; j < n; ++j) sum += step[row * n + j];
      for (size_t j = 0; j < n; ++j) step[row * n + j] /= sum;
    }
  }
  return step[from * n + states_];
}

double Chain::mean_years_to_loss(size_t from) const {
  CHECK(from < states_);
  // Gauss elimination of one state after another, where the rate out of a state is the sum of its
  // rates and never a difference (after Grassmann, Taksar and Heyman, 1985).
  const size_t n = states_ + 1;
  std::vector<double> q = rates_;
  std::vector<double> held(states_, 1.0);  // expected stay, in units of the state's own clock
  std::vector<size_t> order;               // `from` is eliminated last
  for (size_t i = states_; i-- > 0;) {
    if (i != from) order.push_back(i);
  }
  std::vector<bool> gone(states_, false);
  for (const size_t k : order) {
    gone[k] = true;
    double out = q[k * n + states_];
    for (size_t j = 0; j < states_; ++j) {
      if (!gone[j]) out += q[k * n + j];
    }
    for (size_t i = 0; i < states_; ++i) {
      const double into = q[i * n + k];
      if (gone[i] || into == 0) continue;
      if (out == 0) return std::numeric_limits<double>::infinity();
      for (size_t j = 0; j < n; ++j) {
        if (j != i && (j == states_ || !gone[j])) q[i * n + j] += into * q[k * n + j] / out;
      }
      held[i] += into * held[k] / out;
    }
  }
  return held[from] / q[from * n + states_];
}

}  // namespace strata::durability
