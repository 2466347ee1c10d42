// The chance of loss from two Markov chains.
//
// One object: of its R copies, so many can be read, so many are bad and nobody knows, so many went
// with their drive. Failures, latent errors, scrubs and rebuilds move copies between the three; the
// object is lost when none can be read.
//
// Any object: so many of the N drives have failed. Each object lies on R drives, every choice of R
// being equally likely (rendezvous placement). A further failure loses what has no other readable
// copy; a latent error loses what had its last one there.
//
// All times are exponential here, with the right means. A repair of one drive does not slow down
// that of another.
#pragma once

#include "objstore/durability/markov.h"
#include "objstore/durability/model.h"

namespace strata::durability {

// How loss depends on the number of drives that are down. Latent errors are averaged: a copy on a
// drive that works is bad with the chance that it has in the long run.
class Placement {
 public:
  explicit Placement(const Model& model) : model_(model) {}
  // The chance that something is lost when one more drive fails while `down` are down.
  [[nodiscard]] double loss_at_failure(uint32_t down) const;
  // The rate at which latent errors lose something while `down` are down, a year.
  [[nodiscard]] double loss_rate(uint32_t down) const;

 private:
  const Model& model_;
};

[[nodiscard]] Chain object_chain(const Model& model);
[[nodiscard]] Chain system_chain(const Model& model);

struct ClosedForm {
  double object_loss = 0;         // of one object within the year
  double any_loss = 0;            // of any object within the year
  double object_mttdl_years = 0;  // without the machine's own failures
  double any_mttdl_years = 0;
};
[[nodiscard]] ClosedForm solve(const Model& model);

// The chance of p, or of an independent event with that yearly rate, within the year.
[[nodiscard]] double or_event(double p, double rate) noexcept;

}  // namespace strata::durability
