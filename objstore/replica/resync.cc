#include "objstore/replica/resync.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/log.h"
#include "objstore/replica/identities.h"
#include "objstore/replica/milestone.h"

namespace strata::replica {

namespace {

// How often it looks for something to do; commands come rarely.
constexpr Duration kIdleWait = std::chrono::milliseconds(500);
constexpr Duration kCloseWait = std::chrono::seconds(5);

std::unique_ptr<View> with_role(const View& view, size_t seat, Role role) {
  auto next = std::make_unique<View>(view);
  const auto set = [&](Plan& plan) {
    for (Place& place : plan.places) {
      if (place.seat == seat) place.role = role;
    }
  };
  set(next->current);
  if (next->next) set(*next->next);
  return next;
}

}  // namespace

Resync::Resync(Core& core) : core_(core) {}

std::optional<uint32_t> Resync::percent(size_t seat) const {
  const std::lock_guard lock(mutex_);
  const auto found = joins_.find(seat);
  if (found == joins_.end()) return std::nullopt;
  return found->second.join->percent();
}

uint32_t Resync::move_percent() const {
  const std::vector<size_t> seats = gaining();
  uint32_t sum = 0;
  const std::lock_guard lock(mutex_);
  for (const size_t seat : seats) {
    const auto found = joins_.find(seat);
    if (found == joins_.end() || !found->second.for_next) continue;
    sum += found->second.complete ? 100 : found->second.join->percent();
  }
  return seats.empty() ? 0 : sum / static_cast<uint32_t>(seats.size());
}

worker::Progress Resync::progress() const {
  const std::lock_guard lock(mutex_);
  worker::Progress now = progress_;
  now.unit = "percent";
  now.total = joins_.size() * 100;
  for (const auto& [seat, joining] : joins_) {
    now.done += joining.complete ? 100 : joining.join->percent();
    now.findings += joining.join->changed();
  }
  return now;
}

void Resync::forget_sweep() {
  sweep_.reset();
}

void Resync::forget_move() {
  std::vector<size_t> seats;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [seat, joining] : joins_) {
      if (joining.for_next) seats.push_back(seat);
    }
    std::erase_if(joins_, [](const auto& entry) { return entry.second.for_next; });
  }
  for (const size_t seat : seats) {
    drive::Drive& drive = core_.drive(seat);
    // A drive that cannot is out, or forgets at its next join.
    (void)run_on_drive(core_, seat,
                       [&drive](drive::Index&) { return drive.committer().remember_gone(false); });
  }
}

void Resync::close_later(size_t seat) {
  left_.push_back({seat, core_.pins.mark()});
}

Result<worker::Step> Resync::step() {
  const std::lock_guard members(members_mutex_);
  Result<worker::Step> done = next_piece();
  const std::lock_guard lock(mutex_);
  if (!done.ok()) {
    progress_.note = done.error().message;
  } else if (done->more) {
    progress_.note = "drives are being filled";
  } else {
    progress_.note = "every drive holds what it should";
  }
  return done;
}

Result<worker::Step> Resync::next_piece() {
  close_left();
  // A drive that went out of service joins anew when it comes back.
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(joins_, [&](const auto& entry) { return !core_.seat(entry.first).in_service(); });
  }
  bool idle = false;
  TRY_ASSIGN(worker::Step step, join_members(idle));
  if (idle && core_.view().next) {
    TRY_ASSIGN(step, join_next(idle));
  } else if (idle && core_.view().strays) {
    TRY_ASSIGN(step, sweep(idle));
  }
  step.more = !idle;
  step.wait = kIdleWait;
  return step;
}

Result<bool> Resync::advance(size_t seat, bool for_next, uint64_t& bytes) {
  const auto found = joins_.find(seat);
  if (found == joins_.end()) {
    std::optional<uint64_t> agreed;
    if (const auto known = agreed_.find(seat); known != agreed_.end() && !for_next) {
      agreed = known->second;
    }
    TRY_ASSIGN(std::unique_ptr<Join> join, Join::begin(core_, seat, for_next, agreed));
    agreed_.erase(seat);
    const std::lock_guard lock(mutex_);
    joins_[seat] = Joining{.join = std::move(join), .for_next = for_next, .complete = false};
    return false;
  }
  Joining& joining = found->second;
  if (joining.complete) return true;
  TRY_ASSIGN(const Join::Stepped stepped, joining.join->step());
  bytes += stepped.bytes;
  if (!stepped.complete) return false;
  const std::lock_guard lock(mutex_);
  joining.complete = true;
  return true;
}

// What a drive that has been filled writes down, before anybody relies on it.
Status Resync::complete(size_t seat, bool was_filling) {
  drive::Drive& drive = core_.drive(seat);
  const uint64_t begun_at = joins_.at(seat).join->begun_at();
  const auto work = [&drive, begun_at, was_filling](drive::Index&) -> Status {
    drive::Committer& committer = drive.committer();
    TRY(committer.remember_gone(false));
    TRY(committer.set_log_start(std::max(begun_at, committer.log_start())));
    return was_filling ? drive.set_mark(drive::kFillingName, false) : Status();
  };
  Status written = run_on_drive(core_, seat, work);
  if (!written.ok() && written.error().code != Code::kTimeout) {
    return drive.write_failed(written.error());
  }
  return written;
}

Status Resync::promote(size_t seat) {
  TRY(pass_milestone(core_, with_role(core_.view(), seat, Role::kCounted)));
  TRY(complete(seat, true));
  core_.order.locked([&] { core_.set_view(with_role(core_.view(), seat, Role::kServing)); });
  log::info("drive.joined",
            {{"path", core_.seat(seat).path}, {"changes", joins_.at(seat).join->changed()}});
  const std::lock_guard lock(mutex_);
  joins_.erase(seat);
  return {};
}

Result<worker::Step> Resync::join_members(bool& idle) {
  worker::Step step;
  for (const Place& place : core_.view().current.places) {
    if (place.role == Role::kServing || !core_.seat(place.seat).in_service()) continue;
    TRY_ASSIGN(const bool complete, advance(place.seat, false, step.bytes));
    if (complete) TRY(promote(place.seat));
    return step;
  }
  idle = true;
  return step;
}

// Drives that hold more after the move than before: new ones, and all when one leaves.
std::vector<size_t> Resync::gaining() const {
  const View& view = core_.view();
  if (!view.next) return {};
  const auto stays = [&](const Place& place) {
    return std::ranges::any_of(view.next->places,
                               [&](const Place& p) { return p.member.slot == place.member.slot; });
  };
  const bool one_leaves = !std::ranges::all_of(view.current.places, stays);
  std::vector<size_t> seats;
  for (const Place& place : view.next->places) {
    if (place.member.is_lost()) continue;
    if (one_leaves || view.current.place_of(place.seat) == nullptr) seats.push_back(place.seat);
  }
  return seats;
}

Result<worker::Step> Resync::join_next(bool& idle) {
  worker::Step step;
  idle = false;
  const std::vector<size_t> seats = gaining();
  for (const size_t seat : seats) {
    if (core_.seat(seat).in_service()) continue;
    return Error(Code::kIo,
                 fmt::format("the move waits for drive {}, which is not in service: `strata drive "
                             "return` it, or give the move up: `strata drive drain` the new drive, "
                             "or `return` the one that leaves",
                             core_.seat(seat).path));
  }
  bool all = true;
  for (const size_t seat : seats) {
    TRY_ASSIGN(const bool complete, advance(seat, true, step.bytes));
    all = all && complete;
    if (!complete) break;
  }
  if (all) TRY(switch_members());
  return step;
}

Status Resync::switch_members() {
  const std::vector<size_t> seats = gaining();
  auto counted = std::make_unique<View>(core_.view());
  counted->next_counted = true;
  TRY(pass_milestone(core_, std::move(counted)));
  const View& before = core_.view();
  for (const size_t seat : seats) {
    TRY(complete(seat, before.current.place_of(seat) == nullptr));
  }
  auto after = std::make_unique<View>(View{.layout = before.layout + 1,
                                           .current = *before.next,
                                           .next = std::nullopt,
                                           .next_counted = false,
                                           .strays = true});
  for (Place& place : after->current.places) {
    const Place* was = before.current.place_of(place.seat);
    place.role = was != nullptr ? was->role : Role::kServing;
  }
  // On the drives first, those that leave included: who starts with any majority of them must know.
  TRY(write_identities(core_, *after, before));
  std::vector<size_t> leaving;
  for (const Place& place : before.current.places) {
    if (after->current.place_of(place.seat) == nullptr) leaving.push_back(place.seat);
  }
  core_.order.locked([&] { core_.set_view(std::move(after)); });
  switched_at_ = core_.pins.mark();
  for (const size_t seat : leaving) {
    const std::string& path = core_.seat(seat).path;
    log::info("drive.left", {{"path", path}});
    const auto has_path = [&](const Place& place) { return core_.seat(place.seat).path == path; };
    const bool stays = std::ranges::any_of(core_.view().current.places, has_path);
    if (core_.drive_left && !path.empty() && !stays) core_.drive_left(path);
    close_later(seat);
  }
  const std::lock_guard lock(mutex_);
  joins_.clear();
  return {};
}

void Resync::close_left() {
  std::erase_if(left_, [&](const Left& left) {
    const Seat& seat = core_.seat(left.seat);
    if (!seat.drive || !core_.pins.released_since(left.mark)) return !seat.drive;
    return seat.drive->close("it has left the cluster", Deadline::after(kCloseWait)).ok();
  });
}

// A drive that was not waited for may have such a change in its queue: it would become a stray
// behind the sweep.
Status Resync::settle_members() {
  const View& view = core_.view();
  if (settled_layout_ == view.layout) return {};
  TRY(pass_milestone(core_, std::make_unique<View>(view)));
  settled_layout_ = view.layout;
  return {};
}

Result<worker::Step> Resync::sweep(bool& idle) {
  worker::Step step;
  idle = true;
  if (!core_.pins.released_since(switched_at_)) return step;  // somebody may still read there
  TRY(settle_members());
  if (sweep_ && !core_.seat(sweep_->seat()).in_service()) sweep_.reset();
  if (!sweep_) {
    for (const Place& place : core_.view().current.places) {
      if (!core_.seat(place.seat).in_service()) continue;
      TRY_ASSIGN(const bool strays, core_.drive(place.seat).has_mark(drive::kStraysName));
      if (!strays) continue;
      sweep_ = std::make_unique<StraySweep>(core_, place.seat);
      break;
    }
  }
  if (!sweep_) {
    core_.order.locked([&] {
      auto clean = std::make_unique<View>(core_.view());
      clean->strays = false;
      core_.set_view(std::move(clean));
    });
    return step;
  }
  idle = false;
  TRY_ASSIGN(const bool done, sweep_->step());
  if (done) sweep_.reset();
  return step;
}

}  // namespace strata::replica
