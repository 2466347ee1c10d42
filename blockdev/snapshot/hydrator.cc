#include "blockdev/snapshot/hydrator.h"

#include <fmt/format.h>

#include <algorithm>

#include "blockdev/snapshot/slow_path.h"
#include "common/base/log.h"

namespace strata::snapshot {
namespace {

// What one step fetches at most: together, so that a distant place is asked for several at once.
constexpr uint64_t kChunksAStep = 4;
constexpr std::chrono::seconds kLetGo{5};
constexpr std::chrono::hours kNothingToDo{1};

}  // namespace

void Hydrator::add(HydrationInfo volume) {
  const std::lock_guard lock(mutex_);
  std::string id = volume.volume_id;
  entries_[id] = Entry{.info = std::move(volume)};
}

void Hydrator::let_go(const std::string& volume_id) {
  const std::lock_guard step(step_mutex_);
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(volume_id);
    if (found != entries_.end()) {
      found->second.not_before = clock_.steady_now() + kLetGo;
    }
  }
  if (held_id_ == volume_id) held_.reset();
}

void Hydrator::stop() {
  const std::lock_guard step(step_mutex_);
  stopped_ = true;
  held_.reset();
}

void Hydrator::forget(const std::string& volume_id) {
  const std::lock_guard lock(mutex_);
  entries_.erase(volume_id);
}

std::vector<HydrationInfo> Hydrator::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<HydrationInfo> out;
  out.reserve(entries_.size());
  for (const auto& [id, entry] : entries_) out.push_back(entry.info);
  return out;
}

worker::Progress Hydrator::progress() const {
  worker::Progress out;
  out.unit = "bytes";
  for (const HydrationInfo& one : list()) {
    out.total += one.total_bytes;
    out.done += one.total_bytes - one.absent_bytes;
    out.note += fmt::format("{}{} from {}", out.note.empty() ? "" : ", ", one.volume, one.snapshot);
  }
  return out;
}

// The volumes take turns.
std::optional<HydrationInfo> Hydrator::choose(Duration& wait) {
  const std::lock_guard lock(mutex_);
  if (entries_.empty()) return std::nullopt;
  const SteadyTime now = clock_.steady_now();
  auto at = entries_.upper_bound(last_);
  for (size_t i = 0; i < entries_.size(); ++i, ++at) {
    if (at == entries_.end()) at = entries_.begin();
    if (at->second.not_before > now) {
      wait = kLetGo;
      continue;
    }
    last_ = at->first;
    return at->second.info;
  }
  return std::nullopt;
}

Result<worker::Step> Hydrator::step() {
  const std::lock_guard step(step_mutex_);
  worker::Step out;
  out.wait = kNothingToDo;
  if (stopped_) return out;
  const auto volume = choose(out.wait);
  if (!volume) {
    held_.reset();
    return out;
  }
  auto fetched = fetch_some(*volume);
  if (!fetched.ok()) {
    held_.reset();
    return std::move(fetched).error().with_context(fmt::format("volume {}", volume->volume));
  }
  out.bytes = *fetched;
  out.more = true;
  return out;
}

Status Hydrator::hold(const HydrationInfo& volume) {
  if (held_ != nullptr && held_id_ == volume.volume_id) return {};
  held_.reset();
  TRY_ASSIGN(held_, catalog_.hold(volume.volume));
  held_id_ = volume.volume_id;
  return {};
}

Result<uint64_t> Hydrator::fetch_some(const HydrationInfo& volume) {
  const Status held = hold(volume);
  TrackedDevice* const device = held.ok() ? open_.find(volume.volume_id) : nullptr;
  if (device == nullptr) {
    if (!held.ok() && held.error().code != Code::kNotFound) return held.error();
    // It was removed, or renamed: then it is found again by its new name.
    for (const volume::VolumeInfo& one : catalog_.list()) {
      if (one.id != volume.volume_id) continue;
      HydrationInfo renamed = volume;
      renamed.volume = one.name;
      add(std::move(renamed));
      return 0;
    }
    held_.reset();
    forget(volume.volume_id);
    hydrated_(volume);
    return 0;
  }
  SlowPath& slow = device->slow_path();
  uint64_t cursor = 0;
  {
    const std::lock_guard lock(mutex_);
    cursor = entries_[volume.volume_id].cursor;
  }
  auto chunk = slow.next_absent(cursor);
  if (!chunk) chunk = slow.next_absent(0);
  if (!chunk) {
    TRY(slow.note_hydration());
    held_.reset();
    forget(volume.volume_id);
    hydrated_(volume);
    return 0;
  }
  const uint64_t end = std::min(*chunk + kChunksAStep, Bitmap::kBits);
  const uint64_t before = slow.hydration().absent;
  const Status fetched = slow.ensure_present({*chunk, end});
  const SlowPath::Hydration now = slow.hydration();
  {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[volume.volume_id];
    entry.cursor = end;
    entry.info.absent_bytes = now.absent * chunks::kChunkBytes;
    entry.info.total_bytes = now.total * chunks::kChunkBytes;
  }
  TRY(fetched);
  return (before - std::min(before, now.absent)) * chunks::kChunkBytes;
}

}  // namespace strata::snapshot
