#include "objstore/replica/scrub_records.h"

#include <algorithm>

#include "common/base/log.h"
#include "common/codec/text.h"
#include "common/digest/checksum.h"
#include "objstore/replica/repair.h"
#include "objstore/replica/scrub_marks.h"

namespace strata::replica {

namespace {

using drive::Table;

// How long a judgement waits for the changes that are under way.
constexpr Duration kRecordAgreedWait = std::chrono::seconds(10);

std::string_view kind_of(Table table) {
  return table == Table::kRows ? "row" : "blob";
}

// Keys of rows are for people; the others are bytes.
std::string shown(Table table, const std::string& key) {
  return table == Table::kRows ? key : codec::to_hex(key);
}

Error missing_error() {
  return Error(Code::kCorrupt, "the copy is missing");
}

// The blob's bytes from one drive to another, verified on the way.
Status copy_data_from(Core& core, const drive::BlobName& name, size_t source, size_t target,
                      uint64_t judged_at) {
  if (!name.in_index) {
    TRY_ASSIGN(drive::BlobFileReader reader, core.drive(source).open_blob(name));
    return core.drive(target).rewrite_blob(name, reader);
  }
  TRY_ASSIGN(const auto small, core.drive(source).get_small(name, drive::Tier::kDisk));
  const std::string key(name.id.key());
  TRY(repair_record(
      core, RecordRepair{.member = target,
                         .table = Table::kData,
                         .key = key,
                         .judged = raw_record(core.drive(target), Table::kData, key),
                         .record = drive::encode_small_header(core.seed(), name.id, name.size_bytes,
                                                              digest::xxh3(small.bytes)) +
                                   to_string(Bytes(small.bytes)),
                         .judged_at = judged_at}));
  return {};
}

// From whichever drive has a good copy.
Status copy_data(Core& core, const drive::BlobName& name, uint64_t placement, size_t target,
                 uint64_t judged_at) {
  Status last = Error(Code::kCorrupt, "no drive has a good copy of the data");
  for (const size_t source : core.in_service(placement)) {
    if (source == target) continue;
    last = copy_data_from(core, name, source, target, judged_at);
    if (last.ok() || !core.drive(target).in_service()) return last;
  }
  return last;
}

}  // namespace

void repair_and_count(Core& core, ScrubCounts& counts, RecordRepair repair, std::string_view kind) {
  const size_t member = repair.member;
  const std::string name = shown(repair.table, repair.key);
  const auto done = repair_record(core, std::move(repair));
  if (!done.ok()) {
    ++counts.failed;
    log::warning(
        "scrub.repair",
        {{"drive", core.drive(member).path()}, {kind, name}, {"error", done.error().to_string()}});
    return;
  }
  if (*done == Repaired::kCalledOff) return;  // it has changed since: the next pass looks again
  ++counts.repaired;
  ++core.corrupt_healed;
  log::warning("healed", {{"drive", core.drive(member).path()}, {kind, name}});
}

Result<RecordJudge::Facts> RecordJudge::facts_of(Table table, std::string_view key,
                                                 std::string_view record) const {
  if (table == Table::kRows) {
    TRY_ASSIGN(const drive::RowRecord row, drive::decode_row(core_.seed(), key, record));
    return Facts{.sequence = row.sequence, .placement = row.placement};
  }
  const std::optional<drive::Id128> id = drive::Id128::from_key(key);
  if (!id) return Error(Code::kCorrupt, "the key of a blob's record is not its id");
  TRY_ASSIGN(const drive::BlobRecord blob, drive::decode_blob(core_.seed(), *id, record));
  return Facts{.sequence = blob.sequence, .placement = blob.placement};
}

RecordJudge::Judged RecordJudge::read(size_t member, Table table, const std::string& key) const {
  Judged judged{.member = member,
                .raw = raw_record(core_.drive(member), table, key),
                .facts = std::nullopt,
                .error = std::nullopt};
  if (judged.raw.empty()) return judged;
  if (judged.raw.front() != '=') {
    judged.error = Error(Code::kCorrupt, judged.raw);
    return judged;
  }
  const auto facts = facts_of(table, key, std::string_view(judged.raw).substr(1));
  if (facts.ok()) {
    judged.facts = *facts;
  } else {
    judged.error = facts.error();
  }
  return judged;
}

void RecordJudge::row(const std::string& key, const std::vector<HeldCopy>& copies) {
  owned(Table::kRows, key, copies);
}

void RecordJudge::blob(const std::string& key, const std::vector<HeldCopy>& copies) {
  owned(Table::kBlobs, key, copies);
}

// The quick look: everything good and everywhere, as nearly always.
void RecordJudge::owned(Table table, const std::string& key, const std::vector<HeldCopy>& copies) {
  std::optional<Facts> best;
  std::vector<std::pair<size_t, uint64_t>> good;
  std::vector<BadCopy> bad;
  for (const HeldCopy& copy : copies) {
    if (copy.error) bad.push_back(BadCopy{copy.member, *copy.error});
    if (!copy.record) continue;
    ++counts_->records;
    const auto facts = facts_of(table, key, *copy.record);
    if (!facts.ok()) {
      bad.push_back(BadCopy{copy.member, facts.error()});
      continue;
    }
    good.emplace_back(copy.member, facts->sequence);
    if (!best || facts->sequence > best->sequence) best = *facts;
  }
  if (!best) {
    if (bad.empty()) return;
    report_bad(core_, bad, kind_of(table), shown(table, key));
    ++counts_->lost;
    return;
  }
  const auto is_good = [&](size_t member) {
    return std::ranges::any_of(
        good, [&](const auto& one) { return one.first == member && one.second == best->sequence; });
  };
  const std::vector<size_t> targets = core_.in_service(best->placement);
  if (!std::ranges::all_of(targets, is_good)) settle(table, key, best->placement);
}

// The careful look. What is read before `judged_at` is taken, and is still so after every change up
// to it has ended, is not the trace of a change under way.
void RecordJudge::settle(Table table, const std::string& key, uint64_t placement) {
  if (!core_.order.wait_until_agreed(core_.order.last(), Deadline::after(kRecordAgreedWait)))
    return;
  std::vector<Judged> all;
  for (const size_t member : core_.in_service(placement)) all.push_back(read(member, table, key));
  const uint64_t judged_at = core_.order.last();
  if (!core_.order.wait_until_agreed(judged_at, Deadline::after(kRecordAgreedWait))) return;
  // The copies were read one after the other: one read before a change and one after it differ
  // without fault. So each must still be what it was.
  const auto has_changed = [&](const Judged& one) {
    return raw_record(core_.drive(one.member), table, key) != one.raw;
  };
  if (std::ranges::any_of(all, has_changed)) return;  // the next pass looks again
  const Judged* truth = nullptr;
  for (const Judged& one : all) {
    if (!one.facts) continue;
    if (truth == nullptr || one.facts->sequence > truth->facts->sequence) truth = &one;
  }
  std::vector<BadCopy> bad;
  std::vector<const Judged*> wrong;
  for (const Judged& one : all) {
    if (!core_.drive(one.member).in_service()) continue;
    if (one.error) {
      bad.push_back(BadCopy{one.member, *one.error});
      wrong.push_back(&one);
    } else if (truth != nullptr && one.facts && one.facts->sequence < truth->facts->sequence) {
      bad.push_back(BadCopy{one.member, Error(Code::kCorrupt, "the copy is out of date")});
      wrong.push_back(&one);
      ++counts_->stale;
    }
  }
  if (truth == nullptr) {
    if (bad.empty()) return;
    report_bad(core_, bad, kind_of(table), shown(table, key));
    ++counts_->lost;
    return;
  }
  report_bad(core_, bad, kind_of(table), shown(table, key));
  for (const Judged* one : wrong) {
    if (one->error) ++counts_->bad;
    put(table, key, *one, *truth, judged_at);
  }
  settle_missing(table, key, all, *truth, judged_at);
}

void RecordJudge::settle_missing(Table table, const std::string& key,
                                 const std::vector<Judged>& all, const Judged& truth,
                                 uint64_t judged_at) {
  std::vector<const Judged*> missing;
  uint64_t deleted_at = 0;
  bool seen = false;  // by a log of a drive that lacks it: the change that wrote it
  for (const Judged& one : all) {
    if (one.facts || one.error) continue;
    missing.push_back(&one);
    const auto mention =
        last_mention(core_.drive(one.member), table, key, truth.facts->sequence - 1);
    if (!mention.ok()) continue;
    if (*mention > truth.facts->sequence) deleted_at = std::max(deleted_at, *mention);
    if (*mention == truth.facts->sequence) seen = true;
  }
  if (missing.empty()) return;
  if (deleted_at != 0) {
    ++counts_->surplus;
    for (const Judged& one : all) {
      if (!one.facts || one.facts->sequence > deleted_at) continue;
      report_bad(core_, {BadCopy{one.member, Error(Code::kCorrupt, "deleted, and still there")}},
                 kind_of(table), shown(table, key));
      repair_and_count(core_, *counts_,
                       RecordRepair{.member = one.member,
                                    .table = table,
                                    .key = key,
                                    .judged = one.raw,
                                    .record = std::nullopt,
                                    .judged_at = judged_at},
                       kind_of(table));
    }
    return;
  }
  if (!seen && missing.size() * 2 > all.size()) {
    ++counts_->disputed;
    log::error("scrub.disputed", {{"drive", core_.drive(truth.member).path()},
                                  {kind_of(table), shown(table, key)},
                                  {"note", "most drives lack it and no log says why; left alone"}});
    return;
  }
  for (const Judged* one : missing) {
    ++counts_->missing;
    report_bad(core_, {BadCopy{one->member, missing_error()}}, kind_of(table), shown(table, key));
    if (table == Table::kBlobs) {
      copy_blob(key, one->member, truth, judged_at);
    } else {
      put(table, key, *one, truth, judged_at);
    }
  }
}

void RecordJudge::put(Table table, const std::string& key, const Judged& target,
                      const Judged& truth, uint64_t judged_at) {
  repair_and_count(core_, *counts_,
                   RecordRepair{.member = target.member,
                                .table = table,
                                .key = key,
                                .judged = target.raw,
                                .record = truth.raw.substr(1),
                                .judged_at = judged_at},
                   kind_of(table));
}

// The data first, then the record that owns it; in the background, as blobs may be large. What is
// called off leaves data that no record owns, which the sweeps remove.
void RecordJudge::copy_blob(const std::string& key, size_t target, const Judged& truth,
                            uint64_t judged_at) {
  const drive::Id128 id = *drive::Id128::from_key(key);
  const auto record = drive::decode_blob(core_.seed(), id, std::string_view(truth.raw).substr(1));
  if (!record.ok()) return;
  const drive::BlobName name{
      .id = id, .size_bytes = record->size_bytes, .in_index = record->in_index};
  auto work = [&core = core_, counts = counts_, name, target, placement = record->placement,
               judged_at, raw = truth.raw.substr(1),
               pin = std::shared_ptr<ReadPin>(core_.pins.pin())] {
    const Status copied = copy_data(core, name, placement, target, judged_at);
    if (copied.ok()) {
      repair_and_count(core, *counts,
                       RecordRepair{.member = target,
                                    .table = Table::kBlobs,
                                    .key = std::string(name.id.key()),
                                    .judged = "",
                                    .record = raw,
                                    .judged_at = judged_at},
                       "blob");
    } else {
      ++counts->failed;
      log::warning("scrub.repair", {{"drive", core.drive(target).path()},
                                    {"blob", name.id.to_hex()},
                                    {"error", copied.error().to_string()}});
    }
    --counts->copying;
  };
  ++counts_->copying;
  if (!core_.background.run(std::move(work))) --counts_->copying;
}

template <typename Decode>
std::vector<BadCopy> RecordJudge::bad_of(const std::vector<HeldCopy>& copies, Decode decode) {
  std::vector<BadCopy> bad;
  for (const HeldCopy& copy : copies) {
    if (copy.error) bad.push_back(BadCopy{copy.member, *copy.error});
    if (!copy.record) continue;
    ++counts_->records;
    const Status good = decode(*copy.record);
    if (!good.ok()) bad.push_back(BadCopy{copy.member, good.error()});
  }
  return bad;
}

void RecordJudge::repair_from(Table table, const std::string& key, const std::vector<BadCopy>& bad,
                              const std::optional<std::string>& good, std::string_view kind) {
  report_bad(core_, bad, kind, shown(table, key));
  for (const BadCopy& copy : bad) {
    ++counts_->bad;
    repair_and_count(core_, *counts_,
                     RecordRepair{.member = copy.member,
                                  .table = table,
                                  .key = key,
                                  .judged = raw_record(core_.drive(copy.member), table, key),
                                  .record = good,
                                  .judged_at = 0},
                     kind);
  }
}

// A change writes the same entry on all its drives.
void RecordJudge::log_entry(const std::string& key, const std::vector<HeldCopy>& copies) {
  const auto sequence = drive::decode_log_key(key);
  std::optional<std::string> good;
  const std::vector<BadCopy> bad = bad_of(copies, [&](const std::string& record) -> Status {
    TRY_ASSIGN(const uint64_t number, sequence);
    TRY(drive::decode_log(core_.seed(), number, record));
    good = record;
    return {};
  });
  if (bad.empty()) return;
  if (good) return repair_from(Table::kLog, key, bad, good, "log");
  report_bad(core_, bad, "log", codec::to_hex(key));
  ++counts_->lost;
}

// Without a good copy the record goes: then no record owns the bytes, and the sweeps remove them.
void RecordJudge::dropped(const std::string& key, const std::vector<HeldCopy>& copies) {
  std::optional<std::string> good;
  const std::vector<BadCopy> bad = bad_of(copies, [&](const std::string& record) -> Status {
    TRY(facts_of(Table::kBlobs, key, record));
    good = record;
    return {};
  });
  if (!bad.empty()) repair_from(Table::kDropped, key, bad, good, "dropped");
}

// Each drive has its own; what it should be is known here, or is made anew by its owner.
void RecordJudge::note(const std::string& name, const std::vector<HeldCopy>& copies) {
  const bool is_log_start = name == drive::kLogStartName;
  const bool is_scrub =
      name == kScrubPositionName || std::string_view(name).starts_with(kScrubRangeHead);
  const std::vector<BadCopy> bad = bad_of(copies, [&](const std::string& record) -> Status {
    if (is_log_start) TRY(drive::decode_number(core_.seed(), name, record));
    if (is_scrub) TRY(drive::decode_note(core_.seed(), name, record));
    return {};
  });
  for (const BadCopy& copy : bad) {
    std::optional<std::string> right;
    if (is_log_start) {
      right = drive::encode_number(core_.seed(), name,
                                   core_.drive(copy.member).committer().log_start());
    } else if (!is_scrub) {
      report_bad(core_, {copy}, "note", name);
      ++counts_->lost;
      continue;
    }
    repair_from(Table::kMeta, name, {copy}, right, "note");
  }
}

}  // namespace strata::replica
