#include "objstore/replica/replica_set.h"

#include <fmt/format.h>

#include <future>

#include "common/codec/text.h"
#include "common/digest/checksum.h"
#include "objstore/replica/ask_in_turn.h"
#include "objstore/replica/blob_source.h"
#include "objstore/replica/healer.h"
#include "objstore/replica/merged_scan.h"
#include "objstore/replica/moves.h"
#include "objstore/replica/orphan_sweep.h"
#include "objstore/replica/pending_commit.h"
#include "objstore/replica/recovery.h"
#include "objstore/replica/replica_blob_writer.h"
#include "objstore/replica/replica_inspector.h"
#include "objstore/replica/resync.h"
#include "objstore/replica/return_watch.h"
#include "objstore/replica/scrub.h"
#include "objstore/replica/status.h"

namespace strata::replica {

using async::Task;

std::string BlobId::to_hex() const {
  return codec::to_hex(Bytes(bytes));
}

namespace {

// Changes of the members that one commit outlasts.
constexpr size_t kViewChangesMax = 64;

drive::BlobName name_of(const BlobRef& ref) {
  return drive::BlobName{
      .id = drive::Id128{ref.id.bytes}, .size_bytes = ref.size_bytes, .in_index = ref.in_index};
}

Status check_key(std::string_view key) {
  if (!key.empty() && key.size() <= kRowKeyBytesMax) return {};
  return Error(Code::kTooLarge,
               fmt::format("a row's key has 1 to {} bytes, not {}", kRowKeyBytesMax, key.size()));
}

Status check_mutation(const Mutation& mutation) {
  const size_t names = mutation.puts.size() + mutation.deletes.size() + mutation.adopts.size() +
                       mutation.drops.size();
  if (names > kMutationRowsMax * 2) return Error(Code::kTooLarge, "too many rows in one commit");
  if (mutation.puts.size() + mutation.deletes.size() > kMutationRowsMax) {
    return Error(Code::kTooLarge, "too many rows in one commit");
  }
  size_t bytes = 0;
  for (const Mutation::Put& put : mutation.puts) {
    TRY(check_key(put.key));
    if (put.value.size() > kRowValueBytesMax) {
      return Error(Code::kTooLarge, fmt::format("a row's value has at most {} bytes, not {}",
                                                kRowValueBytesMax, put.value.size()));
    }
    bytes += put.value.size();
  }
  for (const std::string& key : mutation.deletes) TRY(check_key(key));
  if (bytes > drive::kQueuedBytesMax) return Error(Code::kTooLarge, "too much in one commit");
  return {};
}

// The change without its place in the order. From here on the blobs belong to the commit: if its
// outcome is in doubt they must stay.
drive::Change to_change(Mutation& mutation) {
  drive::Change change;
  change.placement = Placement::hash(mutation.placement);
  change.puts.reserve(mutation.puts.size());
  for (Mutation::Put& put : mutation.puts) {
    const uint64_t digest = digest::xxh3(as_bytes(put.value));
    change.puts.push_back({std::move(put.key), std::move(put.value), digest});
  }
  change.deletes = std::move(mutation.deletes);
  for (const BlobRef& ref : mutation.drops) change.drops.push_back(name_of(ref));
  return change;
}

using FoundRow = std::optional<drive::RowRecord>;

// A row: at once if the first drive has it in memory, else from pool threads.
Task<Asked<FoundRow>> row_anywhere(Core& core, std::vector<size_t> drives, std::string key) {
  Asked<FoundRow> asked;
  while (!drives.empty()) {
    auto quick = core.drive(drives.front()).get_row(key, drive::Tier::kMemory);
    if (quick.ok() && quick->would_block) break;
    if (quick.ok()) {
      asked.value.emplace(std::move(quick->row));
      co_return asked;
    }
    asked.bad.push_back(BadCopy{drives.front(), quick.error()});
    drives.erase(drives.begin());
  }
  std::function<Result<FoundRow>(size_t)> ask = [&core, key](size_t member) -> Result<FoundRow> {
    TRY_ASSIGN(auto found, core.drive(member).get_row(key, drive::Tier::kDisk));
    return std::move(found.row);
  };
  auto rest = co_await ask_in_turn<FoundRow>(core, std::move(drives), std::move(ask));
  rest.bad.insert(rest.bad.begin(), asked.bad.begin(), asked.bad.end());
  co_return rest;
}

// Gives the commit to the drives of one view: when drives come or go in between, once more.
Task<Status> submit(Core& core, Mutation& mutation, std::shared_ptr<PendingCommit> commit) {
  for (size_t attempt = 0; attempt < kViewChangesMax; ++attempt) {
    const View& view = core.view();
    const std::vector<size_t> seats = core.writers(commit->change().placement);
    for (const auto& writer : mutation.adopts) {
      CO_TRY(co_await static_cast<ReplicaBlobWriter*>(writer.get())->reach(seats));
    }
    CO_TRY_ASSIGN(const bool submitted, PendingCommit::submit(commit, view));
    if (submitted) co_return Status();
  }
  co_return Error(Code::kBusy, "drives come and go too fast; try again");
}

}  // namespace

ReplicaSet::ReplicaSet(std::unique_ptr<drive::IndexCache> cache, std::unique_ptr<Core> core,
                       const WorkerOptions& workers, std::vector<DriveFolderOption> folders)
    : cache_(std::move(cache)),
      core_(std::move(core)),
      own_clock_(std::make_unique<io::SystemClock>()),
      resync_(std::make_unique<Resync>(*core_)),
      moves_(std::make_unique<Moves>(*core_, *resync_, *cache_)),
      returns_(std::make_unique<ReturnWatch>(*core_, *moves_, std::move(folders))) {
  const io::Clock& clock = workers.clock != nullptr ? *workers.clock : *own_clock_;
  scrub_ = std::make_unique<Scrub>(*core_, clock, workers.scrub_period);
  inspector_ = std::make_unique<ReplicaInspector>(*core_);
  orphans_ = std::make_unique<OrphanSweep>(*core_, clock, workers.orphan_age);
}

ReplicaSet::~ReplicaSet() = default;

std::vector<worker::Job> ReplicaSet::workers() {
  return {{scrub_.get(), kScrubRate},
          {orphans_.get(), kOrphanSweepRate},
          {resync_.get(), kResyncRate},
          {returns_.get(), 0}};
}

Result<std::unique_ptr<ReplicaSet>> ReplicaSet::open(ReplicaSetOptions options,
                                                     async::BlockingPool& pool,
                                                     RandomSource& random) {
  auto cache = std::make_unique<drive::IndexCache>(options.index_cache_bytes);
  TRY_ASSIGN(Members members, open_members(options, *cache, random));
  std::vector<Slot> slots;
  slots.reserve(members.all.size());
  for (const Member& member : members.all) {
    slots.push_back({member.record.slot, member.record.weight});
  }
  const Placement placement(std::move(slots), members.replicas);
  TRY_ASSIGN(const Recovered recovered, recover(members, placement));
  const uint64_t rebuilt = members.rebuilt + members.repaired_at_open + recovered.damaged;
  TRY_ASSIGN(auto drive_thread, async::LoopThread::start("drive-io"));
  Core::Ground ground{.pool = pool,
                      .random = random,
                      .drive_thread = std::move(drive_thread),
                      .drive_answer_max = options.drive_answer_max,
                      .drive_left = std::move(options.drive_left),
                      .clock = options.workers.clock,
                      .read_wait_max = options.read_wait_max,
                      .durability = options.durability};
  auto core = std::make_unique<Core>(std::move(members), recovered, std::move(ground));
  core->corrupt_found = rebuilt;
  core->corrupt_healed = rebuilt;
  return std::unique_ptr<ReplicaSet>(
      new ReplicaSet(std::move(cache), std::move(core), options.workers, options.drives));
}

void ReplicaSet::settle() {
  core_->background.drain();
  for (size_t i = 0; i < core_->seats(); ++i) {
    if (!core_->seat(i).drive) continue;
    std::promise<void> reached;
    if (core_->drive(i).committer().run([&](drive::Index&) { reached.set_value(); })) {
      reached.get_future().wait();
    }
  }
}

void ReplicaSet::probe_suspects() {
  core_->probe_suspects();
}

uint64_t ReplicaSet::flushes() const {
  uint64_t sum = 0;
  for (size_t i = 0; i < core_->seats(); ++i) {
    if (core_->seat(i).drive) sum += core_->drive(i).committer().groups();
  }
  return sum;
}

worker::Worker& ReplicaSet::resync() {
  return *resync_;
}

worker::Worker& ReplicaSet::return_watch() {
  return *returns_;
}

Status ReplicaSet::add_drive(DriveFolderOption folder) {
  return moves_->add(std::move(folder));
}
Status ReplicaSet::drain_drive(const std::string& which) {
  return moves_->drain(which);
}
Status ReplicaSet::replace_drive(const std::string& which, DriveFolderOption folder) {
  return moves_->replace(which, std::move(folder));
}
Status ReplicaSet::return_drive(const DriveFolderOption& folder) {
  return moves_->bring_back(folder);
}
Status ReplicaSet::accept_drive_loss(const std::string& which) {
  return moves_->accept_loss(which);
}

Sequence ReplicaSet::next_stamp() {
  return Sequence(core_->order.stamp());
}

Task<Result<std::optional<Row>>> ReplicaSet::get(std::string placement, std::string key) {
  Core& core = *core_;
  CO_TRY(check_key(key));
  const uint64_t hash = Placement::hash(placement);
  const uint64_t deleting = core.order.deleting(key);
  std::vector<size_t> drives = core.in_service(hash);
  auto asked = co_await row_anywhere(core, std::move(drives), key);
  if (!asked.value && asked.bad.empty() && core.view().current.is_lost(hash)) {
    co_return std::optional<Row>();
  }
  if (!asked.value) {
    report_bad(core, asked.bad, "row", key);
    co_return nobody_has_it(core, asked, hash, "no drive has a good copy of the record");
  }
  if (!asked.bad.empty()) heal_row(core, asked.bad, hash, key);
  FoundRow row = std::move(*asked.value);
  // What was seen may not be flushed everywhere yet; nobody shall learn of it before.
  if (!row) {
    co_await core.order.until_agreed(std::max(deleting, core.order.deleting(key)));
    co_return std::optional<Row>();
  }
  co_await core.order.until_agreed(row->sequence);
  co_return std::optional<Row>(Row{
      .key = std::move(key), .value = std::move(row->value), .sequence = Sequence(row->sequence)});
}

Task<Result<std::vector<Row>>> ReplicaSet::scan(ScanRequest request) {
  Core& core = *core_;
  if (request.rows_max == 0 || request.rows_max > kScanRowsMax) {
    co_return Error(Code::kInvalidArgument,
                    fmt::format("a scan asks for 1 to {} rows", kScanRowsMax));
  }
  uint64_t seen = core.order.deleting_any();
  auto job = [&core, &request] { return merged_scan(core, request); };
  auto rows = co_await core.pool.run(std::move(job));
  if (!rows.ok()) co_return rows;
  seen = std::max(seen, core.order.deleting_any());
  for (const Row& row : *rows) seen = std::max(seen, row.sequence.value());
  co_await core.order.until_agreed(seen);
  co_return rows;
}

Task<Result<std::unique_ptr<BlobWriter>>> ReplicaSet::create_blob(
    std::string placement, std::optional<uint64_t> expected_bytes) {
  Core& core = *core_;
  const uint64_t hash = Placement::hash(placement);
  const std::vector<size_t> targets = core.in_service(hash);
  if (targets.size() < core.quorum()) co_return core.too_few_drives(hash);
  const uint64_t expected = expected_bytes.value_or(0);
  if (expected > drive::kBlobBytesMax) {
    co_return Error(Code::kTooLarge,
                    fmt::format("a blob holds at most {} bytes", drive::kBlobBytesMax));
  }
  for (const size_t member : targets) CO_TRY(core.drive(member).check_space(expected));
  std::unique_ptr<BlobWriter> writer =
      std::make_unique<ReplicaBlobWriter>(core, hash, expected_bytes);
  co_return std::move(writer);
}

Task<Result<std::unique_ptr<async::ByteSource>>> ReplicaSet::read_blob(std::string placement,
                                                                       BlobRef blob,
                                                                       uint64_t offset,
                                                                       uint64_t length) {
  const drive::BlobName name = name_of(blob);
  co_return co_await open_blob_source(*core_, Placement::hash(placement), name, offset, length);
}

Task<Result<Sequence>> ReplicaSet::commit(Mutation mutation) {
  Core& core = *core_;
  CO_TRY(check_mutation(mutation));
  drive::Change change = to_change(mutation);
  // Refused before the blobs change hands, so that they are removed with their writers.
  if (core.in_service(change.placement).size() < core.quorum()) {
    co_return core.too_few_drives(change.placement);
  }
  for (const std::unique_ptr<BlobWriter>& writer : mutation.adopts) {
    auto* const blob = dynamic_cast<ReplicaBlobWriter*>(writer.get());
    CHECK(blob != nullptr && blob->finished() && blob->placement() == change.placement,
          "a commit owns finished blobs of its own placement");
    change.adopts.push_back(blob->adopt());
  }
  PendingCommit::Outcome outcome;
  const auto commit = std::make_shared<PendingCommit>(core, std::move(change), outcome);
  const Status submitted = co_await submit(core, mutation, commit);
  if (!submitted.ok()) {
    for (const auto& writer : mutation.adopts) {
      static_cast<ReplicaBlobWriter*>(writer.get())->disown();
    }
    co_return submitted.error();
  }
  Result<uint64_t> sequence = co_await outcome;
  if (!sequence.ok()) co_return std::move(sequence).error();
  co_return Sequence(*sequence);
}

std::unique_ptr<ReadPin> ReplicaSet::pin() {
  return core_->pins.pin();
}

StoreStatus ReplicaSet::status() const {
  return status_of(*core_, *resync_);
}

}  // namespace strata::replica
