// How RocksDB is set up for an index: tables, buffers, files, what it may write in the background.
//
// Only .cc files of this room include it: RocksDB stays behind the room's wall.
#pragma once

#include <rocksdb/options.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>

#include "common/base/bytes.h"
#include "objstore/drive/index.h"

namespace strata::drive {

inline constexpr std::array<const char*, kTables> kTableNames = {"default", "rows", "data", "blobs",
                                                                 "dropped", "log",  "gone"};

// All write-ahead logs together, on a drive of kFullSizeBytes or more.
inline constexpr size_t kLogBytesMax = 64 * kMiB;

// A small drive gets smaller buffers, logs and files, so that they do not fill it by themselves.
inline constexpr uint64_t kFullSizeBytes = 4 * kGiB;
inline constexpr uint64_t kSmallestShare = 64;
struct Scale {
  uint64_t capacity_bytes;
  [[nodiscard]] size_t operator()(size_t full) const {
    const uint64_t share = std::max(kFullSizeBytes / kSmallestShare, capacity_bytes);
    if (share >= kFullSizeBytes) return full;
    return static_cast<size_t>(full / (kFullSizeBytes / share));
  }
};

[[nodiscard]] rocksdb::ColumnFamilyOptions table_options(
    size_t table, Scale scale, const std::shared_ptr<rocksdb::Cache>& cache);

// failed: called once, from any thread, when a write in the background failed.
[[nodiscard]] rocksdb::DBOptions database_options(rocksdb::Env* env, const std::string& path,
                                                  Scale scale,
                                                  std::function<void(const std::string&)> failed);

}  // namespace strata::drive
