#include "objstore/replica/moves.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/log.h"
#include "objstore/replica/identities.h"

namespace strata::replica {

namespace {

// A drain must leave the others with this share of their free space unused.
constexpr uint64_t kSpareDivisor = 20;

}  // namespace

std::string Moves::called(const Place& place) const {
  return fmt::format("drive {} ({})", core_.seat(place.seat).path, place.member.drive.to_hex());
}

Result<Place> Moves::find(const std::string& which) const {
  const View& view = core_.view();
  std::vector<Place> found;
  const auto look = [&](const Plan& plan) {
    for (const Place& place : plan.places) {
      const bool by_id =
          which.size() >= kIdPrefixMin && place.member.drive.to_hex().starts_with(which);
      if (!by_id && core_.seat(place.seat).path != which) continue;
      const auto same = [&](const Place& p) { return p.seat == place.seat; };
      if (std::ranges::none_of(found, same)) found.push_back(place);
    }
  };
  look(view.current);
  if (view.next) look(*view.next);
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    return Error(Code::kNotFound, fmt::format("no drive is called '{}'; `strata drive list` shows "
                                              "their paths and ids",
                                              which));
  }
  return Error(Code::kInvalidArgument,
               fmt::format("'{}' names more than one drive; give all of its id", which));
}

Status Moves::check_known_without(const Place& leaving) const {
  if (core_.seat(leaving.seat).in_service() || leaving.member.is_lost()) return {};
  if (core_.view().current.knows_all(core_.serving().size())) return {};
  return Error(Code::kIo,
               fmt::format("{} is not in service, and may have the only copy of what is on it: "
                           "bring it back first; if it is gone for good, `strata drive "
                           "accept-loss {}`",
                           called(leaving), leaving.member.drive.to_hex()));
}

Status Moves::check_no_move() const {
  const View& view = core_.view();
  if (view.next) {
    return Error(
        Code::kConflict,
        "another move of drives is under way; wait until `strata drive list` shows that it "
        "has ended");
  }
  for (const Place& place : view.current.places) {
    if (place.role == Role::kServing || !core_.seat(place.seat).in_service()) continue;
    return Error(Code::kConflict,
                 fmt::format("{} is still joining; wait until `strata drive list` shows it in "
                             "service",
                             called(place)));
  }
  return {};
}

Result<drive::DriveFolder> Moves::look_at_new(const DriveFolderOption& folder) {
  if (!core_.has_free_seat()) {
    return Error(Code::kBusy, "drives came and went too often; restart strata");
  }
  // The folder of one that is gone may well have been emptied, or another disk be mounted there.
  const Result<Place> known = find(folder.path);
  if (known.ok() && core_.seat(known->seat).in_service()) {
    return Error(Code::kAlreadyExists,
                 fmt::format("{} is a drive of this cluster already", folder.path));
  }
  if (known.ok()) TRY(let_go(*known));
  TRY_ASSIGN(drive::DriveFolder found, drive::look_at_folder(*folder.files, folder.path));
  if (!found.identity) return found;
  const drive::Identity& identity = *found.identity;
  if (identity.cluster != core_.cluster) {
    return Error(
        Code::kConflict,
        fmt::format("{} is a drive of another cluster; if its data is not needed any more, "
                    "empty the folder and try again",
                    folder.path));
  }
  if (find(identity.drive.to_hex()).ok()) {
    return Error(Code::kConflict,
                 fmt::format("{0} is drive {1} of this cluster; bring it back with `strata drive "
                             "return {0}`",
                             folder.path, identity.drive.to_hex()));
  }
  return Error(
      Code::kConflict,
      fmt::format("{} was a drive of this cluster and has left it; empty the folder to use "
                  "it again",
                  folder.path));
}

// For the seat that is added next.
Result<std::unique_ptr<drive::Drive>> Moves::open_drive(const DriveFolderOption& folder,
                                                        drive::DriveFolder found,
                                                        const drive::Identity& identity) {
  return drive::Drive::open({.files = *folder.files,
                             .path = folder.path,
                             .cache = cache_,
                             .tag = core_.next_seat(),
                             .lock = std::move(found.lock),
                             .identity = identity,
                             .durability = core_.durability});
}

Status Moves::open_new(const DriveFolderOption& folder, drive::DriveFolder found, View& move,
                       const drive::MemberRecord& record) {
  const drive::Identity identity = identity_of(core_, move, record.drive);
  TRY(drive::write_identity(*folder.files, folder.path, identity));
  TRY_ASSIGN(auto opened, open_drive(folder, std::move(found), identity));
  TRY(opened->set_mark(drive::kFillingName, true));
  core_.add_seat({folder.path, {}, std::move(opened)});
  return {};
}

Status Moves::begin_move(std::unique_ptr<View> move) {
  const View& before = core_.view();
  resync_.forget_sweep();
  TRY(mark_strays(core_, *move));
  TRY(write_identities(core_, *move, before));
  core_.order.locked([&] { core_.set_view(std::move(move)); });
  return {};
}

Status Moves::add(DriveFolderOption folder) {
  const std::lock_guard lock(resync_.members_mutex());
  TRY(check_no_move());
  const View& now = core_.view();
  if (now.current.places.size() >= drive::kDrivesMax) {
    return Error(Code::kOutOfRange,
                 fmt::format("a cluster has at most {} drives", drive::kDrivesMax));
  }
  TRY_ASSIGN(drive::DriveFolder found, look_at_new(folder));
  TRY_ASSIGN(const uint64_t weight, weight_of_folder(folder));
  const drive::MemberRecord record{
      .slot = core_.new_id(), .drive = core_.new_id(), .weight = weight};
  auto move = std::make_unique<View>(now);
  std::vector<Place> places = now.current.places;
  places.push_back({.member = record, .seat = core_.next_seat(), .role = Role::kJoining});
  ++move->layout;
  move->next.emplace(std::move(places), core_.replicas);
  move->strays = true;
  TRY(open_new(folder, std::move(found), *move, record));
  TRY(begin_move(std::move(move)));
  log::info("drive.add", {{"path", folder.path}, {"id", record.drive.to_hex()}});
  return {};
}

Status Moves::replace(const std::string& which, DriveFolderOption folder) {
  const std::lock_guard lock(resync_.members_mutex());
  TRY(check_no_move());
  TRY_ASSIGN(const Place old, find(which));
  const View& now = core_.view();
  TRY(check_known_without(old));
  TRY_ASSIGN(drive::DriveFolder found, look_at_new(folder));
  const drive::MemberRecord record{
      .slot = old.member.slot, .drive = core_.new_id(), .weight = old.member.weight};
  auto move = std::make_unique<View>(now);
  std::vector<Place> places = now.current.places;
  for (Place& place : places) {
    if (place.seat != old.seat) continue;
    place = Place{.member = record, .seat = core_.next_seat(), .role = Role::kJoining};
  }
  ++move->layout;
  move->next.emplace(std::move(places), core_.replicas);
  move->strays = true;
  TRY(open_new(folder, std::move(found), *move, record));
  TRY(begin_move(std::move(move)));
  log::info("drive.replace", {{"old", core_.seat(old.seat).path}, {"path", folder.path}});
  return {};
}

Status Moves::check_room_without(const Place& leaving) const {
  if (!core_.seat(leaving.seat).in_service()) return {};
  uint64_t stored = 0;
  drive::Cursor cursor = core_.drive(leaving.seat).index().cursor(drive::Table::kBlobs);
  for (cursor.seek(""); cursor.valid(); cursor.next()) {
    const auto id = drive::Id128::from_key(cursor.key());
    if (!id) continue;
    const auto blob = drive::decode_blob(core_.seed(), *id, cursor.value());
    if (blob.ok()) stored += blob->size_bytes;
  }
  TRY(cursor.status());
  uint64_t free = 0;
  for (const Place& place : core_.view().current.places) {
    if (place.seat == leaving.seat || !core_.seat(place.seat).in_service()) continue;
    const uint64_t available = core_.drive(place.seat).space().available_bytes;
    free += available - std::min(available, drive::kReserveBytes);
  }
  if (stored <= free - free / kSpareDivisor) return {};
  return Error(Code::kNoSpace,
               fmt::format("{} holds {} bytes and the other drives have room for {}; add a drive "
                           "first",
                           called(leaving), stored, free));
}

Status Moves::drain(const std::string& which) {
  const std::lock_guard lock(resync_.members_mutex());
  TRY_ASSIGN(const Place leaving, find(which));
  const View& now = core_.view();
  if (now.next && now.current.place_of(leaving.seat) == nullptr) return give_up_move();
  TRY(check_no_move());
  if (now.current.places.size() <= core_.replicas) {
    return Error(Code::kConflict,
                 fmt::format("{} copies of everything need {} drives, and there are no more; add "
                             "one first, or use `strata drive replace`",
                             core_.replicas, now.current.places.size()));
  }
  TRY(check_known_without(leaving));
  TRY(check_room_without(leaving));
  auto move = std::make_unique<View>(now);
  std::vector<Place> places;
  for (const Place& place : now.current.places) {
    if (place.seat != leaving.seat) places.push_back(place);
  }
  ++move->layout;
  move->next.emplace(std::move(places), core_.replicas);
  move->strays = true;
  TRY(begin_move(std::move(move)));
  log::info("drive.drain", {{"path", core_.seat(leaving.seat).path}});
  return {};
}

// Back to the members of now. What was moved already is swept; a drive on its way in leaves.
Status Moves::give_up_move() {
  const View& before = core_.view();
  auto after = std::make_unique<View>(before);
  ++after->layout;
  after->next.reset();
  after->next_counted = false;
  TRY(write_identities(core_, *after, before));
  core_.order.locked([&] { core_.set_view(std::move(after)); });
  resync_.forget_move();
  for (const Place& place : before.next->places) {
    if (before.current.place_of(place.seat) == nullptr) resync_.close_later(place.seat);
  }
  log::info("drive.move_given_up");
  return {};
}

}  // namespace strata::replica
