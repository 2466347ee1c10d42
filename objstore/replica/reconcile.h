// Reconciler: makes single rows, blobs and log entries of one drive what they are on the drives
// that speak for them.
//
// Thread rule: one thread, before any drive takes changes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "objstore/replica/membership.h"
#include "objstore/replica/placement.h"

namespace strata::replica {

// Where each drive stood when recovery began; by member number.
struct Standing {
  bool present = false;
  bool filling = false;  // not a state of its own: never speaks, filled while the store serves
  uint64_t position = 0;
  uint64_t agreed = 0;
  uint64_t log_start = 0;
};

class Reconciler {
 public:
  Reconciler(Members& members, const Placement& placement, const std::vector<Standing>& standing,
             size_t target)
      : members_(members),
        placement_(placement),
        standing_(standing),
        target_(target),
        batch_(drive(target).index().batch()) {}

  // Members of the placement that stand furthest and may speak, the preferred one first. Empty when
  // nobody may.
  [[nodiscard]] std::vector<size_t> speakers(uint64_t placement) const;
  [[nodiscard]] bool belongs(uint64_t placement) const;

  [[nodiscard]] Status row(const std::string& key, uint64_t placement);
  [[nodiscard]] Status blob(const drive::Id128& id, uint64_t placement);
  // The target's log gets the entry, or loses it.
  void put_log(const drive::LogRecord& entry);
  void remove_log(uint64_t sequence);
  [[nodiscard]] drive::Batch& batch() noexcept { return batch_; }

  // Writes what has gathered, once there is much of it, marking the drive first.
  [[nodiscard]] Status write_if_large();
  // Writes the rest, without the mark, and removes files that no record owns any more.
  [[nodiscard]] Status finish();
  // From now on an interrupted recovery leaves a drive that is known to be incomplete.
  [[nodiscard]] Status mark_filling();
  [[nodiscard]] uint64_t changed() const noexcept { return changed_; }

 private:
  [[nodiscard]] drive::Drive& drive(size_t member) const { return *members_.all[member].drive; }
  [[nodiscard]] Status copy_blob(const drive::BlobName& blob, const drive::BlobRecord& record,
                                 const std::vector<size_t>& sources);
  void forget_blob(const drive::Id128& id, const drive::BlobRecord& record);

  Members& members_;
  const Placement& placement_;
  const std::vector<Standing>& standing_;
  size_t target_;
  drive::Batch batch_;
  std::vector<drive::Id128> unowned_files_;
  bool marked_ = false;
  uint64_t changed_ = 0;
};

}  // namespace strata::replica
