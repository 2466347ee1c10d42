#include "strata/vhost_exports.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "blockdev/volume/export_name.h"
#include "common/async/socket.h"
#include "common/base/log.h"
#include "common/codec/text.h"
#include "strata/json.h"

namespace strata::roof {
namespace {

constexpr std::string_view kExportsFile = "vhost-user.json";
constexpr uint64_t kExportListVersion = 1;
constexpr size_t kExportListBytesMax = kMiB;
constexpr unsigned kSocketMode = 0600;
// How long requests under way may take when an export ends.
constexpr std::chrono::seconds kEndTime{10};

nlohmann::json to_json(const VhostExport& one) {
  return {{"volume", one.volume},
          {"socket", one.socket},
          {"queues", one.queues},
          {"read_only", one.read_only},
          {"token", one.token}};
}

Result<VhostExport> export_from_json(const nlohmann::json& one) {
  VhostExport out;
  TRY_ASSIGN(out.volume, json_string(one, "volume"));
  TRY_ASSIGN(out.socket, json_string(one, "socket"));
  TRY_ASSIGN(out.token, json_string(one, "token"));
  TRY_ASSIGN(const uint64_t queues, json_u64(one, "queues"));
  out.queues = static_cast<uint32_t>(std::min<uint64_t>(queues, UINT32_MAX));
  if (!one.contains("read_only") || !one["read_only"].is_boolean()) {
    return Error(Code::kInvalidArgument, "the member 'read_only' must be true or false");
  }
  out.read_only = one["read_only"].get<bool>();
  return out;
}

Status check(const VhostExport& wanted) {
  TRY(volume::check_volume_name(wanted.volume));
  if (!wanted.socket.starts_with('/')) {
    return Error(Code::kInvalidArgument, "the path of a vhost-user socket begins with /");
  }
  if (wanted.queues == 0 || wanted.queues > vhost_user::kServerQueuesMax) {
    return Error(Code::kInvalidArgument, fmt::format("a vhost-user disk has from 1 to {} queues",
                                                     vhost_user::kServerQueuesMax));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<VhostExports>> VhostExports::open(const Ground& ground,
                                                         const std::string& data) {
  std::unique_ptr<VhostExports> self(new VhostExports(ground, io::join_path(data, kExportsFile)));
  if (const Status loaded = self->load(); !loaded.ok()) {
    return Error(Code::kCorrupt,
                 fmt::format("the list of vhost-user exports {}: {}; remove it and export the "
                             "volumes again",
                             self->path_, loaded.error().message));
  }
  return self;
}

VhostExports::~VhostExports() = default;

Status VhostExports::load() {
  const Result<ByteVector> bytes = io::read_file(ground_.files, path_, kExportListBytesMax);
  if (!bytes.ok()) {
    if (bytes.error().code == Code::kNotFound) return {};
    return bytes.error();
  }
  TRY_ASSIGN(const nlohmann::json list, parse_json(as_text(*bytes), kExportListBytesMax));
  TRY_ASSIGN(const uint64_t version, json_u64(list, "version"));
  if (version != kExportListVersion) {
    return Error(Code::kUnsupported, fmt::format("version {} is newer than this program's {}",
                                                 version, kExportListVersion));
  }
  if (!list.contains("exports") || !list["exports"].is_array() ||
      list["exports"].size() > kVhostExportsMax) {
    return Error(Code::kInvalidArgument, "the member 'exports' must be a list");
  }
  for (const nlohmann::json& one : list["exports"]) {
    TRY_ASSIGN(VhostExport settings, export_from_json(one));
    TRY(check(settings));
    entries_.push_back({std::move(settings), nullptr});
  }
  return {};
}

Status VhostExports::save() const {
  nlohmann::json list = {{"version", kExportListVersion}, {"exports", nlohmann::json::array()}};
  for (const Entry& entry : entries_) list["exports"].push_back(to_json(entry.settings));
  const std::string text = dump_json(list, 2) + "\n";
  return io::write_file_atomic(ground_.files, path_, as_bytes(text));
}

Status VhostExports::serve(Entry& entry) const {
  const VhostExport& wanted = entry.settings;
  TRY_ASSIGN(const volume::VolumeInfo info, ground_.catalog.show(wanted.volume));
  TRY_ASSIGN(async::Listener listener, async::Listener::unix_socket(wanted.socket, kSocketMode));
  vhost_user::ServerOptions options;
  options.export_name = volume::attachment_export(wanted.volume, wanted.token, wanted.read_only);
  options.label = wanted.volume;
  options.serial = info.id;
  options.queues = wanted.queues;
  TRY_ASSIGN(entry.server, vhost_user::Server::start(listener.take(), ground_.exports,
                                                     ground_.registry, std::move(options)));
  return {};
}

void VhostExports::start() {
  const std::lock_guard lock(mutex_);
  for (Entry& entry : entries_) {
    const Status served = serve(entry);
    if (served.ok()) continue;
    entry.settings.problem = served.error().message;
    log::error("vhost_user.not_served", {{"volume", entry.settings.volume},
                                         {"socket", entry.settings.socket},
                                         {"error", entry.settings.problem}});
  }
}

void VhostExports::stop(Deadline deadline) {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  for (Entry& entry : entries_) {
    if (entry.server) entry.server->stop(deadline);
    entry.server.reset();
  }
}

Result<VhostExport> VhostExports::add(VhostExport wanted) {
  TRY(check(wanted));
  const std::lock_guard lock(mutex_);
  if (stopped_) return Error(Code::kClosed, "the server is stopping");
  for (Entry& entry : entries_) {
    VhostExport& there = entry.settings;
    if (there.socket == wanted.socket) {
      if (there.volume == wanted.volume && there.queues == wanted.queues &&
          there.read_only == wanted.read_only) {
        if (!entry.server) TRY(serve(entry));
        there.problem.clear();
        return there;
      }
      return Error(Code::kConflict,
                   fmt::format("{} is the vhost-user socket of the volume '{}'; end that export "
                               "first: strata volume unexport {}",
                               there.socket, there.volume, there.volume));
    }
    if (there.volume == wanted.volume && !there.read_only && !wanted.read_only) {
      return Error(Code::kConflict,
                   fmt::format("the volume '{}' is exported for writing at {} already; export it "
                               "read-only, or end that export first",
                               there.volume, there.socket));
    }
  }
  if (entries_.size() >= kVhostExportsMax) {
    return Error(Code::kTooLarge, fmt::format("at most {} vhost-user exports", kVhostExportsMax));
  }
  std::array<std::byte, volume::kTokenBytes / 2> raw;
  ground_.random.fill(raw);
  wanted.token = codec::to_hex(Bytes(raw));
  Entry entry{std::move(wanted), nullptr};
  TRY(serve(entry));
  entries_.push_back(std::move(entry));
  if (const Status saved = save(); !saved.ok()) {
    entries_.pop_back();
    return saved.error().with_context("the list of vhost-user exports");
  }
  return entries_.back().settings;
}

Status VhostExports::remove(const std::string& volume, const std::string& socket, bool in_use) {
  const std::lock_guard lock(mutex_);
  const auto meant = [&](const Entry& entry) {
    return entry.settings.volume == volume && (socket.empty() || entry.settings.socket == socket);
  };
  bool found = false;
  for (const Entry& entry : entries_) {
    if (!meant(entry)) continue;
    found = true;
    if (!in_use && entry.server && entry.server->sessions() > 0) {
      return Error(Code::kConflict,
                   fmt::format("a machine uses the volume '{}' at {}: stop it, or say "
                               "--while-in-use and its disk is gone",
                               volume, entry.settings.socket));
    }
  }
  if (!found) {
    return Error(Code::kNotFound,
                 fmt::format("the volume '{}' has no such vhost-user export", volume));
  }
  for (Entry& entry : entries_) {
    if (!meant(entry)) continue;
    if (entry.server) {
      entry.server->stop(Deadline::after(kEndTime));
      unlink(entry.settings.socket.c_str());
    }
  }
  std::erase_if(entries_, meant);
  return save();
}

std::vector<VhostExport> VhostExports::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<VhostExport> out;
  for (const Entry& entry : entries_) {
    out.push_back(entry.settings);
    out.back().connected = entry.server && entry.server->sessions() > 0;
  }
  return out;
}

bool VhostExports::has(const std::string& volume) const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(entries_,
                             [&](const Entry& entry) { return entry.settings.volume == volume; });
}

void VhostExports::refresh(const std::string& volume) {
  const std::lock_guard lock(mutex_);
  for (const Entry& entry : entries_) {
    if (entry.settings.volume == volume && entry.server) entry.server->refresh();
  }
}

}  // namespace strata::roof
