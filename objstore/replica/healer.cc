#include "objstore/replica/healer.h"

#include <fmt/format.h>

#include "common/base/log.h"
#include "common/codec/text.h"
#include "common/digest/checksum.h"

namespace strata::replica {

namespace {

using drive::Table;
using drive::Tier;

// How long a repair waits for the changes that were under way when the damage was met.
constexpr Duration kSettleWait = std::chrono::seconds(10);

// The mark that a repair is under way; removed with the last job that holds it.
class Claim {
 public:
  Claim(Core& core, std::string name) : core_(core), name_(std::move(name)) {}
  ~Claim() {
    const std::lock_guard lock(core_.heal_mutex);
    core_.healing.erase(name_);
  }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;

 private:
  Core& core_;
  std::string name_;
};

std::shared_ptr<Claim> claim(Core& core, size_t member, std::string_view name) {
  std::string full = fmt::format("{}/{}", member, name);
  const std::lock_guard lock(core.heal_mutex);
  if (core.healing.size() >= kHealsMax || !core.healing.insert(full).second) return nullptr;
  return std::make_shared<Claim>(core, std::move(full));
}

void healed(Core& core, size_t member, std::string_view kind, std::string_view name) {
  ++core.corrupt_healed;
  log::warning("healed", {{"drive", core.seat(member).path}, {kind, name}});
}

// The raw record, or the error's text: to see whether it changed since.
std::string raw_of(drive::Drive& drive, Table table, std::string_view key) {
  const auto found = drive.index().get(table, key, Tier::kDisk);
  if (!found.ok()) return found.error().to_string();
  return found->state == drive::Index::Found::State::kFound ? "=" + found->value : "";
}

// Writes the record over a bad one on the drive's own writing thread, if the bad one is still
// there: a change that came in between is newer.
void replace_record(Core& core, size_t member, Table table, std::string key, std::string bad,
                    std::string record, std::shared_ptr<Claim> claim, std::string kind) {
  drive::Drive& target = core.drive(member);
  auto task = [&core, &target, member, table, key = std::move(key), bad = std::move(bad),
               record = std::move(record), claim = std::move(claim),
               kind = std::move(kind)](drive::Index& index) {
    if (!target.in_service() || raw_of(target, table, key) != bad) return;
    drive::Batch batch = index.batch();
    if (record.empty()) {
      batch.remove(table, key);
    } else {
      batch.put(table, key, record);
    }
    const Status written = index.write(batch, true);
    if (!written.ok()) {
      target.take_out(written.error().to_string());
      return;
    }
    healed(core, member, kind, table == Table::kRows ? key : codec::to_hex(key));
  };
  (void)target.committer().run(std::move(task));
}

void heal_row_now(Core& core, size_t member, uint64_t placement, const std::string& key,
                  std::shared_ptr<Claim> claim) {
  drive::Drive& target = core.drive(member);
  if (!target.in_service()) return;
  std::string bad = raw_of(target, Table::kRows, key);
  // Whatever wrote the bad record has a sequence up to `until`; once that is agreed, any other
  // drive's row is at least as new.
  const uint64_t until = core.order.last();
  if (!core.order.wait_until_agreed(until, Deadline::after(kSettleWait))) return;
  for (const size_t source : core.in_service(placement)) {
    if (source == member) continue;
    const auto good = core.drive(source).get_row(key, Tier::kDisk);
    if (!good.ok()) continue;
    std::string record;
    if (good->row) {
      record = drive::encode_row_header(core.seed(), key, good->row->sequence, good->row->placement,
                                        digest::xxh3(as_bytes(good->row->value))) +
               good->row->value;
    }
    replace_record(core, member, Table::kRows, key, std::move(bad), std::move(record),
                   std::move(claim), "row");
    return;
  }
}

void heal_small_now(Core& core, size_t member, uint64_t placement, const drive::BlobName& blob,
                    std::shared_ptr<Claim> claim) {
  std::string bad = raw_of(core.drive(member), Table::kData, blob.id.key());
  for (const size_t source : core.in_service(placement)) {
    if (source == member) continue;
    const auto good = core.drive(source).get_small(blob, Tier::kDisk);
    if (!good.ok() || good->would_block) continue;
    std::string record = drive::encode_small_header(core.seed(), blob.id, blob.size_bytes,
                                                    digest::xxh3(good->bytes)) +
                         to_string(Bytes(good->bytes));
    replace_record(core, member, Table::kData, std::string(blob.id.key()), std::move(bad),
                   std::move(record), std::move(claim), "blob");
    return;
  }
}

void heal_file_now(Core& core, size_t member, uint64_t placement, const drive::BlobName& blob) {
  const std::unique_ptr<ReadPin> pin = core.pins.pin();  // it must not be dropped meanwhile
  drive::Drive& target = core.drive(member);
  if (!target.in_service()) return;
  const auto owned = target.blob_record(blob.id);
  if (owned.ok() && !*owned) return;  // it has been dropped since
  for (const size_t source : core.in_service(placement)) {
    if (source == member) continue;
    auto reader = core.drive(source).open_blob(blob);
    if (!reader.ok()) continue;
    const Status rewritten = target.rewrite_blob(blob, *reader);
    if (rewritten.ok()) {
      healed(core, member, "blob", blob.id.to_hex());
      return;
    }
    if (!target.in_service()) return;
  }
}

}  // namespace

void report_bad(Core& core, const std::vector<BadCopy>& bad, std::string_view kind,
                std::string_view name) {
  for (const BadCopy& copy : bad) {
    if (!core.seat(copy.member).in_service()) continue;  // its failure has been reported
    ++core.corrupt_found;
    if (copy.error.reason == drive::kReasonIndexDamaged) {
      core.background.run([&core, copy] { core.drive(copy.member).note_index_damage(copy.error); });
    }
    log::error(
        "corrupt",
        {{"drive", core.seat(copy.member).path}, {kind, name}, {"error", copy.error.to_string()}});
  }
}

void heal_row(Core& core, const std::vector<BadCopy>& bad, uint64_t placement,
              const std::string& key) {
  report_bad(core, bad, "row", key);
  for (const BadCopy& copy : bad) {
    // A copy that is not the drive's own is removed in time, and must not be made anew.
    if (!core.view().current.holds(copy.member, placement)) continue;
    std::shared_ptr<Claim> mark = claim(core, copy.member, "row/" + key);
    if (!mark) continue;
    core.background.run([&core, member = copy.member, placement, key, mark = std::move(mark)] {
      heal_row_now(core, member, placement, key, mark);
    });
  }
}

void heal_blob(Core& core, const std::vector<BadCopy>& bad, uint64_t placement,
               const drive::BlobName& blob) {
  report_bad(core, bad, "blob", blob.id.to_hex());
  for (const BadCopy& copy : bad) {
    std::shared_ptr<Claim> mark = claim(core, copy.member, "blob/" + blob.id.to_hex());
    if (!mark) continue;
    core.background.run([&core, member = copy.member, placement, blob, mark = std::move(mark)] {
      if (blob.in_index) {
        heal_small_now(core, member, placement, blob, mark);
      } else {
        heal_file_now(core, member, placement, blob);
      }
    });
  }
}

}  // namespace strata::replica
