// The one seam to files. Everything that must survive a crash is written through it, so that a test
// can put a simulated disk behind it that loses power, tears sectors and returns errors.
//
// Implementations: posix_file_system.h (the real one), memory_file_system.h (a disk in memory that
// tracks what is flushed), and common/fault/faulty_file_system.h (a layer that injects faults).
//
// Thread rule: a FileSystem may be used from any thread. A File may be used from any thread for
// reads and for writes to ranges that do not overlap; sync covers writes that returned before it.
// Every call but read_cached may block; call it from a blocking pool, never from an event loop.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace strata::io {

class File {
 public:
  virtual ~File() = default;

  // Bytes read into `out`: fewer than asked only at the end of the file.
  [[nodiscard]] virtual Result<size_t> read_at(uint64_t offset, MutableBytes out) = 0;
  // The same if all of it can be had without asking a device, and never blocks; nullopt otherwise,
  // and always where that cannot be known.
  [[nodiscard]] virtual Result<std::optional<size_t>> read_cached(uint64_t /*offset*/,
                                                                  MutableBytes /*out*/) {
    return std::optional<size_t>();
  }
  // Writes all of `data`, or fails; after a failure the range holds old and new bytes mixed.
  [[nodiscard]] virtual Status write_at(uint64_t offset, Bytes data) = 0;
  // The same, and on stable media when it returns, as by sync_data; writes before it need not be.
  [[nodiscard]] virtual Status write_stable_at(uint64_t offset, Bytes data) {
    TRY(write_at(offset, data));
    return sync_data();
  }
  // Flushes the data and what is needed to read it back (fdatasync), on power-loss-safe media.
  // After a failure the file's unflushed writes must be taken as lost; do not retry.
  [[nodiscard]] virtual Status sync_data() = 0;
  // The same with all metadata (fsync).
  [[nodiscard]] virtual Status sync() = 0;
  [[nodiscard]] virtual Status truncate(uint64_t size_bytes) = 0;
  // Reserves space for the range, extending the file if needed (fallocate).
  [[nodiscard]] virtual Status allocate(uint64_t offset, uint64_t length) = 0;
  [[nodiscard]] virtual Result<uint64_t> size() = 0;
  // The kernel's descriptor for use in an io_uring, or -1 where there is none.
  [[nodiscard]] virtual int descriptor() const noexcept { return -1; }
};

// Held for as long as the lock; released by the destructor and by the death of the process.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

struct OpenOptions {
  bool write = false;      // else read only
  bool create = false;     // make it if missing (needs write)
  bool exclusive = false;  // kAlreadyExists if it is there; without create: claims a block device
  bool truncate = false;   // empty it (needs write)
  bool direct = false;     // bypass the page cache where the filesystem can; else like without
};

struct FileInfo {
  uint64_t size_bytes = 0;
  uint64_t allocated_bytes = 0;  // blocks really used; less than the size for a sparse file
  bool is_directory = false;
  int64_t modified_ms = 0;  // milliseconds since 1970, wall time
  uint64_t inode = 0;
};

struct Space {
  uint64_t capacity_bytes = 0;
  uint64_t available_bytes = 0;  // to this process
};

// Paths are absolute or relative to the working directory, separated by '/'.
//
// Errors of every method: kNotFound for a missing file or parent, kAlreadyExists, kNoSpace,
// kPermissionDenied, kBusy when descriptors or memory ran out, kInvalidArgument for a file where a
// directory is needed or the reverse, kConflict for a directory that is not empty, kIo.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  [[nodiscard]] virtual Result<std::unique_ptr<File>> open(const std::string& path,
                                                           OpenOptions options) = 0;
  // Atomic replacement of `to` on the same filesystem; durable after sync_directory of the parent.
  [[nodiscard]] virtual Status rename(const std::string& from, const std::string& to) = 0;
  [[nodiscard]] virtual Status link(const std::string& from, const std::string& to) = 0;
  [[nodiscard]] virtual Status remove_file(const std::string& path) = 0;
  [[nodiscard]] virtual Status create_directory(const std::string& path) = 0;
  // Empty directories only.
  [[nodiscard]] virtual Status remove_directory(const std::string& path) = 0;
  // Names (not paths) without "." and "..", sorted.
  [[nodiscard]] virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  [[nodiscard]] virtual Result<FileInfo> info(const std::string& path) = 0;
  // Flushes the directory itself: entries created, renamed or removed before are durable after.
  [[nodiscard]] virtual Status sync_directory(const std::string& path) = 0;
  // Exclusive; kConflict if somebody, in this process or another, holds it. Makes the file if it is
  // missing and leaves it there.
  [[nodiscard]] virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
  [[nodiscard]] virtual Result<Space> space(const std::string& path) = 0;
};

// Names that one list() returns at most; kTooLarge beyond.
inline constexpr size_t kMaxListedNames = 4'000'000;
// Missing parents that create_directories makes at most.
inline constexpr size_t kMaxPathDepth = 256;
// What write_file_atomic appends to the name of its temporary file. One that a crash left behind
// is overwritten by the next write of the same file; listings pass over names that end in it.
inline constexpr std::string_view kTemporarySuffix = ".tmp";

// "a/b" from "a" and "b".
[[nodiscard]] std::string join_path(std::string_view directory, std::string_view name);
// "a" from "a/b"; "." for a bare name; "/" for "/a".
[[nodiscard]] std::string parent_path(std::string_view path);

// Creates the directory and its missing parents, flushing each new entry.
[[nodiscard]] Status create_directories(FileSystem& files, const std::string& path);
// Reads a whole file of at most `limit_bytes` (kTooLarge beyond).
[[nodiscard]] Result<ByteVector> read_file(FileSystem& files, const std::string& path,
                                           uint64_t limit_bytes);
// Replaces a small file so that after a crash it holds the old or the new bytes, never a mix:
// temporary file, flush, rename, flush of the directory. One writer of a path at a time. After a
// failure the file holds the old or the new bytes.
[[nodiscard]] Status write_file_atomic(FileSystem& files, const std::string& path, Bytes data);

}  // namespace strata::io
