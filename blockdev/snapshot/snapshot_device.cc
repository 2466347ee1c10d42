#include "blockdev/snapshot/snapshot_device.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/base/check.h"
#include "common/base/log.h"

namespace strata::snapshot {

using device::IoRequest;
using device::Op;

// Requests of one ring.
class SnapshotQueue final : public device::BlockQueue {
 public:
  SnapshotQueue(SnapshotDevice& device, ring::Ring& ring) : device_(device), ring_(ring) {
    wakeup_.queue = this;
    wakeup_.complete = [](ring::Operation& op, int32_t) noexcept {
      SnapshotQueue& queue = *static_cast<Wakeup&>(op).queue;
      queue.wakeup_armed_ = false;
      queue.run_granted();
    };
  }
  ~SnapshotQueue() override {
    CHECK(under_way_ == 0 && !wakeup_armed_,
          "a block queue was destroyed before its requests completed");
  }
  SnapshotQueue(const SnapshotQueue&) = delete;
  SnapshotQueue& operator=(const SnapshotQueue&) = delete;

  [[nodiscard]] Status start() {
    lane_.signal = UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!lane_.signal.valid()) return errno_error(errno, "eventfd for a block queue");
    return {};
  }

  void submit(IoRequest& request) noexcept override {
    request.state = device::DeviceState{};
    switch (request.op) {
      case Op::kFlush:
        return request.complete(request, 0);
      case Op::kRead:
        break;
      case Op::kBlockStatus:
        device_.tell_status(request);
        return request.complete(request, 0);
      case Op::kWrite:
      case Op::kTrim:
      case Op::kWriteZeroes:
        return request.complete(request, -EPERM);
      default:
        return request.complete(request, -EOPNOTSUPP);
    }
    request.length = request.buffer.size();
    if (device_.read(request, lane_)) return request.complete(request, 0);
    ++under_way_;
    arm_wakeup();
  }

 private:
  struct Wakeup : ring::Operation {
    SnapshotQueue* queue = nullptr;
  };

  void arm_wakeup() noexcept {
    if (wakeup_armed_) return;
    wakeup_armed_ = true;
    ring_.poll(wakeup_, lane_.signal.get(), POLLIN);
  }

  void run_granted() noexcept {
    uint64_t count = 0;
    (void)!::read(lane_.signal.get(), &count, sizeof count);
    IoRequest* request = nullptr;
    {
      const std::lock_guard lock(device_.mutex_);
      request = std::exchange(lane_.granted, nullptr);
    }
    while (request != nullptr) {
      IoRequest* const following = std::exchange(request->state.next_queued, nullptr);
      --under_way_;
      request->complete(*request, -static_cast<int32_t>(request->state.attempts));
      request = following;
    }
    if (under_way_ > 0) arm_wakeup();
  }

  SnapshotDevice& device_;
  ring::Ring& ring_;
  SnapshotDevice::Lane lane_;
  uint32_t under_way_ = 0;
  bool wakeup_armed_ = false;
  Wakeup wakeup_;
};

SnapshotDevice::~SnapshotDevice() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return waiting_.empty(); });
}

Result<std::unique_ptr<device::BlockQueue>> SnapshotDevice::open_queue(ring::Ring& ring) {
  auto queue = std::make_unique<SnapshotQueue>(*this, ring);
  TRY(queue->start());
  return std::unique_ptr<device::BlockQueue>(std::move(queue));
}

const ChunkBuffer* SnapshotDevice::kept(uint64_t chunk) {
  const auto found =
      std::find_if(kept_.begin(), kept_.end(), [&](const auto& one) { return one.first == chunk; });
  if (found == kept_.end()) return nullptr;
  kept_.splice(kept_.begin(), kept_, found);
  return &found->second;
}

void SnapshotDevice::keep(uint64_t chunk, ChunkBuffer bytes) {
  kept_.emplace_front(chunk, std::move(bytes));
  if (kept_.size() > kKeptChunks) kept_.pop_back();
}

void SnapshotDevice::fill(IoRequest& request, uint64_t chunk, Bytes bytes) const {
  const uint64_t start = std::max(request.offset, chunk * chunks::kChunkBytes);
  const uint64_t end = std::min(request.offset + request.length, (chunk + 1) * chunks::kChunkBytes);
  std::byte* const to = request.buffer.data() + (start - request.offset);
  if (bytes.empty()) {
    std::memset(to, 0, end - start);
  } else {
    std::memcpy(to, bytes.data() + (start - chunk * chunks::kChunkBytes), end - start);
  }
}

void SnapshotDevice::tell_status(IoRequest& request) const {
  const uint64_t end = request.offset + request.length;
  for (uint64_t at = request.offset; at < end;) {
    const uint64_t chunk = at / chunks::kChunkBytes;
    const uint64_t next = std::min(end, (chunk + 1) * chunks::kChunkBytes);
    const bool zero = manifest_.find(chunk) == nullptr;
    device::Extent* last =
        request.extent_count == 0 ? nullptr : &request.extents[request.extent_count - 1];
    if (last != nullptr && last->zero == zero) {
      last->length += next - at;
    } else {
      if (request.extent_count == request.extents.size()) return;
      request.extents[request.extent_count++] = {.length = next - at, .hole = zero, .zero = zero};
    }
    at = next;
  }
}

// state.piece counts the chunks that the request still waits for.
bool SnapshotDevice::read(IoRequest& request, Lane& lane) {
  request.state.lane = &lane;
  std::vector<std::pair<uint64_t, const chunks::ChunkId*>> to_fetch;
  {
    const std::lock_guard lock(mutex_);
    if (request.length == 0) return true;
    const uint64_t last = (request.offset + request.length - 1) / chunks::kChunkBytes;
    for (uint64_t chunk = request.offset / chunks::kChunkBytes; chunk <= last; ++chunk) {
      const chunks::ChunkId* id = manifest_.find(chunk);
      const ChunkBuffer* bytes = id == nullptr ? nullptr : kept(chunk);
      if (id == nullptr || bytes != nullptr) {
        fill(request, chunk, bytes == nullptr ? Bytes() : bytes->bytes());
        continue;
      }
      auto& waiters = waiting_[chunk];
      if (waiters.empty()) to_fetch.emplace_back(chunk, id);
      waiters.push_back(&request);
      ++request.state.piece;
    }
    if (request.state.piece == 0) return true;
  }
  for (const auto& [chunk, id] : to_fetch) {
    fetcher_.fetch(
        *id, [this, at = chunk](Result<ChunkBuffer> bytes) { fetched(at, std::move(bytes)); });
  }
  return false;
}

void SnapshotDevice::fetched(uint64_t chunk, Result<ChunkBuffer> bytes) {
  if (!bytes.ok()) {
    log::error(
        "snapshot.read_failed",
        {{"snapshot", manifest_.name}, {"chunk", chunk}, {"error", bytes.error().to_string()}});
  }
  const std::lock_guard lock(mutex_);
  for (IoRequest* request : waiting_[chunk]) {
    if (bytes.ok()) {
      fill(*request, chunk, bytes->bytes());
    } else {
      request->state.attempts = EIO;
    }
    if (--request->state.piece == 0) give(*request);
  }
  waiting_.erase(chunk);
  if (bytes.ok()) keep(chunk, std::move(*bytes));
  // Under the mutex: whoever waits for the last one may end this right after.
  idle_.notify_all();
}

void SnapshotDevice::give(IoRequest& request) {
  Lane& lane = *static_cast<Lane*>(request.state.lane);
  request.state.next_queued = std::exchange(lane.granted, &request);
  const uint64_t one = 1;
  (void)!::write(lane.signal.get(), &one, sizeof one);
}

}  // namespace strata::snapshot
