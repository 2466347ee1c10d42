#include "objstore/replica/scrub_blobs.h"

#include <algorithm>

#include "common/base/log.h"
#include "objstore/replica/repair.h"

namespace strata::replica {

using drive::Table;
using drive::Tier;

// Out of line: clang takes no optional of a nested class before the class around it is complete.
BlobVerifier::FileWork::FileWork() = default;

void BlobVerifier::begin_run(const std::vector<size_t>& members, std::string_view from) {
  work_.reset();
  walks_.clear();
  for (const size_t member : members) {
    walks_.push_back(DataWalk{
        member, core_.drive(member).index().cursor(Table::kData, drive::Index::Keep::kNoCache)});
    walks_.back().cursor.seek(from);
  }
}

// A record that cannot be read is the judge's matter.
std::optional<drive::BlobRecord> BlobVerifier::owned(size_t member, const drive::Id128& id) const {
  if (!core_.drive(member).in_service()) return std::nullopt;
  auto record = core_.drive(member).blob_record(id);
  return record.ok() ? *record : std::nullopt;
}

void BlobVerifier::blob(const std::string& key) {
  const std::optional<drive::Id128> id = drive::Id128::from_key(key);
  if (!id) return;
  // Before the records are read: a blob that is owned now keeps its bytes while it is checked.
  std::unique_ptr<ReadPin> pin = core_.pins.pin();
  std::vector<size_t> members;
  std::optional<drive::BlobRecord> record;
  for (const DataWalk& walk : walks_) {
    if (auto found = owned(walk.member, *id)) {
      members.push_back(walk.member);
      record = found;
    }
  }
  if (!record) return;
  const drive::BlobName name{
      .id = *id, .size_bytes = record->size_bytes, .in_index = record->in_index};
  if (name.in_index) {
    small(name, record->placement, members);
    return;
  }
  work_ = std::make_unique<FileWork>();
  work_->blob = name;
  work_->placement = record->placement;
  work_->pin = std::move(pin);
  work_->members = std::move(members);
}

void BlobVerifier::small(const drive::BlobName& blob, uint64_t placement,
                         const std::vector<size_t>& owners) {
  std::vector<BadCopy> bad;
  size_t good = 0;
  for (DataWalk& walk : walks_) {
    pass_over(walk, blob.id.key());
    if (std::ranges::find(owners, walk.member) == owners.end()) continue;
    std::optional<Error> error;
    if (walk.cursor.valid() && walk.cursor.key() == blob.id.key()) {
      const auto bytes = drive::decode_small(core_.seed(), blob, walk.cursor.value());
      bytes_ += walk.cursor.value().size();
      if (!bytes.ok()) error = bytes.error();
      walk.cursor.next();
    } else {
      // Not there when the walk began, or the walk stopped at damage: asked for by name.
      const auto found = core_.drive(walk.member).get_small(blob, Tier::kDisk);
      if (!found.ok()) error = found.error();
      bytes_ += blob.size_bytes;
      if (!walk.cursor.valid() && !walk.cursor.status().ok()) {
        walk.cursor.seek(std::string(blob.id.key()) + '\0');
      }
    }
    ++counts_->small_blobs;
    if (error) {
      bad.push_back(BadCopy{walk.member, *error});
    } else {
      ++good;
    }
  }
  conclude(blob, placement, bad, good);
}

// Data under keys that no blob has.
void BlobVerifier::pass_over(DataWalk& walk, std::string_view until) {
  while (walk.cursor.valid() && (until.empty() || walk.cursor.key() < until)) {
    bytes_ += walk.cursor.value().size();
    remove_orphan(walk.member, std::string(walk.cursor.key()));
    walk.cursor.next();
  }
}

void BlobVerifier::end_of_table() {
  for (DataWalk& walk : walks_) pass_over(walk, {});
}

void BlobVerifier::remove_orphan(size_t member, const std::string& key) {
  drive::Drive& drive = core_.drive(member);
  // The walk shows what was there when it began: the data may have been freed since.
  const auto unnamed = [&drive, key] {
    return !raw_record(drive, Table::kData, key).empty() &&
           raw_record(drive, Table::kBlobs, key).empty() &&
           raw_record(drive, Table::kDropped, key).empty();
  };
  if (!unnamed()) return;
  // On the writing thread nothing comes in between: data and record are written together.
  (void)drive.committer().run([&drive, counts = counts_, key, unnamed](drive::Index& index) {
    if (!drive.in_service() || !unnamed()) return;
    drive::Batch batch = index.batch();
    batch.remove(Table::kData, key);
    const Status written = index.write(batch, false);
    if (!written.ok()) {
      drive.take_out(written.error().to_string());
      return;
    }
    ++counts->orphans;
    log::info("scrub.orphan", {{"drive", drive.path()}});
  });
}

void BlobVerifier::step_file() {
  FileWork& work = *work_;
  const size_t member = work.members[work.at];
  drive::Drive& drive = core_.drive(member);
  const auto step = [&]() -> Result<bool> {
    if (!work.check) {
      TRY_ASSIGN(drive::BlobFileCheck check, drive.check_blob(work.blob));
      work.check.emplace(std::move(check));
    }
    return work.check->step({});
  };
  const uint64_t before = work.check ? work.check->bytes_read() : 0;
  const Result<bool> last = step();
  if (work.check) bytes_ += work.check->bytes_read() - before;
  if (last.ok() && !*last) return;
  file_checked(last.ok() ? Status() : Status(last.error()));
}

void BlobVerifier::file_checked(const Status& status) {
  FileWork& work = *work_;
  const size_t member = work.members[work.at];
  const bool says_nothing = !status.ok() && status.error().code == Code::kBusy;
  if (!says_nothing && owned(member, work.blob.id)) {
    ++counts_->blob_files;
    if (status.ok()) {
      ++work.good;
    } else {
      work.bad.push_back(BadCopy{member, status.error()});
    }
  }
  work.check.reset();
  if (++work.at < work.members.size()) return;
  conclude(work.blob, work.placement, work.bad, work.good);
  work_.reset();
}

void BlobVerifier::conclude(const drive::BlobName& blob, uint64_t placement,
                            const std::vector<BadCopy>& bad, size_t good) {
  if (bad.empty()) return;
  counts_->bad += bad.size();
  if (good > 0) {
    heal_blob(core_, bad, placement, blob);
    return;
  }
  report_bad(core_, bad, "blob", blob.id.to_hex());
  ++counts_->lost;
}

}  // namespace strata::replica
