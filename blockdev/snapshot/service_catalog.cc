// The half of the service that does not touch volumes: list, show, delete, compare, verify,
// collect.
#include <fmt/format.h>

#include "blockdev/chunks/collector.h"
#include "blockdev/snapshot/service.h"
#include "common/base/log.h"

namespace strata::snapshot {
namespace {

// A collection that somebody else's work keeps away tries again this often, this many times.
constexpr std::chrono::milliseconds kCollectPause{200};
constexpr int kCollectTries = 300;

}  // namespace

Result<SnapshotInfo> SnapshotService::show(const std::string& name, const std::string& place) {
  TRY_ASSIGN(Repository * from, repository(place));
  TRY_ASSIGN(const chunks::Manifest manifest, from->store().manifest(name));
  return SnapshotInfo{.name = manifest.name,
                      .id = manifest.id,
                      .volume_name = manifest.volume_name,
                      .volume_id = manifest.volume_id,
                      .parent_id = manifest.parent_id,
                      .size_bytes = manifest.size_bytes,
                      .created_ms = manifest.created_ms,
                      .data_bytes = manifest.chunks.size() * chunks::kChunkBytes,
                      .new_bytes = manifest.new_bytes};
}

Result<std::vector<SnapshotInfo>> SnapshotService::list(const std::string& place) {
  TRY_ASSIGN(Repository * from, repository(place));
  TRY_ASSIGN(const auto stored, from->store().list_manifests());
  std::vector<SnapshotInfo> out;
  for (const chunks::StoredManifest& one : stored) {
    // A manifest is never changed: one of the same name, time and size is the same.
    const std::string key =
        fmt::format("{} {} {} {}", place, one.name, one.modified_ms, one.size_bytes);
    {
      const std::lock_guard lock(mutex_);
      const auto found = known_.find(key);
      if (found != known_.end()) {
        out.push_back(found->second);
        continue;
      }
    }
    auto info = show(one.name, place);
    if (!info.ok()) {
      // Deleted meanwhile, or damaged: `show` and `verify` say how.
      if (info.error().code == Code::kNotFound) continue;
      log::warning("snapshot.unreadable",
                   {{"snapshot", one.name}, {"error", info.error().message}});
      SnapshotInfo unreadable;
      unreadable.name = one.name;
      out.push_back(std::move(unreadable));
      continue;
    }
    const std::lock_guard lock(mutex_);
    if (known_.size() >= chunks::kSnapshotsMax) known_.clear();
    known_[key] = *info;
    out.push_back(std::move(info).value());
  }
  return out;
}

Status SnapshotService::remove(const std::string& name, const std::string& place) {
  TRY_ASSIGN(Repository * from, repository(place));
  TRY_ASSIGN(const bool there, from->store().has_manifest(name));
  if (!there) {
    return Error(Code::kNotFound, fmt::format("there is no snapshot '{}' in {}", name,
                                              from->store().place().name()));
  }
  {
    const std::lock_guard lock(mutex_);
    if (place == kOwnPlace && exported_.contains(name)) {
      return Error(Code::kConflict, "snapshot_in_use",
                   fmt::format("the snapshot '{}' is being read over the network; disconnect its "
                               "clients first",
                               name));
    }
  }
  TRY(from->store().remove_manifest(name));
  log::info("snapshot.deleted", {{"snapshot", name}, {"place", place}});
  return {};
}

Result<std::vector<chunks::ChangedRange>> SnapshotService::diff(const std::string& from,
                                                                const std::string& to,
                                                                const std::string& place) {
  TRY_ASSIGN(Repository * repository, repository(place));
  TRY_ASSIGN(const chunks::Manifest a, repository->store().manifest(from));
  TRY_ASSIGN(const chunks::Manifest b, repository->store().manifest(to));
  return chunks::changed_ranges(a, b);
}

Result<uint64_t> SnapshotService::verify(const std::string& name, const std::string& place) {
  TRY_ASSIGN(Repository * from, repository(place));
  TRY_ASSIGN(const bool there, from->store().has_manifest(name));
  if (!there) return Error(Code::kNotFound, fmt::format("there is no snapshot '{}'", name));
  return jobs_.begin(fmt::format("verify {}", name), [this, name, from](JobProgress& progress) {
    return verify_now(name, *from, progress);
  });
}

Result<std::string> SnapshotService::verify_now(const std::string& name, Repository& repository,
                                                JobProgress& progress) {
  TRY_ASSIGN(const chunks::Manifest manifest, repository.store().manifest(name));
  TRY_ASSIGN(ChunkBuffer buffer, ChunkBuffer::create());
  progress.total_bytes.store(manifest.chunks.size() * chunks::kChunkBytes);
  uint64_t bad = 0;
  std::string first;
  for (const chunks::ManifestEntry& entry : manifest.chunks) {
    if (progress.cancelled.load()) return Error(Code::kConflict, "cancelled");
    const Status got = repository.store().get_chunk(entry.id, buffer.bytes());
    progress.done_bytes.fetch_add(chunks::kChunkBytes);
    if (got.ok()) continue;
    const Code code = got.error().code;
    if (code != Code::kNotFound && code != Code::kCorrupt) return got.error();
    if (bad++ == 0) first = got.error().message;
  }
  if (bad > 0) {
    return Error(Code::kCorrupt,
                 fmt::format("{} of {} chunks of '{}' are missing or damaged; the first: {}", bad,
                             manifest.chunks.size(), name, first));
  }
  return fmt::format("snapshot {}: all {} chunks are as they were", name, manifest.chunks.size());
}

Result<uint64_t> SnapshotService::collect(const std::string& place) {
  TRY_ASSIGN(Repository * from, repository(place));
  return jobs_.begin("collect", [from](JobProgress& progress) -> Result<std::string> {
    chunks::Collector collector(from->store(), from->claims());
    int tries = 0;
    for (;;) {
      if (progress.cancelled.load()) return Error(Code::kConflict, "cancelled");
      const Result<bool> more = collector.step();
      if (more.ok() && !*more) break;
      if (more.ok()) continue;
      if (more.error().code != Code::kBusy || ++tries == kCollectTries) return more.error();
      std::this_thread::sleep_for(kCollectPause);
    }
    const chunks::Collector::Totals& totals = collector.totals();
    return fmt::format("{} manifests name {} chunks; {} that nobody needs were removed",
                       totals.manifests, totals.kept, totals.removed);
  });
}

}  // namespace strata::snapshot
