// RocksDB on our one seam to files, so that crash and fault tests reach the index too.
//
// Only .cc files of this room include it: RocksDB stays behind the room's wall.
#pragma once

#include <rocksdb/env.h>

#include <memory>

#include "common/io/file_system.h"

namespace strata::drive {

// An Env whose files live on `files`, which outlives it; threads and time are RocksDB's own.
[[nodiscard]] std::unique_ptr<rocksdb::Env> make_rocksdb_env(io::FileSystem& files);

// While one lives, reads on this thread of files made by make_rocksdb_env end with Busy
// instead of asking a device: what is in the page cache is found, and nothing blocks.
class CachedReadsOnly {
 public:
  CachedReadsOnly() noexcept;
  ~CachedReadsOnly();
  CachedReadsOnly(const CachedReadsOnly&) = delete;
  CachedReadsOnly& operator=(const CachedReadsOnly&) = delete;
};

}  // namespace strata::drive
