#include "objstore/replica/pending_commit.h"

#include <algorithm>

namespace strata::replica {

void PendingCommit::choose_targets(const View& view) {
  targets_.clear();
  const auto add = [&](const Place& place, bool serving, bool counted) {
    const auto same = [&](const Target& target) { return target.seat == place.seat; };
    if (!core_.seat(place.seat).in_service() || std::ranges::any_of(targets_, same)) return;
    // A drive that is being filled and falls behind slows the clients down instead of its queue
    // filling up, which would refuse them.
    const bool awaited = serving || counted || core_.drive(place.seat).committer().lags();
    targets_.push_back({place.seat, serving, awaited});
  };
  for (const size_t slot : view.current.placement.targets(change_.placement)) {
    const Place& place = view.current.places[slot];
    add(place, place.role == Role::kServing, place.role == Role::kCounted);
  }
  if (!view.next) return;
  for (const size_t slot : view.next->placement.targets(change_.placement)) {
    add(view.next->places[slot], false, view.next_counted);
  }
}

Result<bool> PendingCommit::submit(const std::shared_ptr<PendingCommit>& commit, const View& view) {
  Core& core = commit->core_;
  drive::Change& change = commit->change_;
  std::vector<Target>& targets = commit->targets_;
  commit->choose_targets(view);
  const auto serving = std::ranges::count_if(targets, [](const Target& t) { return t.serving; });
  if (static_cast<size_t>(serving) < core.quorum()) return core.too_few_drives(change.placement);
  const size_t weight = change.weight();
  for (const Target& target : targets) {
    if (!core.drive(target.seat).committer().has_room(weight)) {
      return Error(Code::kBusy, "too many changes are waiting for the drives; try again");
    }
  }
  commit->left_ = static_cast<size_t>(
      std::ranges::count_if(targets, [](const Target& t) { return t.awaited; }));
  commit->left_to_flush_ = commit->left_.load();
  const auto still_the_view = [&] { return &core.view() == &view; };
  return core.order.begin(change, core.all_in_service(view), still_the_view, [&] {
    for (const Target& target : targets) core.drive(target.seat).committer().submit(commit);
  });
}

const PendingCommit::Target* PendingCommit::target_of(size_t seat) const {
  const auto target =
      std::ranges::find_if(targets_, [&](const Target& one) { return one.seat == seat; });
  return target == targets_.end() ? nullptr : &*target;
}

void PendingCommit::flushed(size_t drive_tag) noexcept {
  const Target* target = target_of(drive_tag);
  if (target != nullptr && target->awaited && --left_to_flush_ == 0) core_.order.flushed(change_);
}

void PendingCommit::ended(size_t drive_tag, const Status& status) noexcept {
  const Target* target = target_of(drive_tag);
  if (target == nullptr || !target->awaited) return;
  if (status.ok() && target->serving) ++flushed_;
  if (--left_ == 0) finish();
}

void PendingCommit::finish() {
  // A drive that failed has gone out of service by now, so every drive in service has flushed.
  const bool succeeded = flushed_ >= core_.quorum();
  core_.order.ended(change_);
  if (succeeded && !change_.drops.empty()) {
    core_.pins.dropped(DroppedBlobs{.placement = change_.placement, .blobs = change_.drops});
  }
  if (succeeded) {
    outcome_.set(change_.sequence);
  } else {
    outcome_.set(core_.too_few_drives(change_.placement)
                     .with_context("whether the change was made is not known"));
  }
}

}  // namespace strata::replica
