#include "blockdev/chunks/collector.h"

#include <fmt/format.h>

#include <algorithm>

namespace strata::chunks {

Collector::~Collector() {
  if (phase_ != Phase::kIdle) (void)claims_.leave_collect();
}

Result<bool> Collector::step() {
  auto more = run();
  if (more.ok() && *more) return true;
  if (phase_ != Phase::kIdle) {
    phase_ = Phase::kIdle;
    marks_ = {};
    const Status left = claims_.leave_collect();
    if (more.ok() && !left.ok()) return left.error();
  }
  return more;
}

Result<bool> Collector::run() {
  if (phase_ == Phase::kIdle) {
    TRY(begin());
    return true;
  }
  TRY(claims_.still_collecting());
  if (phase_ == Phase::kMark) {
    if (!to_mark_.empty()) {
      TRY(mark_next());
    } else {
      phase_ = Phase::kSweep;
    }
    return true;
  }
  return sweep_page();
}

Status Collector::begin() {
  totals_ = {};
  marks_.clear();
  after_.clear();
  to_mark_.clear();
  TRY(claims_.enter_collect());
  phase_ = Phase::kMark;
  // Snapshots that are made from here on wait; those that are deleted only free more.
  TRY_ASSIGN(const auto manifests, store_.list_manifests());
  for (const StoredManifest& one : manifests) {
    to_mark_.push_back(std::string(kManifestsPrefix) + one.name);
  }
  TRY_ASSIGN(const auto volumes, claims_.volumes());
  to_mark_.insert(to_mark_.end(), volumes.begin(), volumes.end());
  return {};
}

Status Collector::mark_next() {
  const std::string key = std::move(to_mark_.back());
  to_mark_.pop_back();
  const auto bytes = store_.place().get(key, kManifestBytesMax);
  if (!bytes.ok()) {
    // Deleted since it was listed.
    if (bytes.error().code == Code::kNotFound) return {};
    return bytes.error();
  }
  const auto manifest = decode_manifest(*bytes);
  if (!manifest.ok()) {
    return manifest.error().with_context(fmt::format(
        "{} cannot be read, so nobody knows which chunks it needs; delete or repair it", key));
  }
  ++totals_.manifests;
  for (const ManifestEntry& entry : manifest->chunks) marks_.push_back(entry.id);
  std::sort(marks_.begin(), marks_.end());
  marks_.erase(std::unique(marks_.begin(), marks_.end()), marks_.end());
  if (marks_.size() > kMarkedChunksMax) {
    return Error(Code::kTooLarge,
                 fmt::format("the snapshots name more than {} different chunks; keep some of them "
                             "elsewhere",
                             kMarkedChunksMax));
  }
  return {};
}

bool Collector::marked(const ChunkId& id) const {
  return std::binary_search(marks_.begin(), marks_.end(), id);
}

Result<bool> Collector::sweep_page() {
  TRY_ASSIGN(const auto page, store_.list_chunks(after_));
  if (page.empty()) return false;
  for (const ChunkId& id : page) {
    if (marked(id)) {
      ++totals_.kept;
      continue;
    }
    TRY(claims_.still_collecting_now_and_then());
    TRY(store_.remove_chunk(id));
    ++totals_.removed;
  }
  return true;
}

}  // namespace strata::chunks
