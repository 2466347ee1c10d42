#include "objstore/replica/scrub.h"

#include <fmt/format.h>

#include <algorithm>
#include <climits>
#include <tuple>

#include "common/base/log.h"
#include "objstore/replica/healer.h"

namespace strata::replica {

namespace {

using drive::Table;

// Bounds of one step.
constexpr size_t kStepKeys = 500;
constexpr uint64_t kStepBytes = kMiB;
// How often the position is kept: what a crash makes the next start read again.
constexpr uint64_t kSaveBytes = 64 * kMiB;
constexpr Duration kSaveTime = std::chrono::seconds(10);
// Ranges into which a period is cut, so that a key's range says within about an hour when it was
// verified.
constexpr int64_t kRangesOfPeriod = 128;
constexpr Duration kRangeTimeMin = std::chrono::minutes(1);
// A pass aims to end a little before the next one is due, and may run this far ahead of its pace.
constexpr double kPaceShare = 0.9;
constexpr uint64_t kPaceSlack = 8 * kMiB;
constexpr Duration kPaceWaitMax = std::chrono::hours(1);
constexpr Duration kBetweenRoundsMax = std::chrono::hours(1);
// When repairs are behind, or no drive is there.
constexpr Duration kRepairsWait = std::chrono::milliseconds(50);
constexpr Duration kNoDriveScrubWait = std::chrono::minutes(1);
constexpr Duration kMoveWait = std::chrono::seconds(10);
constexpr size_t kRepairsBehind = kHealsMax / 2;
constexpr uint64_t kCopiesBehind = 8;

std::string after(const std::string& key) {
  return key + '\0';
}

}  // namespace

Scrub::Scrub(Core& core, const io::Clock& clock, Duration period)
    : core_(core),
      clock_(clock),
      period_(period),
      counts_(std::make_shared<ScrubCounts>()),
      judge_(core, counts_),
      blobs_(core, counts_),
      index_(core, counts_) {}

int64_t Scrub::wall_ms() const {
  return clock_.wall_now().time_since_epoch().count();
}

std::vector<size_t> Scrub::members() const {
  return core_.serving();
}

// Where the last pass stood: the drive that knows most of it. One that was away knows less.
void Scrub::load() {
  loaded_ = true;
  // Before they are used, and replaced by others: else nobody is told of one that is damaged.
  UnionWalk notes(core_, members(), Table::kMeta, "");
  while (const std::optional<std::string> name = notes.next_key()) {
    judge_.note(*name, notes.take(*name));
  }
  for (const size_t member : members()) {
    const std::optional<ScrubPosition> found = read_position(core_.drive(member));
    if (!found) continue;
    const auto rank = [](const ScrubPosition& one) {
      const int part = one.part == ScrubPart::kNone ? INT_MAX : static_cast<int>(one.part);
      return std::tuple(one.started_ms, part, one.next);
    };
    if (rank(*found) > rank(at_)) at_ = *found;
  }
  if (at_.hurried) hurry_.store(true);
}

Result<worker::Step> Scrub::step() {
  if (!loaded_) load();
  const std::vector<size_t> drives = members();
  if (drives.empty()) return worker::Step{.bytes = 0, .more = false, .wait = kNoDriveScrubWait};
  if (core_.is_moving()) {
    // Which copies there should be is about to change, or has; the resync looks at all of them.
    return worker::Step{.bytes = 0, .more = false, .wait = kMoveWait};
  }
  {
    const std::lock_guard lock(core_.heal_mutex);
    if (core_.healing.size() >= kRepairsBehind || counts_->copying >= kCopiesBehind) {
      return worker::Step{.bytes = 0, .more = false, .wait = kRepairsWait};
    }
  }
  if (at_.part == ScrubPart::kNone) {
    if (!hurry_ && until_next_pass() > Duration::zero()) {
      publish();
      return worker::Step{
          .bytes = 0, .more = false, .wait = std::min(kBetweenRoundsMax, until_next_pass())};
    }
    begin_pass();
  }
  at_.hurried = hurry_;
  if (!at_.hurried && !blobs_.file_under_way() && !index_.file_under_way()) {
    if (const Duration early = ahead_by(); early > Duration::zero()) {
      save(drives, false);
      publish();
      return worker::Step{.bytes = 0, .more = false, .wait = std::min(early, kPaceWaitMax)};
    }
  }
  const uint64_t before = at_.bytes;
  open_ranges(drives);
  run(drives);
  const uint64_t bytes = at_.bytes - before;
  bytes_unsaved_ += bytes;
  const uint64_t findings = counts_->findings();
  at_.findings += findings - findings_before_;
  findings_before_ = findings;
  if (part_done_) {
    save(drives, true);
    end_part();
  }
  save_if_due(drives);
  publish();
  const bool more = at_.part != ScrubPart::kNone;
  return worker::Step{
      .bytes = bytes, .more = more, .wait = std::min(kBetweenRoundsMax, until_next_pass())};
}

void Scrub::begin_pass() {
  at_.started_ms = wall_ms();
  at_.part = ScrubPart::kMeta;
  at_.next.clear();
  at_.bytes = 0;
  at_.findings = 0;  // since findings_before_: what load() found counts for the first pass
  log::info("scrub.begin", {{"drives", static_cast<uint64_t>(members().size())}});
}

void Scrub::end_part() {
  part_done_ = false;
  at_.next.clear();
  if (at_.part != ScrubPart::kIndex) {
    at_.part = static_cast<ScrubPart>(static_cast<uint8_t>(at_.part) + 1);
    return;
  }
  end_pass();
}

void Scrub::end_pass() {
  at_.finished_ms = wall_ms();
  at_.finished_started_ms = at_.started_ms;
  at_.finished_bytes = at_.bytes;
  at_.part = ScrubPart::kNone;
  at_.hurried = false;
  hurry_.store(false);
  bytes_unsaved_ = kSaveBytes;  // the end is kept at once
  log::info("scrub.end", {{"bytes", at_.bytes}, {"findings", at_.findings}});
}

Duration Scrub::until_next_pass() const {
  if (period_ == Duration::zero()) return kBetweenRoundsMax;
  if (at_.finished_ms == 0) return Duration::zero();
  const auto since = std::chrono::milliseconds(wall_ms() - at_.finished_started_ms);
  if (since < Duration::zero()) return period_;  // the clock was set back
  return since >= period_ ? Duration::zero() : period_ - since;
}

// The last pass tells; before the first one, what the drives' filesystems hold is an upper bound.
uint64_t Scrub::expected_bytes() const {
  uint64_t expected = at_.finished_bytes;
  if (expected == 0) {
    for (const size_t member : members()) {
      const io::Space space = core_.drive(member).space();
      expected += space.capacity_bytes - std::min(space.capacity_bytes, space.available_bytes);
    }
  }
  return std::max({expected, at_.bytes, kMiB});
}

// How long the pass has to wait to be where it should be by now.
Duration Scrub::ahead_by() const {
  if (period_ == Duration::zero()) return Duration::zero();
  const double pass = std::chrono::duration<double>(period_).count() * kPaceShare;
  const double elapsed = std::max(0.0, static_cast<double>(wall_ms() - at_.started_ms) / 1000.0);
  const auto expected = static_cast<double>(expected_bytes());
  const double ahead =
      static_cast<double>(at_.bytes) - static_cast<double>(kPaceSlack) - expected * elapsed / pass;
  if (elapsed >= pass || ahead <= 0) return Duration::zero();
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(std::min(ahead / expected * pass, pass)));
}

void Scrub::run(const std::vector<size_t>& drives) {
  switch (at_.part) {
    case ScrubPart::kMeta:
      return run_table(drives, Table::kMeta, &RecordJudge::note);
    case ScrubPart::kLog:
      return run_table(drives, Table::kLog, &RecordJudge::log_entry);
    case ScrubPart::kDropped:
      return run_table(drives, Table::kDropped, &RecordJudge::dropped);
    case ScrubPart::kRows:
      return run_table(drives, Table::kRows, &RecordJudge::row);
    case ScrubPart::kBlobs:
      return run_blobs(drives);
    case ScrubPart::kIndex:
      return run_index(drives);
    case ScrubPart::kNone:
      return;
  }
}

void Scrub::run_table(const std::vector<size_t>& drives, Table table,
                      void (RecordJudge::*judge)(const std::string&,
                                                 const std::vector<HeldCopy>&)) {
  UnionWalk walk(core_, drives, table, at_.next);
  std::optional<std::string> key = walk.next_key();
  for (size_t keys = 0; key && keys < kStepKeys && walk.bytes() < kStepBytes; ++keys) {
    const std::vector<HeldCopy> copies = walk.take(*key);
    (judge_.*judge)(*key, copies);
    at_.next = after(*key);
    key = walk.next_key();
  }
  at_.bytes += walk.bytes();
  if (key) return;
  note_stops(walk);
  part_done_ = true;
}

// A large blob ends a run: its files are read piece by piece in steps of their own.
void Scrub::run_blobs(const std::vector<size_t>& drives) {
  if (blobs_.file_under_way()) {
    blobs_.step_file();
    at_.bytes += blobs_.take_bytes();
    if (!blobs_.file_under_way()) at_.next = after(blob_key_);
    return;
  }
  blobs_.begin_run(drives, at_.next);
  UnionWalk walk(core_, drives, Table::kBlobs, at_.next);
  std::optional<std::string> key = walk.next_key();
  uint64_t data = 0;
  for (size_t keys = 0; key && keys < kStepKeys && walk.bytes() + data < kStepBytes; ++keys) {
    const std::vector<HeldCopy> copies = walk.take(*key);
    judge_.blob(*key, copies);
    blobs_.blob(*key);
    data += blobs_.take_bytes();
    if (blobs_.file_under_way()) {
      blob_key_ = *key;
      break;
    }
    at_.next = after(*key);
    key = walk.next_key();
  }
  if (!key) {
    blobs_.end_of_table();
    data += blobs_.take_bytes();
    note_stops(walk);
    part_done_ = true;
  }
  blobs_.end_run();
  at_.bytes += walk.bytes() + data;
}

void Scrub::run_index(const std::vector<size_t>& drives) {
  uint64_t bytes = 0;
  for (size_t files = 0; files < kStepKeys && bytes < kStepBytes; ++files) {
    std::optional<std::string> next = index_.step(drives, at_.next);
    bytes += index_.take_bytes();
    part_done_ = !next;
    if (!next) break;
    at_.next = std::move(*next);
  }
  at_.bytes += bytes;
}

void Scrub::note_stops(const UnionWalk& walk) {
  for (const HeldCopy& stop : walk.stopped()) {
    if (!core_.drive(stop.member).in_service()) continue;
    ++counts_->stops;
    report_bad(core_, {BadCopy{stop.member, *stop.error}}, "table", part_name(at_.part));
  }
}

// A drive's range begins where the pass stands when the drive is first there for it.
void Scrub::open_ranges(const std::vector<size_t>& drives) {
  std::erase_if(ranges_, [&](const auto& entry) {
    return entry.second.part != at_.part || std::ranges::find(drives, entry.first) == drives.end();
  });
  if (at_.part != ScrubPart::kRows && at_.part != ScrubPart::kBlobs) return;
  for (const size_t member : drives) {
    if (ranges_.contains(member)) continue;
    ranges_[member] = OpenRange{.part = at_.part,
                                .from = at_.next,
                                .started_ms = wall_ms(),
                                .sequence = core_.order.agreed()};
  }
}

void Scrub::save_if_due(const std::vector<size_t>& drives) {
  const SteadyTime now = clock_.steady_now();
  if (bytes_unsaved_ >= kSaveBytes || now - saved_at_ >= kSaveTime) save(drives, false);
}

// Not flushed: what a crash loses is read once more.
void Scrub::save(const std::vector<size_t>& drives, bool part_ends) {
  const int64_t now = wall_ms();
  const auto cut = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::max(period_ / kRangesOfPeriod, kRangeTimeMin));
  for (const size_t member : drives) {
    std::optional<VerifiedRange> range;
    const auto open = ranges_.find(member);
    if (open != ranges_.end() && (part_ends || at_.next > open->second.from)) {
      range = VerifiedRange{.part = open->second.part,
                            .from = open->second.from,
                            .end = at_.next,
                            .to_last = part_ends,
                            .started_ms = open->second.started_ms,
                            .ended_ms = now,
                            .sequence = open->second.sequence};
      if (part_ends || now - open->second.started_ms >= cut.count()) ranges_.erase(open);
    }
    drive::Drive& drive = core_.drive(member);
    // A queue that is full is no harm: the next time comes soon.
    (void)drive.committer().run([&drive, range, position = at_](drive::Index& index) {
      if (!drive.in_service()) return;
      drive::Batch batch = index.batch();
      if (range) put_range(batch, drive, *range);
      batch.put(Table::kMeta, kScrubPositionName, encode_position(drive.seed(), position));
      const Status written = index.write(batch, false);
      if (!written.ok()) drive.take_out(written.error().to_string());
    });
  }
  bytes_unsaved_ = 0;
  saved_at_ = clock_.steady_now();
}

void Scrub::publish() {
  worker::Progress now;
  now.done = at_.bytes;
  now.total = at_.part == ScrubPart::kNone ? at_.bytes : expected_bytes();
  now.unit = "bytes";
  now.findings = at_.findings;
  now.pass_started_ms = at_.started_ms;
  now.pass_finished_ms = at_.finished_ms;
  if (at_.part != ScrubPart::kNone) {
    now.note = fmt::format(
        "verifying {}{}", part_name(at_.part),
        at_.hurried || period_ == Duration::zero() ? "" : ", at the pace of its period");
  }
  if (at_.part == ScrubPart::kNone && period_ != Duration::zero()) {
    const auto hours = std::chrono::duration_cast<std::chrono::hours>(until_next_pass()).count();
    now.note = fmt::format("the next pass begins in {} d {} h", hours / 24, hours % 24);
  }
  const std::lock_guard lock(mutex_);
  shown_ = std::move(now);
}

worker::Progress Scrub::progress() const {
  const std::lock_guard lock(mutex_);
  return shown_;
}

}  // namespace strata::replica
