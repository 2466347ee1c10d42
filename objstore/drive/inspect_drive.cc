#include "objstore/drive/inspect_drive.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "objstore/drive/drive.h"
#include "objstore/drive/log_check.h"

#include "objstore/drive/blob_format.h"

namespace strata::drive {
namespace {

constexpr size_t kCacheBytes = 8 * kMiB;
constexpr int kOpenTries = 5;  // a server may remove files while they are being opened
constexpr size_t kBlobFilesMax = 50'000'000;

std::string index_path(const std::string& path) {
  return io::join_path(path, "index");
}
std::string blobs_path(const std::string& path) {
  return io::join_path(path, "blobs");
}

// A log or manifest that RocksDB would open without what has been damaged is not opened.
Result<std::unique_ptr<Index>> try_index(io::FileSystem& files, const std::string& path,
                                         IndexCache& cache) {
  TRY(check_logs(files, path));
  TRY(check_manifest(files, path));
  return Index::open_to_read(files, path, cache);
}

Result<std::unique_ptr<Index>> open_index(io::FileSystem& files, const std::string& path,
                                          IndexCache& cache) {
  auto index = try_index(files, index_path(path), cache);
  for (int i = 1; i < kOpenTries && !index.ok(); ++i) {
    index = try_index(files, index_path(path), cache);
  }
  return index;
}

std::string_view shown_name(Table table) {
  return table == Table::kMeta ? "meta" : table_name(table);
}

}  // namespace

struct DriveInspection::Totals {
  struct Count {
    uint64_t records = 0;
    uint64_t damaged = 0;
  };
  std::map<Table, Count> tables;
  std::map<Id128, uint64_t> files_wanted;  // blobs in files, and their sizes
  uint64_t bytes_in_files = 0;
  uint64_t small_blobs = 0;
  uint64_t bytes_in_index = 0;
  uint64_t log_first = 0;
  uint64_t log_last = 0;
  uint64_t agreed = 0;
  uint64_t files_seen = 0;
  uint64_t files_unowned = 0;
  uint64_t files_damaged = 0;
  std::vector<std::pair<std::string, std::string>> numbers;
  const std::function<void(const Description&)>* bad = nullptr;
  uint64_t found = 0;
};

DriveInspection::DriveInspection(io::FileSystem& files, std::string path)
    : files_(files), path_(std::move(path)), cache_(kCacheBytes) {}

Result<std::unique_ptr<DriveInspection>> DriveInspection::open(io::FileSystem& files,
                                                               const std::string& path) {
  std::unique_ptr<DriveInspection> drive(new DriveInspection(files, path));
  TRY_ASSIGN(drive->identity_, read_identity(drive->files_, path));
  drive->seed_ = RecordSeed::of_cluster(drive->identity_.cluster);
  TRY_ASSIGN(drive->index_, open_index(drive->files_, path, drive->cache_));
  return drive;
}

Status DriveInspection::for_each(Table table, const Each& each) const {
  Cursor cursor = index_->cursor(table);
  for (cursor.seek(""); cursor.valid(); cursor.next()) {
    if (!each(cursor.key(), cursor.value())) return {};
  }
  return cursor.status();
}

void DriveInspection::report(Description description, Totals& totals) const {
  if (!description.damaged()) return;
  ++totals.found;
  (*totals.bad)(description);
}

Status DriveInspection::count_table(Table table, bool verify, Totals& totals) {
  Totals::Count& count = totals.tables[table];
  // Counted from their records; to read them all would be to read half of the drive.
  if (table == Table::kData && !verify) return {};
  const Status read = for_each(table, [&](std::string_view key, std::string_view record) {
    ++count.records;
    RecordDescription one = describe_record(seed_, table, key, record);
    const bool good = !one.description.damaged();
    if (table == Table::kBlobs && good) {
      const auto id = Id128::from_key(key);
      const auto blob = decode_blob(seed_, *id, record);
      if (blob->in_index) {
        ++totals.small_blobs;
        totals.bytes_in_index += blob->size_bytes;
      } else {
        totals.files_wanted[*id] = blob->size_bytes;
        totals.bytes_in_files += blob->size_bytes;
      }
    }
    if (table == Table::kLog && good) {
      const uint64_t sequence = decode_log_key(key).value();
      if (totals.log_first == 0) totals.log_first = sequence;
      totals.log_last = sequence;
      totals.agreed = decode_log(seed_, sequence, record)->agreed;
    }
    if (table == Table::kMeta && good) {
      // Numbers and marks say how the drive stands; a worker's notes are listed with the table.
      const std::string* value = one.description.find("value");
      if (value != nullptr) totals.numbers.emplace_back(one.label, *value);
      if (key == kFillingName) totals.numbers.emplace_back(one.label, "yes");
    }
    if (!good) {
      ++count.damaged;
      one.description.what =
          fmt::format("{} of the table {}", one.description.what, shown_name(table));
      report(std::move(one.description), totals);
    }
    return true;
  });
  if (!read.ok()) {
    Description broken{.what = fmt::format("table {}", shown_name(table))};
    broken.add_damage(0, 0, read.error().message);
    report(std::move(broken), totals);
  }
  return {};
}

Status DriveInspection::look_at_blob_files(bool verify, Totals& totals) {
  const auto folders = files_.list(blobs_path(path_));
  if (!folders.ok()) {
    if (folders.error().code != Code::kNotFound) return folders.error();
    return find_missing(totals);
  }
  for (const std::string& folder : *folders) {
    TRY(look_at_blob_folder(io::join_path(blobs_path(path_), folder), verify, totals));
  }
  return find_missing(totals);
}

Status DriveInspection::look_at_blob_folder(const std::string& folder, bool verify,
                                            Totals& totals) {
  const auto names = files_.list(folder);
  if (!names.ok()) return {};  // not a folder, or gone
  for (const std::string& name : *names) {
    if (++totals.files_seen > kBlobFilesMax) {
      return Error(Code::kTooLarge, fmt::format("more than {} blob files", kBlobFilesMax));
    }
    const auto id = Id128::from_hex(name);
    const auto wanted = id ? totals.files_wanted.find(*id) : totals.files_wanted.end();
    if (wanted == totals.files_wanted.end()) {
      ++totals.files_unowned;  // a write under way, or what a crash left: the next start removes it
      continue;
    }
    if (verify) {
      const std::string path = io::join_path(folder, name);
      auto blob = describe_blob_file(files_, path, seed_,
                                     BlobName{.id = *id, .size_bytes = wanted->second});
      if (!blob.ok() && blob.error().code == Code::kNotFound) continue;  // removed meanwhile
      Description description = blob.ok() ? std::move(*blob) : Description{.what = "blob file"};
      if (!blob.ok()) description.add_damage(0, 0, blob.error().message);
      description.add("path", path);
      if (description.damaged()) ++totals.files_damaged;
      report(std::move(description), totals);
    }
    totals.files_wanted.erase(wanted);
  }
  return {};
}

// One of the two is enough; the next start of a server writes the other anew.
void DriveInspection::look_at_identity(Totals& totals) {
  for (const std::string_view name : {kIdentityName, kIdentityCopyName}) {
    const std::string path = io::join_path(path_, name);
    const auto bytes = io::read_file(files_, path, kIdentityBytesMax);
    if (!bytes.ok() && bytes.error().code == Code::kNotFound && name == kIdentityCopyName) continue;
    Description one =
        bytes.ok() ? describe_identity(as_text(*bytes)) : Description{.what = "identity"};
    if (!bytes.ok()) one.add_damage(0, 0, bytes.error().message);
    one.add("path", path);
    report(std::move(one), totals);
  }
}

// The files of the index, whole. Those that a server has removed since are tried anew.
void DriveInspection::verify_index(Totals& totals) {
  Status verified = index_->verify();
  for (int i = 1; i < kOpenTries && !verified.ok(); ++i) {
    const auto again = open_index(files_, path_, cache_);
    verified = again.ok() ? (*again)->verify() : Status(again.error());
  }
  if (verified.ok()) return;
  Description broken{.what = "index"};
  broken.add("path", index_path(path_));
  broken.add_damage(0, 0, verified.error().message);
  report(std::move(broken), totals);
}

// What the index wants and is not there. A server may have removed both since: asked again.
Status DriveInspection::find_missing(Totals& totals) {
  if (totals.files_wanted.empty()) return {};
  TRY_ASSIGN(const std::unique_ptr<Index> now, open_index(files_, path_, cache_));
  for (const auto& [id, size] : totals.files_wanted) {
    const auto record = now->get(Table::kBlobs, id.key(), Tier::kDisk);
    if (!record.ok() || record->state != Index::Found::State::kFound) continue;
    const std::string hex = id.to_hex();
    const std::string path =
        io::join_path(io::join_path(blobs_path(path_), hex.substr(kBlobFolderDigitAt)), hex);
    if (files_.info(path).ok()) continue;
    Description missing{.what = "blob file"};
    missing.add("id", hex);
    missing.add("path", path);
    missing.add_damage(0, size, "the index has the blob, but its file is missing");
    ++totals.files_damaged;
    report(std::move(missing), totals);
  }
  return {};
}

Result<Description> DriveInspection::summary(bool verify,
                                             const std::function<void(const Description&)>& bad) {
  Totals totals;
  totals.bad = &bad;
  for (size_t i = 0; i < kTables; ++i) TRY(count_table(static_cast<Table>(i), verify, totals));
  TRY(look_at_blob_files(verify, totals));
  if (verify) verify_index(totals);
  look_at_identity(totals);
  Description out = describe_identity(render_identity(identity_));
  out.what = "drive";
  if (!verify) {
    totals.tables[Table::kData].records = totals.small_blobs;  // as the records say
  }
  for (const auto& [table, count] : totals.tables) {
    out.add_number(fmt::format("{}_records", shown_name(table)), count.records);
    if (count.damaged > 0) {
      out.add_number(fmt::format("{}_damaged", shown_name(table)), count.damaged);
    }
  }
  for (const auto& [name, value] : totals.numbers) out.add(printable(name), value);
  if (totals.log_last != 0) {
    out.add_number("log_first", totals.log_first);
    out.add_number("position", totals.log_last);
    out.add_number("agreed", totals.agreed);
  }
  out.add_number("bytes_in_index", totals.bytes_in_index);
  out.add_number("bytes_in_files", totals.bytes_in_files);
  out.add_number("blob_files", totals.files_seen);
  out.add_number("blob_files_without_a_record", totals.files_unowned);
  if (totals.files_damaged > 0) out.add_number("blob_files_damaged", totals.files_damaged);
  if (const auto space = files_.space(path_); space.ok()) {
    out.add_number("capacity_bytes", space->capacity_bytes);
    out.add_number("available_bytes", space->available_bytes);
  }
  if (is_index_damaged(files_, path_)) {
    out.add_damage(0, 0,
                   fmt::format("{}: a server has found the index damaged; the next start "
                               "fills the drive from the others",
                               io::join_path(path_, kIndexDamagedName)));
  }
  out.add("verified",
          verify ? "the index's files, records, small blobs, every block of every blob file"
                 : "records; --verify reads the blobs too");
  if (totals.found > 0) out.add_damage(0, 0, fmt::format("{} damaged parts", totals.found));
  return out;
}

std::optional<Table> table_of_name(std::string_view name) {
  for (size_t i = 0; i < kTables; ++i) {
    const auto table = static_cast<Table>(i);
    if (name == table_name(table) || name == shown_name(table)) return table;
  }
  return std::nullopt;
}

std::string table_names() {
  std::string out;
  for (size_t i = 0; i < kTables; ++i) {
    if (i > 0) out += ", ";
    out += shown_name(static_cast<Table>(i));
  }
  return out;
}

std::optional<Id128> cluster_of_blob_path(io::FileSystem& files, const std::string& path) {
  // DRIVE/blobs/ab/ID
  const std::string drive = io::join_path(io::parent_path(path), "../..");
  const auto identity = read_identity(files, drive);
  return identity.ok() ? std::optional(identity->cluster) : std::nullopt;
}

}  // namespace strata::drive
