#include "blockdev/device/extent_scanner.h"

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "common/base/check.h"

namespace strata::device {
namespace {

constexpr uint32_t kExtentsPerQuestion = 32;

// What has been found so far: like neighbours become one.
class Found {
 public:
  explicit Found(IoRequest& request) noexcept : request_(request) { request.extent_count = 0; }
  // False: no more room, and `length` bytes are not in.
  [[nodiscard]] bool add(uint64_t length, bool hole, bool zero) noexcept {
    if (length == 0) return true;
    const size_t count = request_.extent_count;
    if (count > 0) {
      Extent& last = request_.extents[count - 1];
      if (last.hole == hole && last.zero == zero) {
        last.length += length;
        return true;
      }
    }
    if (count == request_.extents.size()) return false;
    request_.extents[request_.extent_count++] = {length, hole, zero};
    return true;
  }

 private:
  IoRequest& request_;
};

// [at, end) reads as zeroes: holes, and blocks that are allocated and were never written.
bool add_zeroes(int fd, uint64_t at, uint64_t end, Found& found) noexcept {
  alignas(fiemap)
      std::array<std::byte, sizeof(fiemap) + kExtentsPerQuestion * sizeof(fiemap_extent)>
          memory;
  auto* const map = reinterpret_cast<fiemap*>(memory.data());
  while (at < end) {
    memory.fill(std::byte{0});
    map->fm_start = at;
    map->fm_length = end - at;
    map->fm_extent_count = kExtentsPerQuestion;
    if (ioctl(fd, FS_IOC_FIEMAP, map) != 0 || map->fm_mapped_extents == 0) break;
    const uint64_t before = at;
    for (uint32_t i = 0; i < std::min(map->fm_mapped_extents, kExtentsPerQuestion); ++i) {
      const fiemap_extent& extent = map->fm_extents[i];
      const uint64_t first = std::clamp<uint64_t>(extent.fe_logical, at, end);
      const uint64_t last = std::clamp<uint64_t>(extent.fe_logical + extent.fe_length, first, end);
      if (!found.add(first - at, true, true) || !found.add(last - first, false, true)) return false;
      at = last;
    }
    if (at == before) break;
  }
  return found.add(end - at, true, true);
}

}  // namespace

int32_t ExtentScanner::scan(int fd, IoRequest& request) noexcept {
  Found found(request);
  uint64_t at = request.offset;
  const uint64_t end = request.offset + request.length;
  while (at < end) {
    const off_t data = lseek(fd, static_cast<off_t>(at), SEEK_DATA);
    if (data < 0 && errno == ENXIO) {  // no data from here to the end of the file
      (void)add_zeroes(fd, at, end, found);
      return 0;
    }
    if (data < 0 && errno != EINVAL && errno != EOPNOTSUPP) return -errno;
    const uint64_t first = data < 0 ? at : std::min(static_cast<uint64_t>(data), end);
    if (first > at && !add_zeroes(fd, at, first, found)) return 0;
    at = first;
    if (at == end) return 0;
    const off_t hole = data < 0 ? -1 : lseek(fd, static_cast<off_t>(at), SEEK_HOLE);
    const uint64_t last = hole < 0 ? end : std::min(static_cast<uint64_t>(hole), end);
    if (!found.add(last - at, false, false)) return 0;
    at = last;
  }
  return 0;
}

ExtentScanner::~ExtentScanner() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    CHECK(first_ == nullptr, "a device was destroyed before its requests completed");
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void ExtentScanner::ask(IoRequest& request) noexcept {
  const std::lock_guard lock(mutex_);
  request.state.next_queued = nullptr;
  (first_ == nullptr ? first_ : last_->state.next_queued) = &request;
  last_ = &request;
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  changed_.notify_one();
}

void ExtentScanner::run() noexcept {
  while (true) {
    IoRequest* request = nullptr;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return first_ != nullptr || stopping_; });
      if (first_ == nullptr) return;
      request = std::exchange(first_, std::exchange(first_->state.next_queued, nullptr));
    }
    request->state.error = scan(fd_, *request);
    answer_(*request);
  }
}

}  // namespace strata::device
