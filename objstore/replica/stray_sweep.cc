#include "objstore/replica/stray_sweep.h"

#include "common/base/log.h"
#include "objstore/replica/milestone.h"

namespace strata::replica {

using drive::Table;

Result<std::vector<StraySweep::Stray>> StraySweep::gather() {
  const Plan& plan = core_.view().current;
  drive::Cursor cursor = core_.drive(seat_).index().cursor(table_);
  std::vector<Stray> strays;
  size_t keys = 0;
  for (cursor.seek(from_); cursor.valid() && keys < kSweepKeysMax; cursor.next(), ++keys) {
    std::string key(cursor.key());
    from_ = key + '\0';
    std::optional<uint64_t> placement;
    bool has_file = false;
    if (table_ == Table::kRows) {
      const auto row = drive::decode_row(core_.seed(), key, cursor.value());
      if (row.ok()) placement = row->placement;
    } else if (const auto id = drive::Id128::from_key(key)) {
      const auto blob = drive::decode_blob(core_.seed(), *id, cursor.value());
      if (blob.ok()) placement = blob->placement;
      has_file = blob.ok() && !blob->in_index;
    }
    // A damaged record stays: a read or the scrub will say more of it.
    if (!placement || plan.holds(seat_, *placement)) continue;
    strays.push_back({std::move(key), std::string(cursor.value()), has_file});
  }
  TRY(cursor.status());
  table_done_ = !cursor.valid();
  return strays;
}

Status StraySweep::remove(std::vector<Stray> strays) {
  if (strays.empty()) return {};
  removed_ += strays.size();
  drive::Drive& drive = core_.drive(seat_);
  const auto work = [&drive, table = table_,
                     strays = std::move(strays)](drive::Index& index) -> Status {
    drive::Batch batch = index.batch();
    std::vector<drive::Id128> files;
    for (const Stray& stray : strays) {
      TRY_ASSIGN(const drive::Index::Found now, index.get(table, stray.key, drive::Tier::kDisk));
      if (now.state != drive::Index::Found::State::kFound || now.value != stray.record) continue;
      batch.remove(table, stray.key);
      if (table != Table::kBlobs) continue;
      batch.remove(Table::kData, stray.key);
      const auto id = drive::Id128::from_key(stray.key);
      if (stray.has_file && id) files.push_back(*id);
    }
    const Status written = index.write(batch, false);
    if (!written.ok()) return drive.write_failed(written.error());
    for (const drive::Id128& id : files) drive.remove_blob_file(id);
    return {};
  };
  return run_on_drive(core_, seat_, work);
}

Result<bool> StraySweep::step() {
  TRY(core_.drive(seat_).health());
  TRY_ASSIGN(std::vector<Stray> strays, gather());
  TRY(remove(std::move(strays)));
  if (!table_done_) return false;
  if (table_ == Table::kRows) {
    table_ = Table::kBlobs;
    from_.clear();
    table_done_ = false;
    return false;
  }
  drive::Drive& drive = core_.drive(seat_);
  TRY(run_on_drive(core_, seat_,
                   [&drive](drive::Index&) { return drive.set_mark(drive::kStraysName, false); }));
  if (removed_ > 0) log::info("drive.swept", {{"path", drive.path()}, {"removed", removed_}});
  return true;
}

}  // namespace strata::replica
