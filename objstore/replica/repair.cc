#include "objstore/replica/repair.h"

#include <algorithm>
#include <future>

namespace strata::replica {

namespace {

using drive::Table;

bool names(const drive::LogRecord& entry, Table table, std::string_view key) {
  if (table == Table::kRows) {
    return std::ranges::any_of(entry.rows, [&](const std::string& row) { return row == key; });
  }
  return std::ranges::any_of(entry.blobs,
                             [&](const drive::BlobName& blob) { return blob.id.key() == key; });
}

// On the committer's thread.
Result<Repaired> repair_now(drive::Drive& drive, drive::Index& index, const RecordRepair& repair) {
  TRY(drive.health());
  if (raw_record(drive, repair.table, repair.key) != repair.judged) return Repaired::kCalledOff;
  if (repair.judged_at != 0) {
    if (drive.committer().log_start() > repair.judged_at) return Repaired::kCalledOff;
    TRY_ASSIGN(const uint64_t mention,
               last_mention(drive, repair.table, repair.key, repair.judged_at));
    if (mention != 0) return Repaired::kCalledOff;
  }
  drive::Batch batch = index.batch();
  if (repair.record) {
    batch.put(repair.table, repair.key, *repair.record);
  } else {
    batch.remove(repair.table, repair.key);
  }
  const Status written = index.write(batch, true);
  if (!written.ok()) {
    drive.take_out(written.error().to_string());
    return written.error();
  }
  return Repaired::kDone;
}

}  // namespace

std::string raw_record(const drive::Drive& drive, Table table, std::string_view key) {
  const auto found = drive.index().get(table, key, drive::Tier::kDisk);
  if (!found.ok()) return found.error().to_string();
  return found->state == drive::Index::Found::State::kFound ? "=" + found->value : "";
}

Result<uint64_t> last_mention(const drive::Drive& drive, Table table, std::string_view key,
                              uint64_t after) {
  uint64_t last = 0;
  size_t entries = 0;
  TRY(drive.read_log(after, [&](const drive::LogRecord& entry) -> Status {
    if (++entries > kRepairLogEntriesMax) return Error(Code::kTooLarge, "the log is long");
    if (names(entry, table, key)) last = entry.sequence;
    return {};
  }));
  return last;
}

Result<Repaired> repair_record(Core& core, RecordRepair repair) {
  drive::Drive& drive = core.drive(repair.member);
  // Shared: after a wait that was given up the task may still run.
  const auto outcome = std::make_shared<std::promise<Result<Repaired>>>();
  std::future<Result<Repaired>> done = outcome->get_future();
  auto task = [&drive, outcome, repair = std::move(repair)](drive::Index& index) {
    outcome->set_value(repair_now(drive, index, repair));
  };
  if (!drive.committer().run(std::move(task))) {
    return Error(Code::kBusy, "too much waits for the drive's writing thread");
  }
  if (done.wait_for(kRepairWait) != std::future_status::ready) {
    return Error(Code::kTimeout, "the drive's writing thread did not answer in time");
  }
  return done.get();
}

}  // namespace strata::replica
