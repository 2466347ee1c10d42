#include "objstore/replica/pending_commit.h"

namespace strata::replica {

Status PendingCommit::submit(const std::shared_ptr<PendingCommit>& commit) {
  Core& core = commit->core_;
  drive::Change& change = commit->change_;
  const std::vector<size_t> targets = core.in_service(change.placement);
  if (targets.size() < core.placement.quorum()) return core.too_few_drives(change.placement);
  const size_t weight = change.weight();
  for (const size_t member : targets) {
    if (!core.drive(member).committer().has_room(weight)) {
      return Error(Code::kBusy, "too many changes are waiting for the drives; try again");
    }
  }
  commit->left_ = targets.size();
  core.order.begin(change, core.all_in_service(), [&] {
    for (const size_t member : targets) core.drive(member).committer().submit(commit);
  });
  return {};
}

void PendingCommit::ended(size_t, const Status& status) noexcept {
  if (status.ok()) ++flushed_;
  if (--left_ == 0) finish();
}

void PendingCommit::finish() {
  // A drive that failed has gone out of service by now, so every drive in service has flushed.
  const bool succeeded = flushed_ >= core_.placement.quorum();
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
