// Drives that come back, and those that never will.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/log.h"
#include "objstore/replica/identities.h"
#include "objstore/replica/moves.h"

namespace strata::replica {

namespace {
constexpr Duration kReturnedCloseWait = std::chrono::seconds(10);
}  // namespace

Result<Place> Moves::place_of_returned(const DriveFolderOption& folder,
                                       const drive::DriveFolder& found) const {
  if (!found.identity) {
    return Error(Code::kNotFound,
                 fmt::format("{0} is empty: mount the drive, or, if this is a new one, `strata "
                             "drive replace OLD {0}`",
                             folder.path));
  }
  if (found.identity->cluster != core_.cluster) {
    return Error(Code::kConflict, fmt::format("{} is a drive of another cluster", folder.path));
  }
  Result<Place> place = find(found.identity->drive.to_hex());
  if (!place.ok()) {
    return Error(Code::kConflict,
                 fmt::format("{0} has left this cluster: it was drained or replaced, or its loss "
                             "was accepted; to use the folder again, empty it and `strata drive "
                             "add {0}`",
                             folder.path));
  }
  if (core_.seat(place->seat).in_service()) {
    return Error(Code::kConflict, fmt::format("{} is a copy of {}, which is in service",
                                              folder.path, called(*place)));
  }
  return place;
}

// Nobody who saw it in service gives it a change once the view is another one.
Status Moves::let_go(const Place& place) {
  if (!core_.seat(place.seat).drive) return {};
  core_.order.locked([&] { core_.set_view(std::make_unique<View>(core_.view())); });
  const Status closed =
      core_.drive(place.seat).close("its folder is used anew", Deadline::after(kReturnedCloseWait));
  if (closed.ok()) return {};
  return closed.error().with_context(
      called(place) + " does not let go of its folder; try again, or restart strata");
}

Status Moves::bring_back(const DriveFolderOption& folder) {
  const std::lock_guard lock(resync_.members_mutex());
  const Result<Place> named = find(folder.path);
  if (named.ok() && core_.seat(named->seat).in_service()) {
    const View& view = core_.view();
    const bool leaves = view.next && view.next->place_of(named->seat) == nullptr;
    if (leaves) return give_up_move();
    return Error(Code::kAlreadyExists, fmt::format("{} is in service", called(*named)));
  }
  if (!core_.has_free_seat()) {
    return Error(Code::kBusy, "drives came and went too often; restart strata");
  }
  // What it is filled from must be all that is true, or it would wait for ever.
  const bool can_be_filled = core_.view().current.knows_all(core_.serving().size());
  const Error cannot(Code::kConflict,
                     fmt::format("too many drives are out of service to bring {} up to date; "
                                 "restart strata, which compares all of them",
                                 folder.path));
  if (!can_be_filled && core_.replicas > 1) return cannot;
  if (named.ok()) TRY(let_go(*named));
  TRY_ASSIGN(drive::DriveFolder found, drive::look_at_folder(*folder.files, folder.path));
  TRY_ASSIGN(const Place place, place_of_returned(folder, found));
  const View& now = core_.view();
  const bool only_copy = core_.replicas == 1 && now.current.place_of(place.seat) != nullptr;
  if (!can_be_filled && !only_copy) return cannot;
  const size_t number = core_.next_seat();
  const drive::Identity identity = *found.identity;
  TRY_ASSIGN(auto opened, open_drive(folder, std::move(found), identity));
  TRY_ASSIGN(const drive::Drive::Position position, opened->position());
  if (position.sequence > core_.order.last()) {
    return Error(Code::kConflict,
                 fmt::format("{} has changes that the others have not seen; restart strata, which "
                             "compares them",
                             folder.path));
  }
  TRY_ASSIGN(const bool was_filling, opened->filling());
  if (!only_copy) TRY(opened->set_mark(drive::kFillingName, true));
  if (identity.layout != now.layout) TRY(opened->set_mark(drive::kStraysName, true));
  TRY_ASSIGN(const bool strays, opened->has_mark(drive::kStraysName));
  TRY(opened->change_identity(identity_of(core_, now, identity.drive)));
  core_.add_seat({folder.path, {}, std::move(opened)});
  // What it holds is a state of its own, of the members of now: only what changed since is
  // compared.
  const bool is_whole =
      !was_filling && !strays && !now.strays && !now.next && position.sequence > 0;
  if (is_whole) resync_.came_back(number, position.agreed);
  return reseat(place.seat, number, only_copy ? Role::kServing : Role::kJoining, strays);
}

Status Moves::accept_loss(const std::string& which) {
  const std::lock_guard lock(resync_.members_mutex());
  TRY_ASSIGN(const Place lost, find(which));
  const View& before = core_.view();
  if (lost.member.is_lost()) return {};
  if (core_.seat(lost.seat).in_service()) {
    return Error(Code::kConflict, fmt::format("{} is in service: `strata drive drain` or `replace` "
                                              "it, and nothing is lost",
                                              called(lost)));
  }
  if (before.current.place_of(lost.seat) == nullptr) {
    return Error(Code::kConflict,
                 fmt::format("{} was only on its way in, and nothing is lost with it: `strata "
                             "drive drain` it",
                             called(lost)));
  }
  auto after = std::make_unique<View>(before);
  const auto lose = [&](Plan& plan) {
    for (Place& place : plan.places) {
      if (place.seat == lost.seat) place.member.lose();
    }
  };
  ++after->layout;
  lose(after->current);
  if (after->next) lose(*after->next);
  TRY(write_identities(core_, *after, *after));
  core_.order.locked([&] { core_.set_view(std::move(after)); });
  log::warning("drive.lost",
               {{"id", lost.member.drive.to_hex()}, {"path", core_.seat(lost.seat).path}});
  return {};
}

Status Moves::reseat(size_t old_seat, size_t new_seat, Role role, bool strays) {
  auto view = std::make_unique<View>(core_.view());
  const auto reseat = [&](Plan& plan) {
    for (Place& place : plan.places) {
      if (place.seat != old_seat) continue;
      place.seat = new_seat;
      place.role = role;
    }
  };
  reseat(view->current);
  if (view->next) reseat(*view->next);
  view->strays = view->strays || strays;
  core_.order.locked([&] { core_.set_view(std::move(view)); });
  log::info("drive.return", {{"path", core_.seat(new_seat).path}});
  return {};
}

}  // namespace strata::replica
