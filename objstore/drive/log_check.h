// Whether the write-ahead log of an index was damaged after it had been flushed.
//
// A crash leaves a log whose end is torn; RocksDB reads up to the first bad record and takes what
// follows for never written. That is right for a tear, and silent loss when a flushed record has
// been damaged. The two are told apart here: every record says whether all before it had been
// flushed when it was written, so a bad record in front of such a one is no tear.
//
// What follows a tear must not come back: RocksDB passes over a part that is all zeros (a write
// that was lost) and goes on behind it, which would leave out a change in the middle. So the newest
// log is cut off where the tear begins.
//
// Source: RocksDB, db/log_format.h (blocks of 32 KiB, fragments with a masked CRC32C).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/io/file_system.h"

namespace strata::drive {

// What Index puts behind every batch, as RocksDB's log data: kept in the log only.
inline constexpr std::string_view kAllBeforeFlushed = "strataF";
inline constexpr std::string_view kAllBeforeNotFlushed = "strataN";

// The most that is read of one log file; a longer one is not checked beyond.
inline constexpr uint64_t kCheckedLogBytesMax = uint64_t{1} << 30;

// Where the newest log is torn.
struct TornEnd {
  std::string path;
  uint64_t offset = 0;
};

// kCorrupt, naming file and place, when flushed records of the logs in this folder are bad; else
// the torn end that a crash left, if it did. A folder that is missing or has no logs is fine. May
// block.
[[nodiscard]] Result<std::optional<TornEnd>> check_logs(io::FileSystem& files,
                                                        const std::string& index_path);

// Cuts the log off there; flushed when it returns. Before records are written that say that all
// before them had been flushed.
[[nodiscard]] Status cut_off(io::FileSystem& files, const TornEnd& end);

// The same for the manifest that CURRENT names, which is written in the same format and flushed
// record by record. RocksDB takes a record whose length reaches beyond the end of the file, and one
// that is all zeros (its write was lost), for one that was never written to its end, though others
// follow it: then it would open without some of its tables.
[[nodiscard]] Status check_manifest(io::FileSystem& files, const std::string& index_path);

}  // namespace strata::drive
