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
  [[nodiscard]] Status accept_loss(const std::string& which);

 private:
  // "drive PATH (ID)"
  [[nodiscard]] std::string called(const Place& place) const;
  // The member or drive on its way in that is called that: its id, the beginning of it, its path.
  [[nodiscard]] Result<Place> find(const std::string& which) const;
  [[nodiscard]] Status check_no_move() const;
  // kIo when what is only on this drive, which is not in service, could be missed without it.
  [[nodiscard]] Status check_known_without(const Place& leaving) const;
  // An empty folder, locked.
  [[nodiscard]] Result<drive::DriveFolder> look_at_new(const DriveFolderOption& folder);
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
  // A drive that is out of service closes its files and unlocks its folder, so that what is there
  // is read anew. kBusy when something under way does not end.
  [[nodiscard]] Status let_go(const Place& place);
  // Whether the folder of a drive that comes back may be used, and for whom.
  [[nodiscard]] Result<Place> place_of_returned(const DriveFolderOption& folder,
                                                const drive::DriveFolder& found) const;
  // The drive that was just opened stands in for the one at the old seat.
  [[nodiscard]] Status reseat(size_t old_seat, size_t new_seat, Role role, bool strays);

  Core& core_;
  Resync& resync_;
  drive::IndexCache& cache_;
};

}  // namespace strata::replica
