// Moves: the commands that change who the members are. Each begins a move, which the resync worker
// carries through, or lets a drive back in.
//
// One move at a time. It begins with its list of members written on the drives, so that a restart
// goes on with it.
//
// Thread rule: any thread that may block.
#pragma once

#include <string>

#include "objstore/replica/core.h"
#include "objstore/replica/resync.h"

namespace strata::replica {

class Moves {
 public:
  Moves(Core& core, Resync& resync, drive::IndexCache& cache)
      : core_(core), resync_(resync), cache_(cache) {}

  // See ReplicaSet.
  [[nodiscard]] Status add(DriveFolderOption folder);
  [[nodiscard]] Status drain(const std::string& which);
  [[nodiscard]] Status replace(const std::string& which, DriveFolderOption folder);
  [[nodiscard]] Status bring_back(const DriveFolderOption& folder);

 private:
  // The member or drive on its way in that is called that: its id, the beginning of it, its path.
  [[nodiscard]] Result<Place> find(const std::string& which) const;
  [[nodiscard]] Status check_no_move() const;
  // An empty folder, locked.
  [[nodiscard]] Result<drive::DriveFolder> look_at_new(const DriveFolderOption& folder) const;
  // Makes a new drive in the folder, which is to be a member of the move's `next`, and its seat.
  [[nodiscard]] Result<std::unique_ptr<drive::Drive>> open_drive(const DriveFolderOption& folder,
                                                                 drive::DriveFolder found,
                                                                 const drive::Identity& identity);
  [[nodiscard]] Status open_new(const DriveFolderOption& folder, drive::DriveFolder found,
                                View& move, const drive::MemberRecord& record);
  // Puts the move into force: marks, identities, view.
  [[nodiscard]] Status begin_move(std::unique_ptr<View> move);
  [[nodiscard]] Status give_up_move();
  [[nodiscard]] Status check_room_without(const Place& leaving) const;
  // The drive that was just opened stands in for the one at the old seat, and joins.
  [[nodiscard]] Status reseat(size_t old_seat, size_t new_seat, bool strays);

  Core& core_;
  Resync& resync_;
  drive::IndexCache& cache_;
};

}  // namespace strata::replica
