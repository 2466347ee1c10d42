#include "blockdev/device/file_device.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <fstream>

#include "blockdev/device/file_queue.h"
#include "common/base/log.h"

namespace strata::device {
namespace {

constexpr uint32_t kSectorBytes = 512;
// Serves every disk and filesystem in use when the kernel does not tell what it needs.
constexpr uint32_t kSafeBlockBytes = 4096;
constexpr uint32_t kBlockBytesMax = 64 * 1024;

uint32_t power_of_two_or(uint32_t value, uint32_t otherwise) {
  return std::has_single_bit(value) && value <= kBlockBytesMax ? value : otherwise;
}

// statx tells the alignment of direct I/O since Linux 6.1, on most filesystems.
void ask_alignment(int fd, FileDevice::Limits& limits) {
  limits.block = kSafeBlockBytes;
  limits.memory = kSafeBlockBytes;
#ifdef STATX_DIOALIGN
  struct statx info{};
  if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &info) != 0) return;
  if ((info.stx_mask & STATX_DIOALIGN) == 0 || info.stx_dio_offset_align == 0) return;
  limits.block =
      std::max(kSectorBytes, power_of_two_or(info.stx_dio_offset_align, kSafeBlockBytes));
  limits.memory = power_of_two_or(info.stx_dio_mem_align, kSafeBlockBytes);
#endif
}

Result<uint64_t> size_of(int fd, const std::string& name) {
  struct stat info{};
  if (fstat(fd, &info) != 0) return errno_error(errno, fmt::format("stat of {}", name));
  if (!S_ISBLK(info.st_mode)) return static_cast<uint64_t>(info.st_size);
  uint64_t size = 0;
  if (ioctl(fd, BLKGETSIZE64, &size) != 0)
    return errno_error(errno, fmt::format("size of {}", name));
  return size;
}

// Whether the block device can make zeroes of a range without being sent them. One that says it can
// and then cannot is sent them.
bool zeroes_by_command(dev_t device) {
  const std::string folder = fmt::format("/sys/dev/block/{}:{}", major(device), minor(device));
  for (const char* queue : {"/queue", "/../queue"}) {  // a partition has that of its disk
    std::ifstream file(folder + queue + "/write_zeroes_max_bytes");
    uint64_t bytes = 0;
    if (file >> bytes) return bytes > 0;
  }
  return true;
}

Result<FileDevice::Limits> measure(io::File& file, const std::string& name,
                                   uint64_t size_bytes_max) {
  const int fd = file.descriptor();
  FileDevice::Limits limits;
  struct stat info{};
  if (fstat(fd, &info) != 0) return errno_error(errno, fmt::format("stat of {}", name));
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return errno_error(errno, fmt::format("flags of {}", name));
  limits.read_only = (flags & O_ACCMODE) == O_RDONLY;
  TRY_ASSIGN(const uint64_t size, size_of(fd, name));
  limits.size = std::min(size, size_bytes_max);
  if (S_ISREG(info.st_mode)) {
    limits.has_extents = true;
    // Past the end there is nothing to deallocate: this only asks whether the filesystem could.
    if (!limits.read_only && fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                       static_cast<off_t>(round_up(limits.size, kSafeBlockBytes)),
                                       kSafeBlockBytes) != 0) {
      limits.can_deallocate = false;
    }
  } else if (S_ISBLK(info.st_mode)) {
    limits.can_deallocate = zeroes_by_command(info.st_rdev);
  } else {
    return Error(Code::kInvalidArgument,
                 fmt::format("{} is neither a file nor a block device; give a raw image", name));
  }
  if ((flags & O_DIRECT) != 0) ask_alignment(fd, limits);
  if (limits.size % limits.block != 0) {
    // The last block is cut short, and direct I/O cannot write a part of it.
    if (fcntl(fd, F_SETFL, flags & ~O_DIRECT) != 0) {
      return errno_error(errno, fmt::format("turning direct I/O off for {}", name));
    }
    limits.block = 1;
    limits.memory = 1;
  }
  const auto preferred = static_cast<uint32_t>(std::clamp<int64_t>(info.st_blksize, 1, 1 << 30));
  limits.deallocate =
      std::max({power_of_two_or(preferred, kSafeBlockBytes), limits.block, kSafeBlockBytes});
  return limits;
}

}  // namespace

FileDevice::FileDevice(std::unique_ptr<io::File> file, std::string name, Limits limits)
    : file_(std::move(file)),
      name_(std::move(name)),
      limits_(limits),
      size_(limits.size),
      scanner_(file_->descriptor(), &FileQueue::scanned) {}
FileDevice::~FileDevice() = default;

Result<std::unique_ptr<FileDevice>> FileDevice::open(std::unique_ptr<io::File> file,
                                                     std::string name, uint64_t size_bytes_max) {
  if (file->descriptor() < 0) {
    return Error(Code::kUnsupported,
                 fmt::format("{} has no file descriptor; volumes need a real filesystem", name));
  }
  TRY_ASSIGN(const Limits limits, measure(*file, name, size_bytes_max));
  return std::unique_ptr<FileDevice>(new FileDevice(std::move(file), std::move(name), limits));
}

Geometry FileDevice::geometry() const noexcept {
  return {.size_bytes = size_.load(std::memory_order_acquire),
          .block_bytes_min = 1,
          .block_bytes_preferred = std::max(kSafeBlockBytes, limits_.block)};
}

Capabilities FileDevice::capabilities() const noexcept {
  return {.read_only = limits_.read_only,
          .trim = limits_.can_deallocate,
          .fast_zero = limits_.can_deallocate,
          .cache = true,
          .block_status = limits_.has_extents,
          // Into the page cache a copy is cheaper than the thread that the kernel would start.
          .registered_alignment = direct() ? limits_.block : 0};
}

Result<std::unique_ptr<BlockQueue>> FileDevice::open_queue(ring::Ring& ring) {
  auto queue = std::make_unique<FileQueue>(*this, ring);
  TRY(queue->start());
  return std::unique_ptr<BlockQueue>(std::move(queue));
}

Status FileDevice::refresh_size(uint64_t size_bytes_max) {
  TRY_ASSIGN(const uint64_t there, size_of(file_->descriptor(), name_));
  const uint64_t size = std::min(there, size_bytes_max);
  if (size < size_.load(std::memory_order_acquire)) {
    return Error(Code::kInvalidArgument,
                 fmt::format("{} has become shorter; a disk in use can only grow", name_));
  }
  if (size % limits_.block != 0) {
    return Error(
        Code::kInvalidArgument,
        fmt::format("the size of {} must be a multiple of {} bytes", name_, limits_.block));
  }
  size_.store(size, std::memory_order_release);
  return {};
}

void FileDevice::fail(int32_t error) noexcept {
  if (failed_.exchange(true)) return;
  const Error cause = errno_error(-error, "flush");
  log::error("volume.flush_failed",
             {{"device", name_},
              {"error", cause.message},
              {"advice", "writes are refused; check the disk, then detach and attach again"}});
}

}  // namespace strata::device
