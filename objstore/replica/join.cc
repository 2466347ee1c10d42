#include "objstore/replica/join.h"

#include <algorithm>
#include <optional>

#include "common/base/log.h"
#include "common/digest/checksum.h"
#include "objstore/replica/milestone.h"

namespace strata::replica {

using drive::Table;

namespace {
// What is shown until all is done: how many keys there are is an estimate.
constexpr uint64_t kAlmostPercent = 99;
// How long a step waits for the changes that were under way when the join began.
constexpr Duration kAgreeWait = std::chrono::seconds(5);
}  // namespace

struct Join::Seen {
  std::string key;
  uint64_t number = 0;  // of keys seen before it
  std::optional<std::string> here;
  std::vector<std::pair<size_t, std::string>> there;  // by seat, among the drives that serve
};

Join::Join(Core& core, size_t seat, bool for_next, uint64_t begun_at,
           std::optional<uint64_t> agreed)
    : core_(core), seat_(seat), for_next_(for_next), begun_at_(begun_at), agreed_(agreed) {}

Result<std::unique_ptr<Join>> Join::begin(Core& core, size_t seat, bool for_next,
                                          std::optional<uint64_t> agreed) {
  drive::Drive& drive = core.drive(seat);
  TRY(run_on_drive(core, seat,
                   [&drive](drive::Index&) { return drive.committer().remember_gone(true); }));
  const uint64_t begun_at = core.order.last_change();
  log::info("drive.join", {{"path", drive.path()}});
  return std::unique_ptr<Join>(new Join(core, seat, for_next, begun_at, agreed));
}

Result<std::vector<size_t>> Join::sources() const {
  const View& view = core_.view();
  std::vector<size_t> seats;
  for (const Place& place : view.current.places) {
    if (place.role == Role::kServing && core_.seat(place.seat).in_service()) {
      seats.push_back(place.seat);
    }
  }
  if (view.current.knows_all(seats.size())) return seats;
  return core_.too_few_drives_for_all(
      "too few drives are in service to know everything that was stored");
}

bool Join::wants(uint64_t placement) const {
  const View& view = core_.view();
  if (!for_next_) return view.current.holds(seat_, placement);
  return view.next && view.next->holds(seat_, placement);
}

Result<std::vector<Join::Seen>> Join::gather(const std::vector<size_t>& sources) {
  struct Walk {
    size_t seat;
    drive::Cursor cursor;
  };
  std::vector<Walk> walks;
  walks.reserve(sources.size() + 1);
  for (const size_t seat : sources) {
    walks.push_back({seat, core_.drive(seat).index().cursor(table_)});
  }
  const bool serves = std::ranges::find(sources, seat_) != sources.end();
  if (!serves) walks.push_back({seat_, core_.drive(seat_).index().cursor(table_)});
  for (Walk& walk : walks) {
    walk.cursor.seek(from_);
    TRY(walk.cursor.status());
  }
  const bool strays = core_.view().strays;
  table_done_ = false;
  std::vector<Seen> found;
  uint64_t bytes = 0;
  for (size_t keys = 0; keys < kJoinKeysMax; ++keys) {
    std::optional<std::string> first;
    for (const Walk& walk : walks) {
      if (walk.cursor.valid() && (!first || walk.cursor.key() < *first)) {
        first = std::string(walk.cursor.key());
      }
    }
    if (!first) {
      table_done_ = true;
      break;
    }
    if (found.size() >= kJoinItemsMax || bytes >= kJoinBytesMax) break;
    Seen seen{.key = *first, .number = keys_seen_, .here = {}, .there = {}};
    bool same = false;
    for (Walk& walk : walks) {
      if (!walk.cursor.valid() || walk.cursor.key() != *first) continue;
      std::string record(walk.cursor.value());
      bytes_ += record.size();
      same = same || (walk.seat != seat_ && seen.here == record);
      if (walk.seat == seat_) {
        same = std::ranges::any_of(seen.there, [&](const auto& t) { return t.second == record; });
        seen.here = record;
      }
      if (walk.seat != seat_ || serves) seen.there.emplace_back(walk.seat, std::move(record));
      walk.cursor.next();
      TRY(walk.cursor.status());
    }
    from_ = *first + '\0';
    ++keys_seen_;
    // Records of one version are alike byte for byte; without strays each source is an owner.
    if (same && !strays) continue;
    bytes += seen.there.empty() ? 0 : seen.there.front().second.size();
    found.push_back(std::move(seen));
  }
  return found;
}

Status Join::read_logs(const std::vector<size_t>& sources) {
  if (!agreed_) return {};
  TRY_ASSIGN(changes_, changed_keys(core_, seat_, sources, *agreed_));
  agreed_.reset();
  if (!changes_) return {};
  log::info("drive.join_by_log", {{"path", core_.seat(seat_).path},
                                  {"keys", changes_->rows.size() + changes_->blobs.size()}});
  return {};
}

Result<std::vector<Join::Seen>> Join::gather_changed(const std::vector<size_t>& sources) {
  const std::vector<std::string>& keys = table_ == Table::kBlobs ? changes_->blobs : changes_->rows;
  const auto raw = [this](size_t seat,
                          const std::string& key) -> Result<std::optional<std::string>> {
    TRY_ASSIGN(drive::Index::Found found,
               core_.drive(seat).index().get(table_, key, drive::Tier::kDisk));
    bytes_ += found.value.size();
    if (found.state != drive::Index::Found::State::kFound) return std::optional<std::string>();
    return std::optional<std::string>(std::move(found.value));
  };
  std::vector<Seen> found;
  uint64_t bytes = 0;
  auto key = std::ranges::lower_bound(keys, from_);
  for (; key != keys.end() && found.size() < kJoinItemsMax && bytes < kJoinBytesMax; ++key) {
    Seen seen{.key = *key, .number = keys_seen_, .here = {}, .there = {}};
    TRY_ASSIGN(seen.here, raw(seat_, *key));
    for (const size_t source : sources) {
      TRY_ASSIGN(std::optional<std::string> record, raw(source, *key));
      if (!record) continue;
      bytes += record->size();
      seen.there.emplace_back(source, std::move(*record));
    }
    from_ = *key + '\0';
    ++keys_seen_;
    found.push_back(std::move(seen));
  }
  table_done_ = key == keys.end();
  return found;
}

Status Join::decide_row(const Seen& seen, std::vector<Item>& items) const {
  const View& view = core_.view();
  std::optional<drive::RowRecord> truth;
  const std::string* record = nullptr;
  bool damaged = false;
  for (const auto& [seat, raw] : seen.there) {
    const auto row = drive::decode_row(core_.seed(), seen.key, raw);
    if (!row.ok()) damaged = true;  // met again, and healed, by a read
    if (!row.ok() || !view.current.holds(seat, row->placement)) continue;
    if (truth && truth->sequence >= row->sequence) continue;
    truth = *row;
    record = &raw;
  }
  if (truth) {
    if (wants(truth->placement) && seen.here != *record) {
      items.push_back(Item{.key = seen.key, .record = *record, .small = {}, .blob = {}});
    }
    return {};
  }
  if (damaged || !seen.here) return {};
  const auto here = drive::decode_row(core_.seed(), seen.key, *seen.here);
  if (!here.ok() || (wants(here->placement) && here->sequence <= begun_at_)) {
    items.push_back(Item{.key = seen.key, .record = {}, .small = {}, .blob = {}});
  }
  return {};
}

Status Join::decide_blob(const Seen& seen, std::vector<Item>& items) {
  const auto id = drive::Id128::from_key(seen.key);
  if (!id) return {};
  const View& view = core_.view();
  std::optional<drive::BlobRecord> truth;
  const std::string* record = nullptr;
  std::vector<size_t> holders;
  bool damaged = false;
  for (const auto& [seat, raw] : seen.there) {
    const auto blob = drive::decode_blob(core_.seed(), *id, raw);
    if (!blob.ok()) damaged = true;
    if (!blob.ok() || !view.current.holds(seat, blob->placement)) continue;
    truth = *blob;
    record = &raw;
    holders.push_back(seat);
  }
  Item item{.key = seen.key, .record = {}, .small = {}, .blob = {}};
  item.blob.id = *id;
  if (truth) {
    if (!wants(truth->placement) || seen.here == *record) return {};
    item.record = *record;
    item.blob.size_bytes = truth->size_bytes;
    item.blob.in_index = truth->in_index;
    std::erase(holders, seat_);
    if (truth->in_index) {
      TRY(core_.drive(seat_).check_space(truth->size_bytes));
      copy_small(holders, item);
      items.push_back(std::move(item));
    } else {
      TRY(begin_file(std::move(item), seen.number, holders));
    }
    return {};
  }
  if (damaged || !seen.here) return {};
  const auto here = drive::decode_blob(core_.seed(), *id, *seen.here);
  if (!here.ok() || (wants(here->placement) && here->sequence <= begun_at_)) {
    item.blob.in_index = here.ok() && here->in_index;
    items.push_back(std::move(item));
  }
  return {};
}

// The items of one step, on the drive's writing thread.
struct Join::Apply {
  Core& core;
  size_t seat;
  Table table;
  uint64_t begun_at;
  std::vector<Item> items;
  uint64_t changed = 0;

  // Whether a change since the join began wrote or deleted it here: nothing is to be done then.
  Result<bool> is_settled(drive::Index& index, const Item& item) {
    const std::string gone =
        table == Table::kRows ? drive::gone_row(item.key) : drive::gone_blob(item.blob.id);
    TRY_ASSIGN(const drive::Index::Found deleted,
               index.get(Table::kGone, gone, drive::Tier::kDisk));
    if (deleted.state == drive::Index::Found::State::kFound) return true;
    TRY_ASSIGN(const drive::Index::Found here, index.get(table, item.key, drive::Tier::kDisk));
    if (here.state != drive::Index::Found::State::kFound) return false;
    if (table == Table::kRows) {
      const auto row = drive::decode_row(core.seed(), item.key, here.value);
      return row.ok() && row->sequence > begun_at;
    }
    const auto blob = drive::decode_blob(core.seed(), item.blob.id, here.value);
    return blob.ok() && blob->sequence > begun_at;
  }

  Status run(drive::Index& index) {
    drive::Drive& drive = core.drive(seat);
    drive::Batch batch = index.batch();
    std::vector<drive::Id128> unowned;
    for (const Item& item : items) {
      TRY_ASSIGN(const bool settled, is_settled(index, item));
      if (settled) {
        if (item.has_file) {
          TRY_ASSIGN(const auto owned, drive.blob_record(item.blob.id));
          if (!owned) unowned.push_back(item.blob.id);
        }
        continue;
      }
      ++changed;
      if (item.record.empty()) {
        batch.remove(table, item.key);
        if (table == Table::kBlobs) batch.remove(Table::kData, item.key);
        if (table == Table::kBlobs && !item.blob.in_index) unowned.push_back(item.blob.id);
        continue;
      }
      batch.put(table, item.key, item.record);
      if (!item.small.empty()) batch.put(Table::kData, item.key, item.small);
      if (table == Table::kBlobs) batch.remove(Table::kDropped, item.key);
    }
    // Flushed with the next change, or when the join is completed.
    const Status written = index.write(batch, false);
    if (!written.ok()) return drive.write_failed(written.error());
    for (const drive::Id128& id : unowned) drive.remove_blob_file(id);
    return {};
  }
};

Status Join::apply(std::vector<Item> items) {
  if (items.empty()) return {};
  for (const Item& item : items) bytes_ += item.record.size();
  const auto work =
      std::make_shared<Apply>(Apply{core_, seat_, table_, begun_at_, std::move(items)});
  TRY(run_on_drive(core_, seat_, [work](drive::Index& index) { return work->run(index); }));
  changed_ += work->changed;
  return {};
}

Result<Join::Stepped> Join::step() {
  bytes_ = 0;
  TRY(core_.drive(seat_).health());
  if (copying_) return step_of_copy();
  // Flushed too: what is copied here will not be looked at again, and must not outlive what it was
  // copied from.
  if (!core_.order.wait_until_durable(begun_at_, Deadline::after(kAgreeWait))) {
    return Stepped{};  // asked again
  }
  return step_of_keys();
}

Result<Join::Stepped> Join::step_of_keys() {
  TRY_ASSIGN(const std::vector<size_t> from, sources());
  // Nothing that is seen from here on is freed before it has been copied.
  const std::unique_ptr<ReadPin> pin = core_.pins.pin();
  const std::string restart = from_;
  TRY(read_logs(from));
  TRY_ASSIGN(const std::vector<Seen> found, changes_ ? gather_changed(from) : gather(from));
  std::vector<Item> items;
  size_t looked_at = 0;
  Status decided;
  for (const Seen& seen : found) {
    decided = table_ == Table::kRows ? decide_row(seen, items) : decide_blob(seen, items);
    if (!decided.ok()) break;
    ++looked_at;
    // A file takes steps of its own; else about a MiB is a step.
    if (copying_ || bytes_ >= 4 * kJoinBytesMax) break;
  }
  if (looked_at < found.size()) {
    from_ = found[looked_at].key;
    keys_seen_ = found[looked_at].number;
    table_done_ = false;
  }
  const Status applied = apply(std::move(items));
  if (!applied.ok()) {
    from_ = restart;
    copying_.reset();
    return applied.error();
  }
  if (!decided.ok()) return decided.error();
  if (copying_) return Stepped{.complete = false, .bytes = bytes_};
  if (table_done_ && table_ == Table::kBlobs) {
    table_ = Table::kRows;
    table_done_ = false;
    from_.clear();
  }
  note_progress(from);
  return Stepped{.complete = table_done_, .bytes = bytes_};
}

// By the keys of all, of which each source has a share.
void Join::note_progress(const std::vector<size_t>& sources) {
  if (changes_) {
    const uint64_t all = std::max<size_t>(1, changes_->blobs.size() + changes_->rows.size());
    percent_ = static_cast<uint32_t>(std::min(keys_seen_ * 100 / all, kAlmostPercent));
    return;
  }
  uint64_t keys = 0;
  for (const size_t source : sources) {
    drive::Index& index = core_.drive(source).index();
    keys += index.estimated_keys(Table::kBlobs) + index.estimated_keys(Table::kRows);
  }
  const uint64_t members = core_.view().current.places.size();
  const uint64_t all = std::max<uint64_t>(1, keys * members / (core_.replicas * sources.size()));
  percent_ = static_cast<uint32_t>(std::min(keys_seen_ * 100 / all, kAlmostPercent));
}

}  // namespace strata::replica
