#include "blockdev/volume/host_device.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <utility>

#include "blockdev/volume/record_text.h"
#include "common/base/unique_fd.h"

namespace strata::volume {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kBlockBytes = 4096;  // serves direct I/O on every disk
constexpr uint64_t kReadBytes = kMiB;
constexpr uint64_t kWholeBytesMax = 256 * kMiB;
constexpr uint64_t kEdgeBytes = 16 * kMiB;
constexpr uint64_t kSamples = 256;
constexpr std::string_view kStart = "/start:";

// The first line of a file of the kernel's, as text that a line of metadata can hold; empty
// without one.
std::string attribute(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!line.empty() && blank(line.back())) line.pop_back();
  line.erase(line.begin(), std::find_if_not(line.begin(), line.end(), blank));
  for (char& c : line) {
    if (c <= ' ' || c > '~') c = '_';
  }
  return line;
}

std::string disk_identity(const fs::path& folder) {
  struct Source {
    std::string_view kind;
    std::string_view file;
  };
  constexpr std::array<Source, 7> kSources = {{{"dm", "dm/uuid"},
                                               {"md", "md/uuid"},
                                               {"wwid", "wwid"},
                                               {"wwid", "device/wwid"},
                                               {"serial", "serial"},
                                               {"serial", "device/serial"},
                                               {"loop", "loop/backing_file"}}};
  for (const Source& source : kSources) {
    std::string value = attribute(folder / source.file);
    if (value.empty()) continue;
    if (source.kind == "loop") {
      // Several loop devices may show different parts of one file.
      const std::string offset = attribute(folder / "loop/offset");
      if (!offset.empty() && offset != "0") value += "@" + offset;
    }
    // Leaves room for where a partition begins.
    constexpr size_t kValueBytesMax = kDeviceIdentityBytesMax - 64;
    if (value.size() > kValueBytesMax) value = "xxh3-" + checksum_text(value);
    return fmt::format("{}:{}", source.kind, value);
  }
  return {};
}

Error unusable(Code code, const std::string& path, std::string_view why) {
  return Error(code, "volume_device", fmt::format("{} {}", path, why));
}

Result<struct stat> block_device(const std::string& path) {
  TRY(check_device_path(path));
  struct stat info{};
  if (stat(path.c_str(), &info) != 0) return errno_error(errno, "looking for the device " + path);
  if (S_ISBLK(info.st_mode)) return info;
  return unusable(Code::kInvalidArgument, path,
                  "is not a block device; a volume in an image file needs no --device");
}

Result<FoundDevice> examine(int fd, const std::string& path) {
  struct stat info{};
  if (fstat(fd, &info) != 0) return errno_error(errno, "examining " + path);
  FoundDevice found;
  if (ioctl(fd, BLKGETSIZE64, &found.size_bytes) != 0) {
    return errno_error(errno, "asking for the size of " + path);
  }
  const std::string folder =
      fmt::format("/sys/dev/block/{}:{}", major(info.st_rdev), minor(info.st_rdev));
  found.identity = device_identity(folder);
  if (!found.identity.empty()) return found;
  return unusable(
      Code::kUnsupported, path,
      "has no serial number, WWID or UUID that the kernel knows, so another disk in its "
      "place would not be noticed; give the virtual disk a serial number, or make a "
      "logical volume (LVM) of it");
}

// Reads [from, to), whole blocks, through the buffer.
Status check_zeroes(io::File& device, const std::string& path, MutableBytes buffer, uint64_t from,
                    uint64_t to) {
  while (from < to) {
    const MutableBytes part = buffer.first(std::min<uint64_t>(buffer.size(), to - from));
    TRY_ASSIGN(const size_t got, device.read_at(from, part));
    if (got == 0) return unusable(Code::kIo, path, "ends before its end");
    const auto read = part.first(got);
    const auto data =
        std::find_if(read.begin(), read.end(), [](std::byte b) { return b != std::byte{0}; });
    if (data != read.end()) {
      const auto at = from + static_cast<uint64_t>(data - read.begin());
      return unusable(
          Code::kConflict, path,
          fmt::format("is not blank: there is data at byte {}. If the data is to be the "
                      "volume's, give --adopt; if it may go, discard it first with "
                      "blkdiscard -z, which nobody can undo",
                      at));
    }
    from += got;
  }
  return {};
}

}  // namespace

std::string device_identity(const std::string& sysfs_folder) {
  std::error_code failed;
  const fs::path folder = fs::canonical(sysfs_folder, failed);
  if (failed) return {};
  if (!fs::exists(folder / "partition", failed)) return disk_identity(folder);
  const std::string disk = disk_identity(folder.parent_path());
  const std::string start = attribute(folder / "start");
  if (disk.empty() || start.empty()) return {};
  return fmt::format("{}{}{}", disk, kStart, start);
}

bool devices_overlap(std::string_view one, std::string_view other) noexcept {
  if (one.size() > other.size()) std::swap(one, other);
  return other.starts_with(one) &&
         (other.size() == one.size() || other.substr(one.size()).starts_with(kStart));
}

bool is_device_text(std::string_view text, size_t bytes_max) noexcept {
  return !text.empty() && text.size() <= bytes_max &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

Status check_device_path(std::string_view path) {
  if (path.starts_with('/') && is_device_text(path, kDevicePathBytesMax)) return {};
  return Error(
      Code::kInvalidArgument, "volume_device",
      fmt::format("a device is given by its absolute path, printable ASCII without spaces, "
                  "at most {} characters; best one that stays, as in /dev/disk/by-id",
                  kDevicePathBytesMax));
}

Status check_device_blank(io::File& device, uint64_t size_bytes, const std::string& path) {
  ByteVector memory(kReadBytes + kBlockBytes);
  // Direct reads want an aligned buffer.
  const auto address = reinterpret_cast<uintptr_t>(memory.data());
  const MutableBytes buffer(memory.data() + (round_up(address, kBlockBytes) - address), kReadBytes);
  if (size_bytes <= kWholeBytesMax) return check_zeroes(device, path, buffer, 0, size_bytes);
  TRY(check_zeroes(device, path, buffer, 0, kEdgeBytes));
  TRY(check_zeroes(device, path, buffer, size_bytes - kEdgeBytes, size_bytes));
  for (uint64_t i = 1; i < kSamples; ++i) {
    const uint64_t at = round_down(size_bytes / kSamples * i, kBlockBytes);
    TRY(check_zeroes(device, path, buffer, at, at + kBlockBytes));
  }
  return {};
}

Status check_same_device(const DeviceReference& wanted, uint64_t size_bytes,
                         const FoundDevice& found) {
  if (found.identity != wanted.identity) {
    return unusable(
        Code::kCorrupt, wanted.path,
        fmt::format("is another device: it is {}, and the volume is on {}; put that one "
                    "there, or delete the volume, which changes no device",
                    found.identity, wanted.identity));
  }
  if (found.size_bytes >= size_bytes) return {};
  return unusable(Code::kCorrupt, wanted.path,
                  fmt::format("has {} bytes and the volume {}; the device has become smaller. Make "
                              "it as large as it was",
                              found.size_bytes, size_bytes));
}

Result<FoundDevice> SystemDevices::look(const std::string& path) {
  TRY(block_device(path));
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return errno_error(errno, "opening the device " + path);
  return examine(fd.get(), path);
}

Result<ClaimedDevice> SystemDevices::claim(const std::string& path, bool direct) {
  TRY_ASSIGN(const struct stat seen, block_device(path));
  // Without O_CREAT, O_EXCL claims a block device as mount does (open(2)).
  auto file = files_.open(path, {.write = true, .exclusive = true, .direct = direct});
  if (!file.ok() && file.error().code == Code::kConflict) {
    return unusable(Code::kConflict, path,
                    "is in use: it or a part of it is mounted, swap, part of a RAID or of LVM, or "
                    "open in another program or volume; release it first (lsblk shows by whom)");
  }
  if (!file.ok()) return file.error();
  struct stat opened{};
  if (fstat((*file)->descriptor(), &opened) != 0) return errno_error(errno, "examining " + path);
  if (!S_ISBLK(opened.st_mode) || opened.st_rdev != seen.st_rdev) {
    return unusable(Code::kConflict, path, "was replaced while it was opened; try again");
  }
  TRY_ASSIGN(FoundDevice found, examine((*file)->descriptor(), path));
  return ClaimedDevice{.found = std::move(found), .file = std::move(file).value()};
}

}  // namespace strata::volume
