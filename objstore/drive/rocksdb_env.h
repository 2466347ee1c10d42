// RocksDB on our one seam to files, so that crash and fault tests reach the index too.
//
// Only .cc files of this room include it: RocksDB stays behind the room's wall.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/io_status.h>

#include <functional>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/io/file_system.h"

namespace strata::drive {

// An Env for the index in the folder `path`, whose files live on `files`, which outlives it;
// threads and time are RocksDB's own. Logs that have ended are kept for new ones, spare_bytes_max
// of them in all; failed: as LogSpares has it (log_spares.h).
[[nodiscard]] std::unique_ptr<rocksdb::Env> make_rocksdb_env(
    io::FileSystem& files, const std::string& path, uint64_t spare_bytes_max,
    std::function<void(const std::string&)> failed);
// The same for one that only reads.
[[nodiscard]] std::unique_ptr<rocksdb::Env> make_rocksdb_env(io::FileSystem& files);

// What RocksDB understands of our errors.
[[nodiscard]] rocksdb::IOStatus to_io_status(const Error& error);
[[nodiscard]] rocksdb::IOStatus to_io_status(const Status& status);

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
