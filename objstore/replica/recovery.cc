#include "objstore/replica/recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/base/log.h"
#include "objstore/replica/order.h"
#include "objstore/replica/reconcile.h"

namespace strata::replica {

namespace {

using drive::LogRecord;
using drive::Table;

// A record is damaged, not a file of the index: what the drive holds can be compared with others.
bool is_damaged_record(const Error& error) {
  return error.code == Code::kCorrupt && error.reason != drive::kReasonIndexDamaged;
}

// The sequence of the last entry, by its key alone.
uint64_t last_log_key(const drive::Drive& drive) {
  drive::Cursor cursor = drive.index().cursor(Table::kLog);
  cursor.seek_last();
  const auto sequence =
      cursor.valid() ? drive::decode_log_key(cursor.key()) : Result<uint64_t>(uint64_t{0});
  return sequence.ok() ? *sequence : 0;
}

class Recovery {
 public:
  Recovery(Members& members, const Placement& placement)
      : members_(members),
        placement_(placement),
        standing_(members.all.size()),
        damage_(members.all.size()) {}
  Result<Recovered> run();

 private:
  [[nodiscard]] drive::Drive& drive(size_t member) { return *members_.all[member].drive; }
  [[nodiscard]] bool usable(size_t member) const {
    return standing_[member].present && members_.all[member].in_service();
  }
  void survey();
  void stand_aside(size_t number, const Error& error);
  [[nodiscard]] bool nobody_speaks_any_more() const;
  [[nodiscard]] Status check_quorum() const;
  [[nodiscard]] bool logs_reach(size_t target) const;
  void bring_up_all(uint64_t furthest);
  [[nodiscard]] Result<bool> by_log(size_t target);
  [[nodiscard]] Status by_comparison(size_t target);
  [[nodiscard]] Status compare_table(size_t target, size_t source, Table table,
                                     Reconciler& reconciler);
  void write_markers(uint64_t start);

  Members& members_;
  const Placement& placement_;
  std::vector<Standing> standing_;
  std::vector<std::string> damage_;  // by member: why it cannot say where it stands; else empty
};

// A drive whose log cannot be read: by a single record, the others may know what it should hold.
void Recovery::stand_aside(size_t number, const Error& error) {
  Member& member = members_.all[number];
  if (placement_.replicas() > 1 && is_damaged_record(error)) {
    damage_[number] = "its log is damaged: " + error.message;
    log::error("corrupt", {{"drive", member.path}, {"error", damage_[number]}});
    standing_[number] =
        Standing{.present = true, .filling = true, .position = last_log_key(*member.drive)};
    return;
  }
  member.drive->note_index_damage(error);
  member.drive->take_out("its log cannot be read: " + error.to_string());
}

void Recovery::survey() {
  uint64_t furthest = 0;
  for (size_t i = 0; i < members_.all.size(); ++i) {
    Member& member = members_.all[i];
    if (!member.in_service()) continue;
    const auto position = member.drive->position();
    const auto log_start = member.drive->stored_log_start();
    const auto filling = member.drive->filling();
    if (!position.ok() || !log_start.ok() || !filling.ok()) {
      const Error& error = !position.ok()    ? position.error()
                           : !log_start.ok() ? log_start.error()
                                             : filling.error();
      stand_aside(i, error);
      continue;
    }
    standing_[i] = Standing{.present = true,
                            .filling = *filling,
                            .position = position->sequence,
                            .agreed = position->agreed,
                            .log_start = *log_start};
    furthest = std::max(furthest, position->sequence);
  }
  // A drive without a marker took part in no start that came to its end. If the others have nothing
  // but the very first marker, none did, and there is nothing that it could lack.
  for (Standing& standing : standing_) {
    const bool others = placement_.replicas() > 1 && furthest > epoch_start(1);
    if (others && standing.position == 0) standing.filling = true;
  }
  if (nobody_speaks_any_more()) {
    // What they hold is all that there is.
    for (Standing& standing : standing_) standing.filling = false;
  }
}

// Drives are lost, and every drive that is left was being filled from them.
bool Recovery::nobody_speaks_any_more() const {
  bool some_lost = false;
  bool some_fill = false;
  for (size_t i = 0; i < members_.all.size(); ++i) {
    const bool lost = members_.all[i].record.is_lost();
    const bool fills = usable(i) && standing_[i].filling;
    if (!lost && !fills) return false;
    some_lost = some_lost || lost;
    some_fill = some_fill || fills;
  }
  return some_lost && some_fill;
}

Status Recovery::check_quorum() const {
  std::string reasons;
  size_t speaking = 0;
  size_t lost = 0;
  for (size_t i = 0; i < members_.all.size(); ++i) {
    if (usable(i) && !standing_[i].filling) {
      ++speaking;
      continue;
    }
    if (members_.all[i].record.is_lost()) {
      ++lost;
      continue;
    }
    const Member& member = members_.all[i];
    std::string state = member.state;
    if (member.drive) {
      const Status health = member.drive->health();
      state = !health.ok()         ? health.error().message
              : damage_[i].empty() ? "was being filled when strata stopped"
                                   : damage_[i];
    }
    reasons += fmt::format("; drive {} ({}): {}", member.record.drive.to_hex(),
                           member.path.empty() ? "no folder" : member.path, state);
  }
  // All missing drives may belong to one placement, and of the drives that have a change any one
  // may be the last: a change that succeeded is on a quorum. With one copy of everything a drive
  // knows all of what is its own; the rest is refused until its drive is back.
  const size_t away = members_.all.size() - lost - speaking;
  if (speaking > 0 && (away < placement_.quorum() || placement_.replicas() == 1)) return {};
  return Error(Code::kIo,
               fmt::format("only {} of {} drives can be used, too few to know what is true; bring "
                           "the others back, or, if drives are gone for good, start with "
                           "`--accept-loss ID` for each of those: what only they had is lost{}",
                           speaking, members_.all.size(), reasons));
}

bool Recovery::logs_reach(size_t target) const {
  for (size_t i = 0; i < standing_.size(); ++i) {
    if (usable(i) && !standing_[i].filling && standing_[i].log_start > standing_[target].agreed) {
      return false;
    }
  }
  return true;
}

// False when too much has changed for this way, or a log is damaged.
Result<bool> Recovery::by_log(size_t target) {
  const uint64_t after = standing_[target].agreed;
  Reconciler reconciler(members_, placement_, standing_, target);
  std::map<std::string, uint64_t> rows;
  std::map<drive::Id128, uint64_t> blobs;
  std::set<uint64_t> true_entries;
  bool too_many = false;
  const auto remember = [&](const LogRecord& entry) {
    for (const std::string& key : entry.rows) rows.emplace(key, entry.placement);
    for (const drive::BlobName& blob : entry.blobs) blobs.emplace(blob.id, entry.placement);
    too_many = rows.size() + blobs.size() > kReconcileKeysMax;
  };
  for (size_t source = 0; source < standing_.size(); ++source) {
    if (source == target || !usable(source) || standing_[source].filling) continue;
    const Status read = drive(source).read_log(after, [&](const LogRecord& entry) -> Status {
      if (too_many || (!entry.marker && !reconciler.belongs(entry.placement))) return {};
      if (!entry.marker) {
        const std::vector<size_t> speakers = reconciler.speakers(entry.placement);
        if (std::ranges::find(speakers, source) != speakers.end()) {
          if (true_entries.insert(entry.sequence).second) reconciler.put_log(entry);
        }
      }
      remember(entry);
      return {};
    });
    if (!read.ok() && is_damaged_record(read.error())) return false;
    TRY(read);
  }
  const Status own = drive(target).read_log(after, [&](const LogRecord& entry) -> Status {
    // What it holds beyond its own placements is the business of the move that put it there.
    if (too_many || entry.marker || !reconciler.belongs(entry.placement)) return {};
    const std::vector<size_t> speakers = reconciler.speakers(entry.placement);
    const bool speaks = std::ranges::find(speakers, target) != speakers.end();
    if (!speaks && !true_entries.contains(entry.sequence)) reconciler.remove_log(entry.sequence);
    remember(entry);
    return {};
  });
  if (!own.ok() && is_damaged_record(own.error())) return false;
  TRY(own);
  if (too_many) return false;
  for (const auto& [id, placement] : blobs) TRY(reconciler.blob(id, placement));
  for (const auto& [key, placement] : rows) TRY(reconciler.row(key, placement));
  TRY(reconciler.finish());
  if (reconciler.changed() > 0) {
    log::info("drive.caught_up",
              {{"path", members_.all[target].path}, {"changes", reconciler.changed()}});
  }
  return true;
}

Status Recovery::compare_table(size_t target, size_t source, Table table, Reconciler& reconciler) {
  drive::Cursor cursor = drive(source).index().cursor(table);
  for (cursor.seek(""); cursor.valid(); cursor.next()) {
    const std::string key(cursor.key());
    if (table == Table::kRows) {
      const auto row = drive::decode_row(drive(source).seed(), key, cursor.value());
      if (!row.ok()) continue;  // met again, and healed, by a read
      if (reconciler.belongs(row->placement)) {
        TRY(reconciler.row(key, row->placement));
      } else if (source == target) {
        reconciler.batch().remove(Table::kRows, key);
      }
      continue;
    }
    const auto id = drive::Id128::from_key(key);
    if (!id) continue;
    const auto blob = drive::decode_blob(drive(source).seed(), *id, cursor.value());
    if (blob.ok() && reconciler.belongs(blob->placement)) {
      TRY(reconciler.blob(*id, blob->placement));
    }
  }
  return cursor.status();
}

Status Recovery::by_comparison(size_t target) {
  log::warning("drive.compare", {{"path", members_.all[target].path}});
  Reconciler reconciler(members_, placement_, standing_, target);
  TRY(reconciler.mark_filling());
  for (const Table table : {Table::kBlobs, Table::kRows}) {
    for (size_t source = 0; source < standing_.size(); ++source) {
      if (!usable(source) || (standing_[source].filling && source != target)) continue;
      TRY(compare_table(target, source, table, reconciler));
    }
  }
  // Its log has gaps now: nobody may rely on it. The marker follows, and a new beginning.
  const uint64_t all = ~uint64_t{0};
  uint64_t furthest = 0;
  for (const Standing& standing : standing_) furthest = std::max(furthest, standing.position);
  reconciler.batch().remove_range(Table::kLog, drive::encode_log_key(0),
                                  drive::encode_log_key(all));
  reconciler.batch().put(Table::kMeta, drive::kLogStartName,
                         drive::encode_number(drive(target).seed(), drive::kLogStartName,
                                              epoch_start(epoch_of(furthest) + 1) - 1));
  LogRecord marker{.sequence = epoch_start(epoch_of(furthest) + 1),
                   .agreed = epoch_start(epoch_of(furthest) + 1),
                   .placement = 0,
                   .marker = true,
                   .rows = {},
                   .blobs = {}};
  reconciler.put_log(marker);
  TRY(reconciler.finish());
  log::info("drive.filled",
            {{"path", members_.all[target].path}, {"changes", reconciler.changed()}});
  return {};
}

// Logs first: a comparison ends the log of the drive that was compared.
void Recovery::bring_up_all(uint64_t furthest) {
  if (placement_.replicas() == 1) return;  // each speaks for what it holds
  std::vector<size_t> to_compare;
  const auto must = [this](size_t target, const Status& up) {
    if (!up.ok()) {
      drive(target).take_out("it could not be brought up to date: " + up.error().message);
    }
  };
  for (size_t i = 0; i < standing_.size(); ++i) {
    if (!usable(i) || standing_[i].filling) continue;
    if (standing_[i].position == furthest) continue;  // it speaks for all that it holds
    if (!logs_reach(i)) {
      to_compare.push_back(i);
      continue;
    }
    const auto done = by_log(i);
    if (!done.ok()) must(i, done.error());
    if (done.ok() && !*done) to_compare.push_back(i);
  }
  for (const size_t target : to_compare) {
    standing_[target].filling = true;
    if (check_quorum().ok()) {
      must(target, drive(target).set_mark(drive::kFillingName, true));
      continue;
    }
    standing_[target].filling = false;
    must(target, by_comparison(target));
  }
}

void Recovery::write_markers(uint64_t start) {
  const LogRecord marker{
      .sequence = start, .agreed = start, .placement = 0, .marker = true, .rows = {}, .blobs = {}};
  for (size_t i = 0; i < standing_.size(); ++i) {
    if (!usable(i)) continue;
    drive::Batch batch = drive(i).index().batch();
    batch.put(Table::kLog, drive::encode_log_key(start),
              drive::encode_log(drive(i).seed(), marker));
    (void)drive(i).write_now(batch);  // a failure takes the drive out; counted below
  }
}

Result<Recovered> Recovery::run() {
  survey();
  TRY(check_quorum());
  uint64_t furthest = 0;
  for (size_t i = 0; i < standing_.size(); ++i) {
    if (usable(i) && !standing_[i].filling) furthest = std::max(furthest, standing_[i].position);
  }
  if (furthest > 0) bring_up_all(furthest);
  TRY(check_quorum());
  // A drive that is to be filled keeps its mark until that is done, whatever its log says
  // meanwhile.
  for (size_t i = 0; i < standing_.size(); ++i) {
    if (!usable(i) || !standing_[i].filling) continue;
    furthest = std::max(furthest, standing_[i].position);
    (void)drive(i).set_mark(drive::kFillingName, true);  // a failure takes it out
  }
  for (const Member& coming : members_.incoming) {
    if (!coming.in_service()) continue;
    TRY_ASSIGN(const drive::Drive::Position position, coming.drive->position());
    furthest = std::max(furthest, position.sequence);
  }
  const uint64_t start = epoch_start(epoch_of(furthest) + 1);
  write_markers(start);
  TRY(check_quorum());
  Recovered recovered{.start = start, .joining = {}, .damaged = 0};
  for (const Standing& standing : standing_) recovered.joining.push_back(standing.filling);
  for (const std::string& damage : damage_) recovered.damaged += damage.empty() ? 0 : 1;
  return recovered;
}

}  // namespace

Result<Recovered> recover(Members& members, const Placement& placement) {
  return Recovery(members, placement).run();
}

}  // namespace strata::replica
