#include "objstore/replica/orphan_sweep.h"

#include <algorithm>

#include "common/base/log.h"
#include "objstore/replica/repair.h"

namespace strata::replica {

namespace {

constexpr int kFolders = 256;
constexpr size_t kStepFiles = 500;
constexpr Duration kSweepPeriod = std::chrono::hours(24);
constexpr Duration kNoDriveWait = std::chrono::minutes(1);

}  // namespace

std::vector<size_t> OrphanSweep::members() const {
  return core_.serving();
}

void OrphanSweep::begin_pass() {
  in_pass_ = true;
  member_ = 0;
  folder_ = -1;
  const std::lock_guard lock(mutex_);
  shown_ = worker::Progress{.done = 0,
                            .total = 0,
                            .unit = "files",
                            .findings = 0,
                            .pass_started_ms = clock_.wall_now().time_since_epoch().count(),
                            .pass_finished_ms = shown_.pass_finished_ms,
                            .note = ""};
}

void OrphanSweep::end_pass() {
  in_pass_ = false;
  const std::lock_guard lock(mutex_);
  shown_.total = shown_.done;
  shown_.pass_finished_ms = clock_.wall_now().time_since_epoch().count();
}

// The next folder of the drive, or the first of the next drive; false when there is none.
bool OrphanSweep::next_folder(const std::vector<size_t>& drives) {
  if (++folder_ == kFolders) {
    folder_ = 0;
    ++member_;
  }
  const auto found = std::ranges::lower_bound(drives, member_);
  if (found == drives.end()) return false;
  if (*found != member_) folder_ = 0;
  member_ = *found;
  return true;
}

Result<worker::Step> OrphanSweep::step() {
  const std::vector<size_t> drives = members();
  if (drives.empty()) return worker::Step{.bytes = 0, .more = false, .wait = kNoDriveWait};
  if (!in_pass_) begin_pass();
  if (entries_.empty()) {
    if (!next_folder(drives)) {
      end_pass();
      return worker::Step{.bytes = 0, .more = false, .wait = kSweepPeriod};
    }
    TRY_ASSIGN(entries_, core_.drive(member_).list_blobs(static_cast<uint8_t>(folder_)));
  }
  drive::Drive& drive = core_.drive(member_);
  uint64_t files = 0;
  uint64_t removed = 0;
  for (; !entries_.empty() && files < kStepFiles; ++files) {
    const drive::Drive::BlobEntry entry = std::move(entries_.back());
    entries_.pop_back();
    const Result<bool> orphan = is_orphan(drive, entry);
    if (!orphan.ok() || !*orphan) continue;  // it went meanwhile, or the drive did
    const Status gone = drive.remove_blob_entry(static_cast<uint8_t>(folder_), entry.name);
    if (!gone.ok()) continue;
    ++removed;
    log::info("orphan.removed", {{"drive", drive.path()}, {"file", entry.name}});
  }
  const std::lock_guard lock(mutex_);
  shown_.done += files;
  shown_.findings += removed;
  return worker::Step{.bytes = files * kOrphanLookBytes, .more = true, .wait = {}};
}

// A record that cannot be read may well own it.
bool OrphanSweep::may_own(const drive::Drive& drive, const drive::Id128& id) const {
  return !raw_record(drive, drive::Table::kBlobs, id.key()).empty() ||
         !raw_record(drive, drive::Table::kDropped, id.key()).empty();
}

// A writer lives until the commit that owns its blob has ended: so who asks for the writer first
// and for the record then misses neither.
Result<bool> OrphanSweep::is_orphan(const drive::Drive& drive,
                                    const drive::Drive::BlobEntry& entry) const {
  if (entry.id && may_own(drive, *entry.id)) return false;
  TRY_ASSIGN(const int64_t modified_ms,
             drive.blob_modified_ms(static_cast<uint8_t>(folder_), entry.name));
  const std::chrono::milliseconds age =
      clock_.wall_now().time_since_epoch() - std::chrono::milliseconds(modified_ms);
  if (age < age_) return false;
  if (!entry.id) return true;
  if (core_.live_writers.contains(*entry.id)) return false;
  return !may_own(drive, *entry.id);
}

worker::Progress OrphanSweep::progress() const {
  const std::lock_guard lock(mutex_);
  return shown_;
}

}  // namespace strata::replica
