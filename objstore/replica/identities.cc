#include "objstore/replica/identities.h"

#include <algorithm>

#include "objstore/replica/milestone.h"

namespace strata::replica {

namespace {

std::vector<Place> distinct_places(const View& view) {
  std::vector<Place> places = view.current.places;
  if (!view.next) return places;
  for (const Place& place : view.next->places) {
    if (view.current.place_of(place.seat) == nullptr) places.push_back(place);
  }
  return places;
}

}  // namespace

drive::Identity identity_of(const Core& core, const View& view, const drive::Id128& drive) {
  drive::Identity identity;
  identity.cluster = core.cluster;
  identity.drive = drive;
  identity.replicas = static_cast<uint32_t>(core.replicas);
  identity.layout = view.layout;
  for (const Place& place : view.current.places) identity.members.push_back(place.member);
  if (view.next) {
    for (const Place& place : view.next->places) identity.next.push_back(place.member);
  }
  return identity;
}

Status write_identities(const Core& core, const View& view, const View& before) {
  std::vector<Place> places = distinct_places(view);
  for (const Place& place : distinct_places(before)) {
    const auto same = [&](const Place& p) { return p.seat == place.seat; };
    if (std::ranges::none_of(places, same)) places.push_back(place);
  }
  size_t written = 0;
  Status failure;
  for (const Place& place : places) {
    if (!core.seat(place.seat).in_service()) continue;
    const Status one =
        core.drive(place.seat).change_identity(identity_of(core, view, place.member.drive));
    if (!one.ok()) failure = one;
    if (one.ok() && before.current.place_of(place.seat) != nullptr) ++written;
  }
  // A start needs all members but fewer than a quorum, those that are lost aside: it meets one of
  // so many. With one copy of everything it does with fewer, and the newest list of members counts.
  const auto left = static_cast<size_t>(std::ranges::count_if(
      before.current.places, [](const Place& place) { return !place.member.is_lost(); }));
  if (written >= std::min(before.current.placement.quorum(), left)) return {};
  if (!failure.ok()) return failure;
  return Error(Code::kIo, "too few drives are in service to change who the members are");
}

Status mark_strays(Core& core, const View& view) {
  for (const Place& place : distinct_places(view)) {
    if (!core.seat(place.seat).in_service()) continue;
    drive::Drive& drive = core.drive(place.seat);
    const Status marked = run_on_drive(core, place.seat, [&drive](drive::Index&) {
      return drive.set_mark(drive::kStraysName, true);
    });
    // One that went out meanwhile is marked when it comes back: it does not know of this move.
    if (!marked.ok() && drive.in_service()) return marked;
  }
  return {};
}

}  // namespace strata::replica
