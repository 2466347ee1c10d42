#include "objstore/drive/rocksdb_env.h"

#include <rocksdb/file_system.h>

#include <mutex>

#include "objstore/drive/log_spares.h"
#include "objstore/drive/log_writer.h"

namespace strata::drive {

namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

Bytes bytes_of(const Slice& slice) {
  return as_bytes(std::string_view(slice.data(), slice.size()));
}

bool names_log(const std::string& path) {
  return path.ends_with(".log");
}
bool names_manifest(const std::string& path) {
  return path.find("/MANIFEST-") != std::string::npos;
}

class SequentialFile final : public rocksdb::FSSequentialFile {
 public:
  explicit SequentialFile(std::unique_ptr<io::File> file) : file_(std::move(file)) {}
  IOStatus Read(size_t n, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) override {
    const auto got =
        file_->read_at(offset_, MutableBytes(reinterpret_cast<std::byte*>(scratch), n));
    if (!got.ok()) return to_io_status(got.error());
    offset_ += *got;
    *result = Slice(scratch, *got);
    return IOStatus::OK();
  }
  IOStatus Skip(uint64_t n) override {
    offset_ += n;
    return IOStatus::OK();
  }

 private:
  std::unique_ptr<io::File> file_;
  uint64_t offset_ = 0;
};

thread_local bool cached_reads_only = false;

class RandomFile final : public rocksdb::FSRandomAccessFile {
 public:
  explicit RandomFile(std::unique_ptr<io::File> file) : file_(std::move(file)) {}
  IOStatus Read(uint64_t offset, size_t n, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) const override {
    const MutableBytes out(reinterpret_cast<std::byte*>(scratch), n);
    if (cached_reads_only) {
      const auto cached = file_->read_cached(offset, out);
      if (!cached.ok()) return to_io_status(cached.error());
      if (!*cached) return IOStatus::Busy("a device would have to be asked");
      *result = Slice(scratch, **cached);
      return IOStatus::OK();
    }
    const auto got = file_->read_at(offset, out);
    if (!got.ok()) return to_io_status(got.error());
    *result = Slice(scratch, *got);
    return IOStatus::OK();
  }

 private:
  std::unique_ptr<io::File> file_;
};

enum class Flushing { kWhenAsked, kEachRecord };

// Flushing::kEachRecord is for the manifest. RocksDB writes some of its records together and
// flushes them together; a torn write of two may leave the second one only, which looks like damage
// (check_manifest). Behind each record it calls Flush.
class WritableFile final : public rocksdb::FSWritableFile {
 public:
  WritableFile(std::unique_ptr<io::File> file, uint64_t size, Flushing flushing)
      : file_(std::move(file)), size_(size), flushing_(flushing) {}
  using rocksdb::FSWritableFile::Append;
  IOStatus Append(const Slice& data, const IOOptions&, IODebugContext*) override {
    flushed_ = false;
    const Status written = file_->write_at(size_, bytes_of(data));
    if (written.ok()) size_ += data.size();
    return to_io_status(written);
  }
  IOStatus Truncate(uint64_t size, const IOOptions&, IODebugContext*) override {
    flushed_ = false;
    const Status cut = file_->truncate(size);
    if (cut.ok()) size_ = size;
    return to_io_status(cut);
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override {
    file_.reset();
    return IOStatus::OK();
  }
  IOStatus Flush(const IOOptions& options, IODebugContext* debug) override {
    return flushing_ == Flushing::kEachRecord ? Sync(options, debug) : IOStatus::OK();
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    if (flushing_ == Flushing::kEachRecord && flushed_) return IOStatus::OK();
    const Status flushed = file_->sync_data();
    flushed_ = flushed.ok();
    return to_io_status(flushed);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Sync(options, debug);
  }
  [[nodiscard]] bool IsSyncThreadSafe() const override { return true; }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return size_; }

 private:
  std::unique_ptr<io::File> file_;
  uint64_t size_;
  const Flushing flushing_;
  bool flushed_ = false;
};

class LogFile final : public rocksdb::FSWritableFile {
 public:
  explicit LogFile(std::shared_ptr<LogWriter> log) : log_(std::move(log)) {}
  using rocksdb::FSWritableFile::Append;
  IOStatus Append(const Slice& data, const IOOptions&, IODebugContext*) override {
    return to_io_status(log_->append(bytes_of(data)));
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override {
    return to_io_status(log_->hand_over());
  }
  IOStatus Flush(const IOOptions&, IODebugContext*) override {
    return to_io_status(log_->hand_over());
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return to_io_status(log_->sync()); }
  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return to_io_status(log_->sync()); }
  [[nodiscard]] bool IsSyncThreadSafe() const override { return true; }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return log_->size(); }

 private:
  const std::shared_ptr<LogWriter> log_;
};

class RandomRWFile final : public rocksdb::FSRandomRWFile {
 public:
  explicit RandomRWFile(std::unique_ptr<io::File> file) : file_(std::move(file)) {}
  IOStatus Write(uint64_t offset, const Slice& data, const IOOptions&, IODebugContext*) override {
    return to_io_status(file_->write_at(offset, bytes_of(data)));
  }
  IOStatus Read(uint64_t offset, size_t n, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) const override {
    const auto got = file_->read_at(offset, MutableBytes(reinterpret_cast<std::byte*>(scratch), n));
    if (!got.ok()) return to_io_status(got.error());
    *result = Slice(scratch, *got);
    return IOStatus::OK();
  }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    return to_io_status(file_->sync_data());
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override {
    file_.reset();
    return IOStatus::OK();
  }

 private:
  std::unique_ptr<io::File> file_;
};

class Directory final : public rocksdb::FSDirectory {
 public:
  Directory(io::FileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    return to_io_status(files_.sync_directory(path_));
  }

 private:
  io::FileSystem& files_;
  std::string path_;
};

class HeldLock final : public rocksdb::FileLock {
 public:
  explicit HeldLock(std::unique_ptr<io::FileLock> lock) : lock_(std::move(lock)) {}

 private:
  std::unique_ptr<io::FileLock> lock_;
};

class SeamFileSystem final : public rocksdb::FileSystem {
 public:
  SeamFileSystem(io::FileSystem& files, std::unique_ptr<LogSpares> spares)
      : files_(files), spares_(std::move(spares)) {}
  [[nodiscard]] const char* Name() const override { return "strata"; }

  IOStatus NewSequentialFile(const std::string& path, const FileOptions&,
                             std::unique_ptr<rocksdb::FSSequentialFile>* result,
                             IODebugContext*) override {
    return open_as<SequentialFile>(path, io::OpenOptions{}, result);
  }
  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions&,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                               IODebugContext*) override {
    return open_as<RandomFile>(path, io::OpenOptions{}, result);
  }
  IOStatus NewRandomRWFile(const std::string& path, const FileOptions&,
                           std::unique_ptr<rocksdb::FSRandomRWFile>* result,
                           IODebugContext*) override {
    return open_as<RandomRWFile>(path, io::OpenOptions{.write = true}, result);
  }
  IOStatus NewWritableFile(const std::string& path, const FileOptions&,
                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                           IODebugContext*) override {
    if (names_log(path)) return open_log(path, result);
    return open_writable(path, io::OpenOptions{.write = true, .create = true, .truncate = true},
                         result);
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions&,
                              std::unique_ptr<rocksdb::FSWritableFile>* result,
                              IODebugContext*) override {
    return open_writable(path, io::OpenOptions{.write = true, .create = true}, result);
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions&,
                        std::unique_ptr<rocksdb::FSDirectory>* result, IODebugContext*) override {
    *result = std::make_unique<Directory>(files_, path);
    return IOStatus::OK();
  }
  IOStatus FileExists(const std::string& path, const IOOptions&, IODebugContext*) override {
    const auto info = files_.info(path);
    if (info.ok()) return IOStatus::OK();
    return info.error().code == Code::kNotFound ? IOStatus::NotFound() : to_io_status(info.error());
  }
  IOStatus GetChildren(const std::string& path, const IOOptions&, std::vector<std::string>* names,
                       IODebugContext*) override {
    auto listed = files_.list(path);
    if (!listed.ok()) return to_io_status(listed.error());
    *names = std::move(listed).value();
    return IOStatus::OK();
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions&, IODebugContext*) override {
    if (spares_ && names_log(path) && spares_->give(path)) return IOStatus::OK();
    return to_io_status(files_.remove_file(path));
  }
  IOStatus Truncate(const std::string& path, size_t size, const IOOptions&,
                    IODebugContext*) override {
    auto file = files_.open(path, io::OpenOptions{.write = true});
    return file.ok() ? to_io_status((*file)->truncate(size)) : to_io_status(file.error());
  }
  IOStatus CreateDir(const std::string& path, const IOOptions&, IODebugContext*) override {
    return to_io_status(files_.create_directory(path));
  }
  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions&, IODebugContext*) override {
    const Status made = files_.create_directory(path);
    if (!made.ok() && made.error().code == Code::kAlreadyExists) return IOStatus::OK();
    return to_io_status(made);
  }
  IOStatus DeleteDir(const std::string& path, const IOOptions&, IODebugContext*) override {
    return to_io_status(files_.remove_directory(path));
  }
  IOStatus GetFileSize(const std::string& path, const IOOptions&, uint64_t* size,
                       IODebugContext*) override {
    const auto info = files_.info(path);
    if (!info.ok()) return to_io_status(info.error());
    *size = info->size_bytes;
    return IOStatus::OK();
  }
  IOStatus GetFileModificationTime(const std::string& path, const IOOptions&, uint64_t* time,
                                   IODebugContext*) override {
    const auto info = files_.info(path);
    if (!info.ok()) return to_io_status(info.error());
    *time = static_cast<uint64_t>(info->modified_ms / 1000);
    return IOStatus::OK();
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions&,
                      IODebugContext*) override {
    return to_io_status(files_.rename(from, to));
  }
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions&,
                    IODebugContext*) override {
    return to_io_status(files_.link(from, to));
  }
  IOStatus LockFile(const std::string& path, const IOOptions&, rocksdb::FileLock** lock,
                    IODebugContext*) override {
    auto held = files_.lock(path);
    if (!held.ok()) return to_io_status(held.error());
    *lock = std::make_unique<HeldLock>(std::move(held).value()).release();
    return IOStatus::OK();
  }
  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions&, IODebugContext*) override {
    const std::unique_ptr<HeldLock> released(static_cast<HeldLock*>(lock));
    return IOStatus::OK();
  }
  IOStatus GetTestDirectory(const IOOptions&, std::string*, IODebugContext*) override {
    return IOStatus::NotSupported("there is no test directory");
  }
  // Its own log goes to ours: see index.cc.
  IOStatus NewLogger(const std::string&, const IOOptions&, std::shared_ptr<rocksdb::Logger>* result,
                     IODebugContext*) override {
    result->reset();
    return IOStatus::NotSupported("logs go elsewhere");
  }
  IOStatus GetAbsolutePath(const std::string& path, const IOOptions&, std::string* out,
                           IODebugContext*) override {
    *out = path;
    return IOStatus::OK();
  }
  IOStatus GetFreeSpace(const std::string& path, const IOOptions&, uint64_t* free_bytes,
                        IODebugContext*) override {
    const auto space = files_.space(io::parent_path(path));
    if (!space.ok()) return to_io_status(space.error());
    *free_bytes = space->available_bytes;
    return IOStatus::OK();
  }
  IOStatus IsDirectory(const std::string& path, const IOOptions&, bool* is_directory,
                       IODebugContext*) override {
    const auto info = files_.info(path);
    if (!info.ok()) return to_io_status(info.error());
    *is_directory = info->is_directory;
    return IOStatus::OK();
  }

 private:
  template <typename Wrapper, typename Base>
  IOStatus open_as(const std::string& path, io::OpenOptions options,
                   std::unique_ptr<Base>* result) {
    auto file = files_.open(path, options);
    if (!file.ok()) return to_io_status(file.error());
    *result = std::make_unique<Wrapper>(std::move(file).value());
    return IOStatus::OK();
  }
  IOStatus open_writable(const std::string& path, io::OpenOptions options,
                         std::unique_ptr<rocksdb::FSWritableFile>* result) {
    auto file = files_.open(path, options);
    if (!file.ok()) return to_io_status(file.error());
    const auto size = (*file)->size();
    if (!size.ok()) return to_io_status(size.error());
    *result = std::make_unique<WritableFile>(
        std::move(file).value(), *size,
        names_manifest(path) ? Flushing::kEachRecord : Flushing::kWhenAsked);
    return IOStatus::OK();
  }
  // A log never takes the place of a file: its name is new.
  IOStatus open_log(const std::string& path, std::unique_ptr<rocksdb::FSWritableFile>* result) {
    const std::lock_guard lock(log_mutex_);
    const Status flushed = flush_last_log(path);
    if (!flushed.ok()) return to_io_status(flushed);
    const bool spare = spares_ && spares_->take(path);
    auto file =
        files_.open(path, {.write = true, .create = !spare, .truncate = !spare, .direct = true});
    if (!file.ok()) return to_io_status(file.error());
    log_ = std::make_shared<LogWriter>(std::move(file).value());
    *result = std::make_unique<LogFile>(log_);
    return IOStatus::OK();
  }
  // RocksDB begins a log without having flushed the end of the one before. A power cut that takes
  // that end, and leaves what came later, would leave a gap that nobody sees: so no log begins
  // before the last one is whole.
  Status flush_last_log(const std::string& path) {
    if (!log_ || log_->flushed()) return {};
    TRY(log_->sync());
    return files_.sync_directory(io::parent_path(path));
  }

  io::FileSystem& files_;
  const std::unique_ptr<LogSpares> spares_;  // null where nothing is written
  std::mutex log_mutex_;
  std::shared_ptr<LogWriter> log_;  // the newest; guarded by log_mutex_
};

}  // namespace

rocksdb::IOStatus to_io_status(const Error& error) {
  switch (error.code) {
    case Code::kNotFound:
      return IOStatus::PathNotFound(error.message);
    case Code::kNoSpace:
      return IOStatus::NoSpace(error.message);
    default:
      return IOStatus::IOError(error.message);
  }
}
rocksdb::IOStatus to_io_status(const Status& status) {
  return status.ok() ? IOStatus::OK() : to_io_status(status.error());
}

CachedReadsOnly::CachedReadsOnly() noexcept {
  cached_reads_only = true;
}
CachedReadsOnly::~CachedReadsOnly() {
  cached_reads_only = false;
}

std::unique_ptr<rocksdb::Env> make_rocksdb_env(io::FileSystem& files, const std::string& path,
                                               uint64_t spare_bytes_max,
                                               std::function<void(const std::string&)> failed) {
  return rocksdb::NewCompositeEnv(std::make_shared<SeamFileSystem>(
      files, std::make_unique<LogSpares>(files, path, spare_bytes_max, std::move(failed))));
}

std::unique_ptr<rocksdb::Env> make_rocksdb_env(io::FileSystem& files) {
  return rocksdb::NewCompositeEnv(std::make_shared<SeamFileSystem>(files, nullptr));
}

}  // namespace strata::drive
