#include "objstore/replica/reconcile.h"

#include <algorithm>

#include "common/base/log.h"
#include "common/digest/checksum.h"
#include "objstore/replica/recovery.h"

namespace strata::replica {

using drive::Table;

std::vector<size_t> Reconciler::speakers(uint64_t placement) const {
  std::vector<size_t> found;
  uint64_t furthest = 0;
  for (const size_t member : placement_.targets(placement)) {
    const Standing& standing = standing_[member];
    if (!standing.present || standing.filling || !members_.all[member].in_service()) continue;
    if (!found.empty() && standing.position < furthest) continue;
    if (!found.empty() && standing.position > furthest) found.clear();
    furthest = standing.position;
    found.push_back(member);
  }
  return found;
}

bool Reconciler::belongs(uint64_t placement) const {
  const std::vector<size_t> targets = placement_.targets(placement);
  return std::ranges::find(targets, target_) != targets.end();
}

Status Reconciler::row(const std::string& key, uint64_t placement) {
  const std::vector<size_t> sources = speakers(placement);
  if (sources.empty()) return {};
  if (std::ranges::find(sources, target_) != sources.end()) return {};
  for (const size_t source : sources) {
    const auto truth = drive(source).get_row(key, drive::Tier::kDisk);
    if (!truth.ok()) {
      log::error("corrupt", {{"drive", members_.all[source].path},
                             {"row", key},
                             {"error", truth.error().to_string()}});
      continue;
    }
    const auto here = drive(target_).get_row(key, drive::Tier::kDisk);
    const bool here_is_same = here.ok() && here->row.has_value() == truth->row.has_value() &&
                              (!truth->row || here->row->sequence == truth->row->sequence);
    if (here_is_same) return {};
    ++changed_;
    if (!truth->row) {
      batch_.remove(Table::kRows, key);
      return write_if_large();
    }
    const std::string& value = truth->row->value;
    const std::string header =
        drive::encode_row_header(drive(target_).seed(), key, truth->row->sequence,
                                 truth->row->placement, digest::xxh3(as_bytes(value)));
    batch_.put(Table::kRows, key, header, value);
    return write_if_large();
  }
  return {};  // no good copy: reads will say so
}

Status Reconciler::blob(const drive::Id128& id, uint64_t placement) {
  const std::vector<size_t> sources = speakers(placement);
  if (sources.empty()) return {};
  if (std::ranges::find(sources, target_) != sources.end()) return {};
  const auto truth = drive(sources.front()).blob_record(id);
  if (!truth.ok()) return {};
  const auto here = drive(target_).blob_record(id);
  if (!*truth) {
    if (here.ok() && *here) forget_blob(id, **here);
    return {};
  }
  if (here.ok() && *here) return {};
  ++changed_;
  const drive::BlobRecord& record = **truth;
  const drive::BlobName name{
      .id = id, .size_bytes = record.size_bytes, .in_index = record.in_index};
  TRY(copy_blob(name, record, sources));
  return write_if_large();
}

Status Reconciler::copy_blob(const drive::BlobName& blob, const drive::BlobRecord& record,
                             const std::vector<size_t>& sources) {
  drive::Drive& target = drive(target_);
  for (const size_t source : sources) {
    Status copied;
    if (blob.in_index) {
      const auto small = drive(source).get_small(blob, drive::Tier::kDisk);
      if (small.ok()) {
        const std::string header = drive::encode_small_header(
            target.seed(), blob.id, blob.size_bytes, digest::xxh3(small->bytes));
        batch_.put(Table::kData, blob.id.key(), header, as_text(small->bytes));
      } else {
        copied = small.error();
      }
    } else {
      auto reader = drive(source).open_blob(blob);
      copied = reader.ok() ? target.rewrite_blob(blob, *reader) : Status(reader.error());
    }
    TRY(target.health());
    if (copied.ok()) break;
    if (copied.error().code == Code::kNoSpace) return copied;
    log::error("corrupt", {{"drive", members_.all[source].path},
                           {"blob", blob.id.to_hex()},
                           {"error", copied.error().to_string()}});
  }
  // Owned even if no copy could be read: a read of it must report damage, not absence.
  batch_.put(Table::kBlobs, blob.id.key(), drive::encode_blob(target.seed(), blob.id, record));
  batch_.remove(Table::kDropped, blob.id.key());
  return {};
}

void Reconciler::forget_blob(const drive::Id128& id, const drive::BlobRecord& record) {
  ++changed_;
  batch_.remove(Table::kBlobs, id.key());
  if (record.in_index) {
    batch_.remove(Table::kData, id.key());
  } else {
    unowned_files_.push_back(id);
  }
}

void Reconciler::put_log(const drive::LogRecord& entry) {
  batch_.put(Table::kLog, drive::encode_log_key(entry.sequence),
             drive::encode_log(drive(target_).seed(), entry));
}

void Reconciler::remove_log(uint64_t sequence) {
  batch_.remove(Table::kLog, drive::encode_log_key(sequence));
}

Status Reconciler::mark_filling() {
  if (marked_) return {};
  marked_ = true;
  drive::Batch mark = drive(target_).index().batch();
  mark.put(Table::kMeta, drive::kFillingName, "1");
  return drive(target_).write_now(mark);
}

Status Reconciler::write_if_large() {
  if (batch_.bytes() < kRecoveryBatchBytes) return {};
  TRY(mark_filling());
  TRY(drive(target_).write_now(batch_));
  batch_.clear();
  return {};
}

Status Reconciler::finish() {
  batch_.remove(Table::kMeta, drive::kFillingName);
  TRY(drive(target_).write_now(batch_));
  batch_.clear();
  for (const drive::Id128& id : unowned_files_) drive(target_).remove_blob_file(id);
  return {};
}

}  // namespace strata::replica
