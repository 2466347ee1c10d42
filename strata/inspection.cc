#include "strata/inspection.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "blockdev/volume/inspect.h"
#include "blockdev/volume/metadata.h"
#include "common/worker/settings.h"
#include "objstore/drive/inspect_drive.h"
#include "objstore/iam/directory.h"
#include "objstore/object/inspect.h"

namespace strata::roof {
namespace {

constexpr size_t kDetailsMax = 1000;  // damaged parts of a drive that are listed one by one
constexpr size_t kSmallFileBytesMax = 64 * kKiB;

Error unknown(const std::string& path, std::string_view why) {
  return Error(
      Code::kInvalidArgument,
      fmt::format("{}: {}; give a file of Strata's, a drive's folder, a volume's folder or "
                  "the data folder",
                  path, why));
}

std::string name_of(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

bool has(io::FileSystem& files, const std::string& folder, std::string_view name) {
  return files.info(io::join_path(folder, name)).ok();
}

bool is_drive(io::FileSystem& files, const std::string& folder) {
  return has(files, folder, drive::kIdentityName) || has(files, folder, drive::kIdentityCopyName);
}

Description named(std::string_view what, const std::string& path) {
  Description out{.what = std::string(what)};
  out.add("path", path);
  return out;
}

// ---- a drive

Description with_row(drive::RecordDescription record, std::string_view key) {
  if (!record.row_value) return std::move(record.description);
  Description out{.what = "account record"};
  // Of accounts, users and policies the name only: some of these rows hold secrets.
  if (key.starts_with(iam::kRowKind)) {
    out.add("name", printable(key.substr(1)));
  } else {
    out = object::describe_row(key, *record.row_value);
  }
  out.append(record.description);
  return out;
}

Status list_table(drive::DriveInspection& drive, drive::Table table, const InspectRequest& request,
                  Inspection& out) {
  out.subject.what = fmt::format("records of the table {}", request.table);
  return drive.for_each(table, [&](std::string_view key, std::string_view value) {
    drive::RecordDescription record = drive::describe_record(drive.seed(), table, key, value);
    const bool row = table == drive::Table::kRows;
    const std::string label = row ? object::label_of_row(key) : record.label;
    if (!label.starts_with(request.key)) return true;
    if (out.details.size() == request.limit) {
      out.more = true;
      return false;
    }
    out.details.push_back(with_row(std::move(record), key));
    return true;
  });
}

Result<Inspection> inspect_drive(io::FileSystem& files, const InspectRequest& request) {
  Inspection out;
  auto opened = drive::DriveInspection::open(files, request.path);
  if (!opened.ok()) {
    const auto identity =
        io::read_file(files, io::join_path(request.path, "identity"), drive::kIdentityBytesMax);
    out.subject =
        identity.ok() ? drive::describe_identity(as_text(*identity)) : Description{.what = "drive"};
    if (!out.subject.damaged()) out.subject.add_damage(0, 0, opened.error().message);
    out.subject.add("path", request.path);
    return out;
  }
  drive::DriveInspection& drive = **opened;
  if (!request.table.empty()) {
    const auto table = drive::table_of_name(request.table);
    if (!table) {
      return Error(Code::kInvalidArgument, fmt::format("no table is called '{}'; there are {}",
                                                       request.table, drive::table_names()));
    }
    out.subject.add("path", request.path);
    const Status listed = list_table(drive, *table, request, out);
    if (!listed.ok()) out.subject.add_damage(0, 0, listed.error().message);
    return out;
  }
  TRY_ASSIGN(out.subject, drive.summary(request.verify, [&](const Description& bad) {
    if (out.details.size() < kDetailsMax) {
      out.details.push_back(bad);
    } else {
      out.more = true;
    }
  }));
  out.subject.add("path", request.path);
  return out;
}

// ---- the data folder

struct KnownName {
  std::string_view name;
  std::string_view what;
};
constexpr std::array<KnownName, 9> kKnownNames = {{
    {"index.damaged", "why a server took a drive's index for damaged"},
    {"server.lock", "held by the running server"},
    {"server.pid", "the running server's process id"},
    {"control.sock", "where the command line reaches the server"},
    {"nbd.sock", "where volumes are served over a Unix socket"},
    {"volumes", "the catalogue of volumes"},
    {"workers", "what people asked of the workers"},
    {"lock", "held while a process has the drive open"},
    {"image", "the bytes of a volume: a raw disk"},
}};

std::string_view known_name(std::string_view name) {
  const auto found = std::ranges::find(kKnownNames, name, &KnownName::name);
  return found == kKnownNames.end() ? std::string_view() : found->what;
}

Status add_volumes(io::FileSystem& files, const std::string& folder, Inspection& out) {
  TRY_ASSIGN(const std::vector<std::string> names, files.list(folder));
  for (const std::string& name : names) {
    const std::string path = io::join_path(folder, name);
    auto volume = volume::describe_volume(files, path);
    if (!volume.ok()) continue;
    volume->add("path", path);
    out.details.push_back(std::move(*volume));
  }
  return {};
}

Result<Inspection> inspect_data_folder(io::FileSystem& files, const InspectRequest& request) {
  Inspection out;
  out.subject = named("data folder", request.path);
  TRY_ASSIGN(const std::vector<std::string> names, files.list(request.path));
  for (const std::string& name : names) {
    const std::string path = io::join_path(request.path, name);
    if (name == "volumes") {
      TRY(add_volumes(files, path, out));
    } else if (is_drive(files, path)) {
      InspectRequest drive = request;
      drive.path = path;
      drive.table.clear();
      TRY_ASSIGN(Inspection found, inspect_drive(files, drive));
      out.details.push_back(std::move(found.subject));
      for (Description& bad : found.details) out.details.push_back(std::move(bad));
    } else {
      const std::string_view what = known_name(name);
      out.subject.add(printable(name), what.empty() ? "not known" : what);
    }
  }
  return out;
}

Result<Inspection> inspect_folder(io::FileSystem& files, const InspectRequest& request) {
  if (is_drive(files, request.path)) return inspect_drive(files, request);
  Inspection out;
  if (has(files, request.path, "metadata")) {
    TRY_ASSIGN(out.subject, volume::describe_volume(files, request.path));
    out.subject.add("path", request.path);
    return out;
  }
  if (has(files, request.path, "server.lock")) return inspect_data_folder(files, request);
  if (name_of(request.path) == "volumes") {
    out.subject = named("catalogue of volumes", request.path);
    TRY(add_volumes(files, request.path, out));
    return out;
  }
  if (has(files, request.path, "CURRENT")) {
    out.subject = named("index of a drive (RocksDB)", request.path);
    out.subject.add("advice", "inspect the folder above it, with --table for its records");
    return out;
  }
  return unknown(request.path, "it is none of Strata's folders");
}

// ---- one file

Description describe_settings(std::string_view text) {
  Description out{.what = "settings of the workers"};
  const auto settings = worker::parse_settings(text);
  if (!settings.ok()) {
    out.add_damage(0, text.size(), settings.error().message);
    return out;
  }
  for (const auto& [name, one] : *settings) {
    out.add(name, fmt::format("{}, rate {}", one.paused ? "paused" : "running",
                              one.rate ? fmt::format("{} bytes a second", *one.rate) : "default"));
  }
  return out;
}

Result<Description> describe_file(io::FileSystem& files, const InspectRequest& request,
                                  std::string_view begin, uint64_t bytes) {
  const std::string name = name_of(request.path);
  const auto all = [&] { return io::read_file(files, request.path, kSmallFileBytesMax); };
  if (begin.starts_with("strata drive") || name == drive::kIdentityName ||
      name == drive::kIdentityCopyName) {
    TRY_ASSIGN(const ByteVector text, all());
    return drive::describe_identity(as_text(text));
  }
  if (begin.starts_with("strata-volume") || name == "metadata") {
    TRY_ASSIGN(const ByteVector text, all());
    return volume::describe_metadata(text);
  }
  if (begin.starts_with("strata workers") || name == "workers") {
    TRY_ASSIGN(const ByteVector text, all());
    return describe_settings(as_text(text));
  }
  if (const auto kind = drive::index_file_kind(name)) {
    Description out{.what = std::string(*kind)};
    out.add_number("bytes", bytes);
    out.add("advice", "inspect the drive's folder: --table decodes the records of the index");
    return out;
  }
  if (const std::string_view what = known_name(name); !what.empty()) {
    Description out{.what = std::string(what)};
    out.add_number("bytes", bytes);
    return out;
  }
  std::optional<drive::Id128> cluster = drive::Id128::from_hex(request.cluster);
  if (!request.cluster.empty() && !cluster) {
    return Error(Code::kInvalidArgument, "--cluster: give 32 hex digits");
  }
  if (!cluster) cluster = drive::cluster_of_blob_path(files, request.path);
  std::optional<drive::RecordSeed> seed;
  if (cluster) seed = drive::RecordSeed::of_cluster(*cluster);
  return drive::describe_blob_file(files, request.path, seed, std::nullopt);
}

Result<Inspection> inspect_file(io::FileSystem& files, const InspectRequest& request,
                                uint64_t bytes) {
  std::array<std::byte, 16> begin{};
  size_t got = 0;
  const auto file = files.open(request.path, {});
  if (file.ok()) {
    TRY_ASSIGN(got, (*file)->read_at(0, begin));
  }
  auto described = describe_file(files, request, as_text(Bytes(begin).first(got)), bytes);
  if (!described.ok()) {
    if (described.error().code != Code::kInvalidArgument) return described.error();
    return unknown(request.path, described.error().message);
  }
  described->add("path", request.path);
  return Inspection{.subject = std::move(*described)};
}

}  // namespace

bool Inspection::damaged() const {
  return subject.damaged() || std::ranges::any_of(details, &Description::damaged);
}

Result<Inspection> inspect(io::FileSystem& below, const InspectRequest& original) {
  io::ReadOnlyFileSystem files(below);
  InspectRequest request = original;
  while (request.path.size() > 1 && request.path.ends_with('/')) request.path.pop_back();
  if (request.limit == 0 || request.limit > kInspectRecordsMax) {
    return Error(Code::kInvalidArgument,
                 fmt::format("--limit: give a number from 1 to {}", kInspectRecordsMax));
  }
  TRY_ASSIGN(const io::FileInfo info, files.info(request.path));
  if (info.is_directory) {
    if (!request.table.empty() && !is_drive(files, request.path)) {
      return Error(Code::kInvalidArgument, "--table needs the folder of a drive");
    }
    return inspect_folder(files, request);
  }
  return inspect_file(files, request, info.size_bytes);
}

}  // namespace strata::roof
