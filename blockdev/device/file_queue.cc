#include "blockdev/device/file_queue.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "common/base/check.h"

namespace strata::device {
namespace {

constexpr uint32_t kAttemptsMax = 32;
constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kZeroBytes = 256 * kKiB;
// Up to here a write into the page cache is made at once. From a ring ext4 does not take one: the
// kernel hands it to a thread of its own, which costs several times what the copy does.
constexpr uint64_t kCachedWriteBytesMax = 128 * kKiB;

// DeviceState::step: what the completion under way means.
enum Step : uint8_t { kDirect, kBounceRead, kPartRead, kBounceWrite, kZeroWrite, kAllocate, kSync };

// Written where zeroes must be bytes. Never changed; in the program's zeroed memory.
alignas(kPageBytes) constinit std::byte zero_bytes[kZeroBytes] = {};

bool writes(const IoRequest& request) noexcept {
  return request.op == Op::kWrite || request.op == Op::kTrim || request.op == Op::kWriteZeroes;
}

uint64_t end_of(const IoRequest& request) noexcept {
  return request.offset + request.length;
}

// Where in its registered buffer the request goes on.
ring::BufferPlace place_in(const IoRequest& request) noexcept {
  return {request.registered.index, request.registered.start + request.state.progress};
}

}  // namespace

void FileQueue::FreeAligned::operator()(std::byte* memory) const noexcept {
  std::free(memory);
}

FileQueue::FileQueue(FileDevice& device, ring::Ring& ring)
    : device_(device), ring_(ring), limits_(device.limits_), fd_(device.file_->descriptor()) {
  wakeup_.queue = this;
  wakeup_.complete = [](ring::Operation& op, int32_t) noexcept {
    FileQueue& queue = *static_cast<Wakeup&>(op).queue;
    queue.wakeup_armed_ = false;
    queue.run_granted();
    queue.take_scanned();
    if (queue.parked_ > 0 || queue.scanning_ > 0) queue.arm_wakeup();
  };
}

FileQueue::~FileQueue() {
  CHECK(parked_ == 0 && scanning_ == 0 && !wakeup_armed_,
        "a block queue was destroyed before its requests completed");
  if (lane_.signal.valid()) device_.guard_.remove(lane_);
  if (registered_) ring_.unregister_file(fd_);
}

Status FileQueue::start() {
  TRY(device_.guard_.add(lane_));
  // Without it every request looks the descriptor up, and all works as well.
  registered_ = ring_.register_file(fd_).ok();
  return {};
}

void FileQueue::submit(IoRequest& request) noexcept {
  request.state = DeviceState{};
  request.state.queue = this;
  request.state.operation.request = &request;
  request.state.operation.complete = [](ring::Operation& op, int32_t result) noexcept {
    IoRequest& done = *static_cast<RequestOperation&>(op).request;
    static_cast<FileQueue*>(done.state.queue)->completed(done, result);
  };
  request.length = length_of(request);
  if (request.registered.exists() && !takes_registered(request)) return finish(request, -EINVAL);
  if (request.op == Op::kBlockStatus) {
    ++scanning_;
    arm_wakeup();
    return device_.scanner_.ask(request);
  }
  if ((request.op == Op::kFlush || writes(request)) &&
      device_.failed_.load(std::memory_order_relaxed)) {
    return finish(request, -EIO);
  }
  if (writes(request)) {
    if (limits_.read_only) return finish(request, -EPERM);
    if (request.op == Op::kWriteZeroes && request.fast_only && !zeroes_fast(request)) {
      return finish(request, -EOPNOTSUPP);
    }
    request.state.write_out_zeroes = !limits_.can_deallocate;
    request.state.first = round_down(request.offset, limits_.block);
    request.state.last = round_up(end_of(request), limits_.block);
    if (limits_.block > 1 && !device_.guard_.enter(lane_, request, !covers_blocks(request))) {
      ++parked_;
      return arm_wakeup();
    }
  }
  next_step(request);
}

bool FileQueue::covers_blocks(const IoRequest& request) const noexcept {
  return ((request.offset | request.length) & (limits_.block - 1)) == 0;
}

bool FileQueue::takes_registered(const IoRequest& request) const noexcept {
  const bool moves = request.op == Op::kRead || request.op == Op::kWrite;
  return moves && limits_.block > 1 && covers_blocks(request);
}

// Something is left to deallocate beside the edges, which are written.
bool FileQueue::zeroes_fast(const IoRequest& request) const noexcept {
  return limits_.can_deallocate && round_up(request.offset, limits_.deallocate) <
                                       round_down(end_of(request), limits_.deallocate);
}

bool FileQueue::aligned(const IoRequest& request) const noexcept {
  const uint64_t at = request.offset + request.state.progress;
  const uint64_t left = request.length - request.state.progress;
  const auto address = reinterpret_cast<uintptr_t>(request.buffer.data()) + request.state.progress;
  if (((at | left) & (limits_.block - 1)) != 0) return false;
  return request.registered.exists() || (address & (limits_.memory - 1)) == 0;
}

void FileQueue::next_step(IoRequest& request) noexcept {
  DeviceState& state = request.state;
  if (request.op == Op::kFlush) {
    state.step = kSync;
    return ring_.sync(state.operation, fd_, true);
  }
  if (state.progress < request.length) {
    switch (request.op) {
      case Op::kRead:
        return step_read(request);
      case Op::kWrite:
        return step_write(request);
      case Op::kCache:
        // Through the page cache the read leaves it there; a direct one warms the disk's own.
        if (want_bounce(request)) read_bounce(request);
        return;
      default:
        return step_zero(request);
    }
  }
  // Deallocation has no FUA of its own.
  if (request.fua && (request.op == Op::kTrim || request.op == Op::kWriteZeroes)) {
    state.step = kSync;
    return ring_.sync(state.operation, fd_, true);
  }
  finish(request, 0);
}

void FileQueue::step_read(IoRequest& request) noexcept {
  DeviceState& state = request.state;
  const uint64_t at = request.offset + state.progress;
  if (aligned(request)) {
    state.step = kDirect;
    state.piece = request.length - state.progress;
    if (request.registered.exists()) {
      return ring_.read_registered(state.operation, fd_, place_in(request), state.piece, at);
    }
    return ring_.read(state.operation, fd_, request.buffer.subspan(state.progress), at);
  }
  if (want_bounce(request)) read_bounce(request);
}

void FileQueue::step_write(IoRequest& request) noexcept {
  DeviceState& state = request.state;
  const uint64_t at = request.offset + state.progress;
  if (aligned(request)) {
    state.step = kDirect;
    state.piece = request.length - state.progress;
    if (request.registered.exists()) {
      return ring_.write_registered(state.operation, fd_, place_in(request), state.piece, at,
                                    request.fua ? RWF_DSYNC : 0);
    }
    if (limits_.block == 1 && !request.fua && state.piece <= kCachedWriteBytesMax) {
      const ssize_t put = ::pwrite(fd_, request.buffer.data() + state.progress, state.piece,
                                   static_cast<off_t>(at));
      return completed(request, put < 0 ? -errno : static_cast<int32_t>(put));
    }
    return ring_.write(state.operation, fd_, request.buffer.subspan(state.progress), at,
                       request.fua ? RWF_DSYNC : 0);
  }
  if (!want_bounce(request)) return;
  const uint64_t whole = round_down(end_of(request), limits_.block);
  if (at % limits_.block != 0 || at >= whole) return step_part(request, at);
  state.piece = std::min(whole - at, kBounceBytes);
  std::memcpy(state.bounce, request.buffer.data() + state.progress, state.piece);
  write_back(request);
}

// Reads the blocks from where the request is into the bounce buffer, as many as it takes.
void FileQueue::read_bounce(IoRequest& request) noexcept {
  DeviceState& state = request.state;
  const uint64_t start = round_down(request.offset + state.progress, limits_.block);
  const uint64_t end = std::min(round_up(end_of(request), limits_.block), start + kBounceBytes);
  state.step = kBounceRead;
  state.piece = end - start;
  ring_.read(state.operation, fd_, {state.bounce, state.piece}, start);
}

void FileQueue::step_zero(IoRequest& request) noexcept {
  DeviceState& state = request.state;
  const uint64_t at = request.offset + state.progress;
  const uint64_t whole = round_down(end_of(request), limits_.block);
  if (at % limits_.block != 0 || at >= whole) {
    if (want_bounce(request)) step_part(request, at);
    return;
  }
  const uint64_t last_unit = round_down(whole, limits_.deallocate);
  if (!state.write_out_zeroes && at % limits_.deallocate == 0 && at < last_unit) {
    return deallocate(request, at, last_unit - at);
  }
  uint64_t bytes = std::min(whole - at, kZeroBytes);
  if (!state.write_out_zeroes) {
    bytes = std::min(bytes, round_up(at + 1, limits_.deallocate) - at);
  }
  state.step = kZeroWrite;
  state.piece = bytes;
  ring_.write(state.operation, fd_, {zero_bytes, bytes}, at);
}

void FileQueue::deallocate(IoRequest& request, uint64_t at, uint64_t bytes) noexcept {
  const bool punch = request.op == Op::kTrim || request.may_punch;
  request.state.step = kAllocate;
  request.state.piece = bytes;
  ring_.allocate(request.state.operation, fd_,
                 (punch ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE) | FALLOC_FL_KEEP_SIZE, at,
                 bytes);
}

// Reads the block around `at`, of which the request changes a part. The piece is what it changes.
void FileQueue::step_part(IoRequest& request, uint64_t at) noexcept {
  const uint64_t block = round_down(at, limits_.block);
  request.state.step = kPartRead;
  request.state.piece = std::min(end_of(request), block + limits_.block) - at;
  ring_.read(request.state.operation, fd_, {request.state.bounce, limits_.block}, block);
}

// Writes whole blocks from the bounce buffer: the block of a part, or `piece` bytes.
void FileQueue::write_back(IoRequest& request) noexcept {
  DeviceState& state = request.state;
  const uint64_t at = request.offset + state.progress;
  const uint64_t start = round_down(at, limits_.block);
  const uint64_t bytes = round_up(at + state.piece, limits_.block) - start;
  state.step = kBounceWrite;
  const bool stable = request.fua && request.op == Op::kWrite;
  ring_.write(state.operation, fd_, {state.bounce, bytes}, start, stable ? RWF_DSYNC : 0);
}

void FileQueue::completed(IoRequest& request, int32_t result) noexcept {
  DeviceState& state = request.state;
  if (result == -EINTR || result == -EAGAIN) return moved(request, 0);
  if (state.step == kAllocate && (result == -EOPNOTSUPP || result == -ENOSYS)) {
    if (request.fast_only) return finish(request, -EOPNOTSUPP);
    state.write_out_zeroes = true;
    return next_step(request);
  }
  if (result < 0) {
    // Only a request that had to reach the media tells that answered writes may be lost.
    const bool flushing = state.step == kSync || (request.fua && writes(request));
    if (flushing && result != -ENOSPC && result != -EDQUOT) device_.fail(result);
    return finish(request, result);
  }
  const auto bytes = static_cast<uint64_t>(result);
  const uint64_t at = request.offset + state.progress;
  const uint64_t lead = at & (limits_.block - 1);
  switch (state.step) {
    case kSync:
      // The kernel tells an error of the file once: to one of several flushes at a time.
      return finish(request, device_.failed_.load() ? -EIO : 0);
    case kAllocate:
      return moved(request, state.piece);
    case kDirect:
      return moved(request, bytes == state.piece ? bytes : round_down(bytes, limits_.block));
    case kZeroWrite:
      return moved(request, round_down(bytes, limits_.block));
    case kBounceRead:
      if (bytes < state.piece) return moved(request, 0);
      return copy_out(request);
    case kPartRead:
      if (bytes < limits_.block) return moved(request, 0);
      if (request.op == Op::kWrite) {
        std::memcpy(state.bounce + lead, request.buffer.data() + state.progress, state.piece);
      } else {
        std::memset(state.bounce + lead, 0, state.piece);
      }
      return write_back(request);
    case kBounceWrite:
      return moved(request, bytes < round_up(lead + state.piece, limits_.block) ? 0 : state.piece);
    default:
      CHECK(false, "unknown step");
  }
}

void FileQueue::copy_out(IoRequest& request) noexcept {
  DeviceState& state = request.state;
  const uint64_t lead = (request.offset + state.progress) & (limits_.block - 1);
  const uint64_t bytes = std::min(state.piece - lead, request.length - state.progress);
  if (request.op == Op::kRead) {
    std::memcpy(request.buffer.data() + state.progress, state.bounce + lead, bytes);
  }
  moved(request, bytes);
}

void FileQueue::moved(IoRequest& request, uint64_t bytes) noexcept {
  DeviceState& state = request.state;
  state.progress += bytes;
  state.attempts = bytes == 0 ? state.attempts + 1 : 0;
  // Nothing moves when the image is shorter than its volume.
  if (state.attempts > kAttemptsMax) return finish(request, -EIO);
  next_step(request);
}

void FileQueue::finish(IoRequest& request, int32_t error) noexcept {
  if (error != 0) request.error_offset = request.offset + request.state.progress;
  if (request.state.bounce != nullptr) release_bounce(request);
  if (request.state.guard != 0) device_.guard_.leave(lane_, request);
  request.complete(request, error);
}

// True: the request has a bounce buffer. False: it waits for one, or has failed.
bool FileQueue::want_bounce(IoRequest& request) noexcept {
  if (request.state.bounce != nullptr) return true;
  if (free_bounce_count_ == 0 && bounce_count_ < kBounceBuffers) {
    auto* memory = static_cast<std::byte*>(std::aligned_alloc(kPageBytes, kBounceBytes));
    if (memory != nullptr) {
      bounces_[bounce_count_++].reset(memory);
      free_bounces_[free_bounce_count_++] = memory;
    } else if (bounce_count_ == 0) {
      finish(request, -ENOMEM);
      return false;
    }
  }
  if (free_bounce_count_ == 0) {
    (first_waiting_ == nullptr ? first_waiting_ : last_waiting_->state.next_queued) = &request;
    last_waiting_ = &request;
    return false;
  }
  request.state.bounce = free_bounces_[--free_bounce_count_];
  return true;
}

void FileQueue::release_bounce(IoRequest& request) noexcept {
  std::byte* const memory = std::exchange(request.state.bounce, nullptr);
  IoRequest* const waiter = first_waiting_;
  if (waiter == nullptr) {
    free_bounces_[free_bounce_count_++] = memory;
    return;
  }
  first_waiting_ = std::exchange(waiter->state.next_queued, nullptr);
  waiter->state.bounce = memory;
  next_step(*waiter);
}

void FileQueue::arm_wakeup() noexcept {
  if (wakeup_armed_) return;
  wakeup_armed_ = true;
  ring_.poll(wakeup_, lane_.signal.get(), POLLIN);
}

void FileQueue::run_granted() noexcept {
  IoRequest* request = device_.guard_.take_granted(lane_);
  while (request != nullptr) {
    IoRequest* const following = std::exchange(request->state.next_queued, nullptr);
    --parked_;
    next_step(*request);
    request = following;
  }
}

void FileQueue::scanned(IoRequest& request) noexcept {
  FileQueue& queue = *static_cast<FileQueue*>(request.state.queue);
  // Signalled under the mutex: after it the queue may be gone.
  const std::lock_guard lock(queue.scanned_mutex_);
  request.state.next_queued = std::exchange(queue.scanned_, &request);
  RangeGuard::signal(queue.lane_);
}

void FileQueue::take_scanned() noexcept {
  if (scanning_ == 0) return;
  IoRequest* request = nullptr;
  {
    const std::lock_guard lock(scanned_mutex_);
    request = std::exchange(scanned_, nullptr);
  }
  while (request != nullptr) {
    IoRequest* const following = std::exchange(request->state.next_queued, nullptr);
    --scanning_;
    finish(*request, request->state.error);
    request = following;
  }
}

}  // namespace strata::device
