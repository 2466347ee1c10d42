// One simulated year: of one object's copies, and of all drives. A trial's result is its weight: 0
// if nothing was lost; else true over raised probability of what happened (see monte_carlo.h).
//
// Thread rule: one thread at a time.
#pragma once

#include <cstddef>
#include <vector>

#include "objstore/durability/lifetimes.h"
#include "objstore/durability/model.h"
#include "objstore/durability/monte_carlo.h"

namespace strata::durability {

// One object: its drives fail, its copies get latent errors, each on its own.
class ObjectTrial {
 public:
  // The references outlive the trial.
  ObjectTrial(const Model& model, const MonteCarloOptions& options, Dice& dice);
  [[nodiscard]] double run();

 private:
  enum class State { kGood, kLatent, kFailed };
  struct Copy {
    State state = State::kGood;
    double drive_born = 0;
    double scrub_phase = 0;
    double back_at = 0;  // when a scrub or rebuild makes it good; for one that is not
  };
  struct Next {  // the next event, and of which copy
    double at = 1;
    size_t copy = 0;
    enum class Kind { kNone, kBack, kFailure, kLatent, kBadDriveFails } kind = Kind::kNone;
  };
  struct Raise {  // by how much the two hazards of good copies are raised
    double failure = 1;
    double latent = 1;
  };
  void begin_year();
  [[nodiscard]] double first_repair() const;
  [[nodiscard]] Raise raise_until(double horizon) const;
  [[nodiscard]] Next draw(const Raise& raise, double horizon);
  void account(const Raise& raise, const Next& next);
  void apply(const Next& next);

  const Model& model_;
  const MonteCarloOptions& options_;
  Dice& dice_;
  Lifetime lifetime_;
  double exposure_;  // expected number of raised events before the next repair
  std::vector<Copy> copies_;
  double now_ = 0;
  double log_weight_ = 0;
};

// All drives. What their failures lose is not drawn but reckoned (Placement), and adds up.
class SystemTrial {
 public:
  SystemTrial(const Model& model, const MonteCarloOptions& options, Dice& dice);
  [[nodiscard]] double run();

 private:
  struct DriveState {
    bool failed = false;
    double born = 0;
    double back_at = 0;
  };
  // Moves to the next event; false when the year is over.
  [[nodiscard]] bool step();
  void lose(double chance);

  const MonteCarloOptions& options_;
  Dice& dice_;
  Lifetime lifetime_;
  double repair_years_;
  double exposure_;
  std::vector<double> loss_at_failure_;  // by the number of drives down
  std::vector<double> loss_rate_;
  std::vector<DriveState> drives_;
  size_t down_ = 0;
  double now_ = 0;
  double log_weight_ = 0;
  double intact_ = 1;  // the chance that nothing is lost yet
  double lost_ = 0;    // the sum of weighted losses
};

}  // namespace strata::durability
