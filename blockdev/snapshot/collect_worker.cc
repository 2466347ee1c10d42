#include "blockdev/snapshot/collect_worker.h"

#include <fmt/format.h>

namespace strata::snapshot {
namespace {

constexpr std::chrono::hours kPeriod{6};
// Somebody else is at work.
constexpr std::chrono::minutes kBusyWait{1};

}  // namespace

Result<worker::Step> CollectWorker::step() {
  if (!collector_) {
    TRY_ASSIGN(Repository * repository, repository_());
    collector_.emplace(repository->store(), repository->claims());
  }
  worker::Step out;
  const Result<bool> more = collector_->step();
  {
    const std::lock_guard lock(mutex_);
    totals_ = collector_->totals();
  }
  if (!more.ok() && more.error().code == Code::kBusy) {
    out.wait = kBusyWait;
    return out;
  }
  if (!more.ok()) return more.error();
  out.more = *more;
  out.wait = kPeriod;
  return out;
}

worker::Progress CollectWorker::progress() const {
  const std::lock_guard lock(mutex_);
  worker::Progress out;
  out.unit = "chunks";
  out.done = totals_.kept + totals_.removed;
  out.findings = totals_.removed;
  out.note = fmt::format("{} manifests, {} chunks kept, {} removed", totals_.manifests,
                         totals_.kept, totals_.removed);
  return out;
}

}  // namespace strata::snapshot
