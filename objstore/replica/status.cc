#include "objstore/replica/status.h"

#include <fmt/format.h>

#include <algorithm>

namespace strata::replica {

namespace {

void describe_drive(const Seat& seat, DriveStatus& status) {
  if (!seat.drive) {
    status.state = seat.state;
    return;
  }
  const Status health = seat.drive->health();
  status.state = health.ok() ? "in service" : health.error().message;
  status.in_service = health.ok();
  const io::Space space = seat.drive->space();
  status.capacity_bytes = space.capacity_bytes;
  status.available_bytes = space.available_bytes;
  if (!health.ok()) return;
  const auto position = seat.drive->position();
  if (position.ok()) status.position = position->sequence;
}

void describe_joining(uint32_t percent, DriveStatus& status) {
  if (!status.in_service) return;
  status.in_service = false;  // it does not serve yet
  status.joining = true;
  status.percent = percent;
  status.state = fmt::format("joining {} %", percent);
}

DriveStatus status_of_place(const Core& core, const Place& place) {
  const Seat& seat = core.seat(place.seat);
  DriveStatus drive{.path = seat.path,
                    .id = place.member.drive.to_hex(),
                    .slot = place.member.slot.to_hex(),
                    .weight = place.member.weight,
                    .state = {}};
  describe_drive(seat, drive);
  if (place.member.is_lost()) drive.state = lost_state(place.member);
  if (drive.in_service && core.suspects.is_suspect(place.seat)) {
    drive.suspect = true;
    drive.state += "; suspect: its reads take long";
  }
  return drive;
}

}  // namespace

StoreStatus status_of(const Core& core, const Resync& resync) {
  const View& view = core.view();
  StoreStatus status;
  status.replicas = static_cast<uint32_t>(core.replicas);
  status.write_quorum = static_cast<uint32_t>(core.quorum());
  status.relaxed = core.durability == drive::Durability::kRelaxed;
  status.corrupt_found = core.corrupt_found;
  status.corrupt_healed = core.corrupt_healed;
  status.hedged_reads = core.suspects.hedged_reads;
  const uint32_t moved = view.next ? resync.move_percent() : 0;
  for (const Place& place : view.current.places) {
    DriveStatus drive = status_of_place(core, place);
    if (place.role != Role::kServing) {
      describe_joining(resync.percent(place.seat).value_or(0), drive);
    }
    if (view.next && view.next->place_of(place.seat) == nullptr) {
      drive.leaving = true;
      drive.percent = moved;
      const auto same_slot = [&](const Place& p) { return p.member.slot == place.member.slot; };
      const bool replaced = std::ranges::any_of(view.next->places, same_slot);
      const std::string what =
          fmt::format("{} {} %", replaced ? "being replaced" : "draining", moved);
      drive.state = drive.in_service ? what : what + "; " + drive.state;
    }
    status.drives.push_back(std::move(drive));
  }
  if (view.next) {
    for (const Place& place : view.next->places) {
      if (view.current.place_of(place.seat) != nullptr) continue;
      DriveStatus drive = status_of_place(core, place);
      describe_joining(moved, drive);
      status.drives.push_back(std::move(drive));
    }
  }
  for (const LeftOut& folder : core.left_out) {
    const auto used = [&](const DriveStatus& drive) { return drive.path == folder.path; };
    if (std::ranges::any_of(status.drives, used)) continue;
    status.drives.push_back(
        {.path = folder.path, .id = {}, .slot = {}, .state = "not used: " + folder.why});
  }
  return status;
}

}  // namespace strata::replica
