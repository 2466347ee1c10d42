// Decides, call by call, what a fault plan does. Shared by a FaultyFileSystem and its open files.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "common/base/random.h"
#include "common/fault/fault_plan.h"

namespace strata::fault {

// Any thread.
class FaultEngine {
 public:
  // The plan has been checked. Calls that are being delayed go on at once.
  void set_plan(FaultPlan plan);

  // Waits as the delays of the plan say, then returns the rule that hits this call, if one does.
  // `other_path` is the second path of a rename or link.
  [[nodiscard]] std::optional<FaultRule> decide(Operation operation, std::string_view path,
                                                std::string_view other_path = {});
  // For calls of which only the error can be injected: that error, or Ok.
  [[nodiscard]] Status pass(Operation operation, std::string_view path,
                            std::string_view other_path = {});

  // Uniform in [0, bound), from the plan's seed.
  [[nodiscard]] uint64_t random_below(uint64_t bound);

  [[nodiscard]] uint64_t injected() const;
  [[nodiscard]] uint64_t injected(Effect effect) const;
  [[nodiscard]] std::vector<uint64_t> rule_hits() const;

 private:
  struct Progress {
    uint64_t seen = 0;
    uint64_t hits = 0;
  };
  bool hits(const FaultRule& rule, Progress& progress);  // with mutex_ held

  mutable std::mutex mutex_;
  std::condition_variable plan_changed_;
  FaultPlan plan_;                              // guarded by mutex_, and below
  uint64_t plan_number_ = 0;                    // how many plans there were
  std::vector<Progress> progress_;              // one a rule
  std::array<uint64_t, kEffects> by_effect_{};  // since the beginning
  SeededRandom random_{0};
};

// The error that a rule injects; `action` is the call that fails.
[[nodiscard]] Error injected_error(const FaultRule& rule, Operation operation,
                                   std::string_view path);

}  // namespace strata::fault
