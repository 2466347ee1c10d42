// StraySweep: removes from one drive what is not its own any more since members have moved.
//
// Thread rule: one thread, one that may block.
#pragma once

#include <string>

#include "objstore/replica/core.h"

namespace strata::replica {

inline constexpr size_t kSweepKeysMax = 1000;

// Only while no move is under way, and when no reader is left that may still look there.
class StraySweep {
 public:
  StraySweep(Core& core, size_t seat) : core_(core), seat_(seat) {}
  // One step of at most kSweepKeysMax keys. True when all is done, and the drive's mark is gone.
  [[nodiscard]] Result<bool> step();
  [[nodiscard]] size_t seat() const noexcept { return seat_; }
  [[nodiscard]] uint64_t removed() const noexcept { return removed_; }

 private:
  struct Stray {
    std::string key;
    std::string record;
    bool has_file = false;
  };
  [[nodiscard]] Result<std::vector<Stray>> gather();
  [[nodiscard]] Status remove(std::vector<Stray> strays);

  Core& core_;
  const size_t seat_;
  drive::Table table_ = drive::Table::kRows;
  std::string from_;
  bool table_done_ = false;
  uint64_t removed_ = 0;
};

}  // namespace strata::replica
