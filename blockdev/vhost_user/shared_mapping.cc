#include "blockdev/vhost_user/shared_mapping.h"

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <utility>

#include "common/base/check.h"

namespace strata::vhost_user {
namespace {

constexpr uint64_t kPageBytes = 4096;

// A mapping as the signal handler sees it. `end` is 0 while the slot is free or changes.
struct GuardedRange {
  std::atomic<std::byte*> begin{nullptr};
  std::atomic<uintptr_t> end{0};
  std::atomic<bool> lost{false};
  bool taken = false;  // under the mutex
};
static_assert(std::atomic<uintptr_t>::is_always_lock_free &&
              std::atomic<std::byte*>::is_always_lock_free);

std::array<GuardedRange, SharedMapping::kMappingsMax> guarded;
std::mutex guarded_mutex;
struct sigaction previous_action{};

// Only what a signal handler may do: atomics and one system call.
void on_bus_error(int number, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  for (GuardedRange& range : guarded) {
    const uintptr_t end = range.end.load(std::memory_order_acquire);
    if (address >= end) continue;
    std::byte* const memory = range.begin.load(std::memory_order_acquire);
    const auto begin = reinterpret_cast<uintptr_t>(memory);
    if (address < begin || range.end.load(std::memory_order_acquire) != end) continue;
    range.lost.store(true, std::memory_order_release);
    const bool replaced =
        mmap(memory, end - begin, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != MAP_FAILED;
    errno = saved_errno;
    if (replaced) return;
    break;
  }
  if ((previous_action.sa_flags & SA_SIGINFO) != 0 && previous_action.sa_sigaction != nullptr) {
    return previous_action.sa_sigaction(number, info, context);
  }
  if (previous_action.sa_handler != SIG_DFL && previous_action.sa_handler != SIG_IGN) {
    return previous_action.sa_handler(number);
  }
  // The instruction runs again and ends the process as it would have without us.
  struct sigaction standard{};
  standard.sa_handler = SIG_DFL;
  sigaction(SIGBUS, &standard, nullptr);
}

Status install_handler() {
  static const int error = [] {
    struct sigaction action{};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    return sigaction(SIGBUS, &action, &previous_action) == 0 ? 0 : errno;
  }();
  if (error != 0) return errno_error(error, "installing the handler of SIGBUS");
  return {};
}

// Mappings of a file begin and end at multiples of this.
Result<uint64_t> page_bytes(int fd) {
  struct statfs filesystem{};
  if (fstatfs(fd, &filesystem) != 0) return errno_error(errno, "fstatfs of shared memory");
  if (filesystem.f_type != HUGETLBFS_MAGIC) return kPageBytes;
  const auto bytes = static_cast<uint64_t>(filesystem.f_bsize);
  if (bytes < kPageBytes || !std::has_single_bit(bytes)) {
    return Error(Code::kInvalidArgument, "the page size of the shared memory is not known");
  }
  return bytes;
}

Result<size_t> take_slot() {
  const std::lock_guard lock(guarded_mutex);
  for (size_t i = 0; i < guarded.size(); ++i) {
    if (guarded[i].taken) continue;
    guarded[i].taken = true;
    guarded[i].lost.store(false, std::memory_order_relaxed);
    return i;
  }
  return Error(Code::kBusy, fmt::format("more than {} pieces of shared memory in use",
                                        SharedMapping::kMappingsMax));
}

void give_slot(size_t slot) {
  const std::lock_guard lock(guarded_mutex);
  guarded[slot].taken = false;
}

}  // namespace

Result<SharedMapping> SharedMapping::map(int fd, uint64_t offset, uint64_t bytes) {
  TRY(install_handler());
  struct stat file{};
  if (fstat(fd, &file) != 0) return errno_error(errno, "fstat of shared memory");
  if (!S_ISREG(file.st_mode)) {
    return Error(Code::kInvalidArgument, "shared memory must be a memfd or a regular file");
  }
  const auto file_bytes = static_cast<uint64_t>(file.st_size);
  if (bytes == 0 || offset > file_bytes || bytes > file_bytes - offset) {
    return Error(Code::kInvalidArgument,
                 fmt::format("{} bytes at {} of shared memory that is {} bytes long", bytes, offset,
                             file_bytes));
  }
  TRY_ASSIGN(const uint64_t page, page_bytes(fd));
  const uint64_t first = round_down(offset, page);
  const uint64_t length = round_up(offset - first + bytes, page);
  TRY_ASSIGN(const size_t slot, take_slot());
  void* const memory = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd,
                            static_cast<off_t>(first));
  if (memory == MAP_FAILED) {
    const int error = errno;
    give_slot(slot);
    return Error(Code::kInvalidArgument,
                 fmt::format("shared memory cannot be mapped for reading and writing: {}",
                             errno_error(error, "mmap").message));
  }
  // A guest's memory has no place in our core dumps.
  (void)madvise(memory, length, MADV_DONTDUMP);
  const MutableBytes whole(static_cast<std::byte*>(memory), length);
  guarded[slot].begin.store(whole.data(), std::memory_order_release);
  guarded[slot].end.store(reinterpret_cast<uintptr_t>(memory) + length, std::memory_order_release);
  return SharedMapping(whole, whole.subspan(offset - first, bytes), slot);
}

SharedMapping::SharedMapping(SharedMapping&& other) noexcept
    : whole_(std::exchange(other.whole_, {})),
      bytes_(std::exchange(other.bytes_, {})),
      slot_(std::exchange(other.slot_, kNoSlot)) {}

SharedMapping& SharedMapping::operator=(SharedMapping&& other) noexcept {
  std::swap(whole_, other.whole_);
  std::swap(bytes_, other.bytes_);
  std::swap(slot_, other.slot_);
  return *this;
}

SharedMapping::~SharedMapping() {
  if (slot_ == kNoSlot) return;
  // Out of the table first: the addresses may be somebody else's as soon as they are unmapped.
  guarded[slot_].end.store(0, std::memory_order_release);
  munmap(whole_.data(), whole_.size());
  give_slot(slot_);
}

bool SharedMapping::lost() const noexcept {
  return slot_ != kNoSlot && guarded[slot_].lost.load(std::memory_order_acquire);
}

}  // namespace strata::vhost_user
