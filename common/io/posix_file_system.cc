#include "common/io/posix_file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "common/base/unique_fd.h"

namespace strata::io {
namespace {

constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;
// The smallest unit of direct I/O: a shorter piece can only be the end of the file.
constexpr size_t kDirectUnit = 512;
constexpr uint64_t kFileOffsetMax = INT64_MAX;
constexpr uint64_t kStatBlock = 512;  // the unit of st_blocks, whatever the filesystem's own is

// Calls until the call was not interrupted by a signal.
template <typename Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

Error path_error(int error_number, std::string_view action, std::string_view path) {
  Error error = errno_error(error_number, fmt::format("cannot {} {}", action, path));
  switch (error_number) {
    case ENOTEMPTY:
    case EBUSY:  // a block device that somebody has claimed
      error.code = Code::kConflict;
      break;
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
      error.code = Code::kInvalidArgument;
      break;
    case EROFS:
      error.code = Code::kPermissionDenied;
      break;
    case EFBIG:
      error.code = Code::kTooLarge;
      break;
    default:
      break;
  }
  return error;
}

Status done_or_error(int result, std::string_view action, std::string_view path) {
  if (result == 0) return {};
  return path_error(errno, action, path);
}

Status check_file_range(uint64_t offset, uint64_t length, const std::string& path) {
  if (offset <= kFileOffsetMax && length <= kFileOffsetMax - offset) return {};
  return Error(Code::kOutOfRange, fmt::format("{}: the range {}+{} is past what a file can hold",
                                              path, offset, length));
}

class PosixFile final : public File {
 public:
  PosixFile(UniqueFd fd, std::string path, bool direct)
      : fd_(std::move(fd)), path_(std::move(path)), direct_(direct) {}

  Result<size_t> read_at(uint64_t offset, MutableBytes out) override {
    TRY(check_file_range(offset, out.size(), path_));
    size_t done = 0;
    while (done < out.size()) {
      const ssize_t got = uninterrupted([&] {
        return ::pread(fd_.get(), out.data() + done, out.size() - done,
                       static_cast<off_t>(offset + done));
      });
      if (got < 0) return path_error(errno, "read", path_);
      done += static_cast<size_t>(got);
      // Asking again from within a sector would be refused by a direct file.
      if (got == 0 || (direct_ && done % kDirectUnit != 0)) break;
    }
    return done;
  }

  Result<std::optional<size_t>> read_cached(uint64_t offset, MutableBytes out) override {
    TRY(check_file_range(offset, out.size(), path_));
    if (direct_) return std::optional<size_t>();
    size_t done = 0;
    while (done < out.size()) {
      const iovec part{out.data() + done, out.size() - done};
      const ssize_t got = uninterrupted([&] {
        return ::preadv2(fd_.get(), &part, 1, static_cast<off_t>(offset + done), RWF_NOWAIT);
      });
      // EAGAIN: a page is missing. EOPNOTSUPP: this filesystem cannot say.
      if (got < 0) return std::optional<size_t>();
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    return std::optional<size_t>(done);
  }

  Status write_at(uint64_t offset, Bytes data) override { return write_all(offset, data, 0); }
  Status write_stable_at(uint64_t offset, Bytes data) override {
    return write_all(offset, data, RWF_DSYNC);
  }

  Status sync_data() override {
    return done_or_error(uninterrupted([&] { return ::fdatasync(fd_.get()); }), "flush", path_);
  }
  Status sync() override {
    return done_or_error(uninterrupted([&] { return ::fsync(fd_.get()); }), "flush", path_);
  }
  Status truncate(uint64_t size_bytes) override {
    TRY(check_file_range(size_bytes, 0, path_));
    const auto call = [&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size_bytes)); };
    return done_or_error(uninterrupted(call), "resize", path_);
  }
  Status allocate(uint64_t offset, uint64_t length) override {
    TRY(check_file_range(offset, length, path_));
    if (length == 0) return {};
    const auto call = [&] {
      return ::fallocate(fd_.get(), 0, static_cast<off_t>(offset), static_cast<off_t>(length));
    };
    return done_or_error(uninterrupted(call), "reserve space for", path_);
  }
  Result<uint64_t> size() override {
    struct stat status{};
    if (::fstat(fd_.get(), &status) != 0) return path_error(errno, "examine", path_);
    return static_cast<uint64_t>(status.st_size);
  }
  [[nodiscard]] int descriptor() const noexcept override { return fd_.get(); }

 private:
  Status write_all(uint64_t offset, Bytes data, int flags) {
    TRY(check_file_range(offset, data.size(), path_));
    while (!data.empty()) {
      const iovec part{const_cast<std::byte*>(data.data()), data.size()};
      const ssize_t put = uninterrupted(
          [&] { return ::pwritev2(fd_.get(), &part, 1, static_cast<off_t>(offset), flags); });
      if (put < 0) return path_error(errno, "write", path_);
      if (put == 0) return path_error(EIO, "write", path_);
      offset += static_cast<uint64_t>(put);
      data = data.subspan(static_cast<size_t>(put));
    }
    return {};
  }

  UniqueFd fd_;
  std::string path_;
  bool direct_;
};

class PosixLock final : public FileLock {
 public:
  explicit PosixLock(UniqueFd fd) : fd_(std::move(fd)) {}

 private:
  UniqueFd fd_;  // closing it releases the lock
};

// Whether the filesystem took O_DIRECT. It is set after the open, because an open that creates a
// file and is then refused for O_DIRECT leaves the file behind.
Result<bool> make_direct(int fd, const std::string& path) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) return path_error(errno, "open", path);
  if (::fcntl(fd, F_SETFL, flags | O_DIRECT) == 0) return true;
  if (errno == EINVAL) return false;
  return path_error(errno, "open", path);
}

}  // namespace

Result<std::unique_ptr<File>> PosixFileSystem::open(const std::string& path, OpenOptions options) {
  CHECK(options.write || (!options.create && !options.truncate), "creating needs write");
  int flags = O_CLOEXEC | (options.write ? O_RDWR : O_RDONLY);
  if (options.create) flags |= O_CREAT;
  if (options.exclusive) flags |= O_EXCL;
  if (options.truncate) flags |= O_TRUNC;
  UniqueFd fd(uninterrupted([&] { return ::open(path.c_str(), flags, kFileMode); }));
  if (!fd.valid()) return path_error(errno, "open", path);
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return path_error(errno, "examine", path);
  if (S_ISDIR(status.st_mode)) return path_error(EISDIR, "open", path);
  bool direct = false;
  if (options.direct) {
    TRY_ASSIGN(direct, make_direct(fd.get(), path));
  }
  return std::unique_ptr<File>(std::make_unique<PosixFile>(std::move(fd), path, direct));
}

Status PosixFileSystem::rename(const std::string& from, const std::string& to) {
  return done_or_error(::rename(from.c_str(), to.c_str()), "rename", from);
}

Status PosixFileSystem::link(const std::string& from, const std::string& to) {
  return done_or_error(::link(from.c_str(), to.c_str()), "link", fmt::format("{} as {}", from, to));
}

Status PosixFileSystem::remove_file(const std::string& path) {
  return done_or_error(::unlink(path.c_str()), "remove", path);
}

Status PosixFileSystem::create_directory(const std::string& path) {
  return done_or_error(::mkdir(path.c_str(), kDirectoryMode), "create the folder", path);
}

Status PosixFileSystem::remove_directory(const std::string& path) {
  return done_or_error(::rmdir(path.c_str()), "remove the folder", path);
}

Result<std::vector<std::string>> PosixFileSystem::list(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), &::closedir);
  if (directory == nullptr) return path_error(errno, "list", path);
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (names.size() >= kMaxListedNames) {
      return Error(Code::kTooLarge,
                   fmt::format("{} holds more than {} files: it is not a folder of this program",
                               path, kMaxListedNames));
    }
    names.emplace_back(name);
  }
  if (errno != 0) return path_error(errno, "list", path);
  std::sort(names.begin(), names.end());
  return names;
}

Result<FileInfo> PosixFileSystem::info(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return path_error(errno, "examine", path);
  FileInfo info;
  info.size_bytes = static_cast<uint64_t>(status.st_size);
  info.allocated_bytes = static_cast<uint64_t>(status.st_blocks) * kStatBlock;
  info.is_directory = S_ISDIR(status.st_mode);
  info.modified_ms = status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1'000'000;
  info.inode = status.st_ino;
  return info;
}

Status PosixFileSystem::sync_directory(const std::string& path) {
  const UniqueFd fd(
      uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!fd.valid()) return path_error(errno, "open the folder", path);
  return done_or_error(uninterrupted([&] { return ::fsync(fd.get()); }), "flush the folder", path);
}

Result<std::unique_ptr<FileLock>> PosixFileSystem::lock(const std::string& path) {
  UniqueFd fd(
      uninterrupted([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode); }));
  if (!fd.valid()) return path_error(errno, "open", path);
  if (uninterrupted([&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); }) != 0) {
    if (errno != EWOULDBLOCK) return path_error(errno, "lock", path);
    return Error(Code::kConflict,
                 fmt::format("{} is locked by another process: stop that one first, or use "
                             "another folder",
                             path));
  }
  return std::unique_ptr<FileLock>(std::make_unique<PosixLock>(std::move(fd)));
}

Result<Space> PosixFileSystem::space(const std::string& path) {
  struct statvfs status{};
  if (uninterrupted([&] { return ::statvfs(path.c_str(), &status); }) != 0) {
    return path_error(errno, "examine", path);
  }
  Space space;
  space.capacity_bytes = static_cast<uint64_t>(status.f_blocks) * status.f_frsize;
  space.available_bytes = static_cast<uint64_t>(status.f_bavail) * status.f_frsize;
  return space;
}

}  // namespace strata::io
