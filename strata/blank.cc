#include "strata/blank.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/fs.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/unique_fd.h"
#include "strata/command.h"

namespace strata::roof {
namespace {

constexpr uint64_t kPieceBytes = kMiB;
constexpr uint64_t kEdgeBytes = 64 * kMiB;
constexpr uint64_t kWholeBytesMax = kGiB;
constexpr int kNothingFound = 2;  // blkid's exit status

Error not_blank(const std::string& device, std::string_view what) {
  return Error(Code::kConflict,
               fmt::format("{} is not blank: {}. No filesystem is made on it; if its data may go, "
                           "make a new volume, or use mkfs yourself",
                           device, what));
}

Status check_zeroes(const std::string& device, int fd, uint64_t from, uint64_t to) {
  std::vector<std::byte> piece(kPieceBytes);
  while (from < to) {
    const ssize_t got =
        pread(fd, piece.data(), std::min(kPieceBytes, to - from), static_cast<off_t>(from));
    if (got <= 0) return errno_error(got < 0 ? errno : EIO, "reading " + device);
    const auto end = piece.begin() + got;
    const auto found =
        std::find_if(piece.begin(), end, [](std::byte b) { return b != std::byte{0}; });
    if (found != end) {
      return not_blank(device, fmt::format("there is data at byte {}",
                                           from + static_cast<uint64_t>(found - piece.begin())));
    }
    from += static_cast<uint64_t>(got);
  }
  return {};
}

}  // namespace

Status check_blank(const std::string& device, uint64_t allocated_bytes) {
  TRY_ASSIGN(const CommandOutput probed, run_command({"blkid", "-p", device}));
  if (probed.status != kNothingFound) {
    return not_blank(device, probed.output.empty() ? "blkid cannot tell" : probed.output);
  }
  TRY_ASSIGN(const std::string signatures, run_or_fail({"wipefs", "--no-act", device}));
  if (!signatures.empty()) return not_blank(device, "wipefs finds signatures");
  const UniqueFd fd(open(device.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return errno_error(errno, "opening " + device);
  uint64_t size = 0;
  if (ioctl(fd.get(), BLKGETSIZE64, &size) != 0) return errno_error(errno, "size of " + device);
  if (allocated_bytes == 0) return {};  // never written
  if (size <= kWholeBytesMax) return check_zeroes(device, fd.get(), 0, size);
  TRY(check_zeroes(device, fd.get(), 0, kEdgeBytes));
  return check_zeroes(device, fd.get(), size - kEdgeBytes, size);
}

}  // namespace strata::roof
