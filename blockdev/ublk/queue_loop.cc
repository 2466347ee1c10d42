#include "blockdev/ublk/queue_loop.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/base/check.h"
#include "common/base/log.h"

namespace strata::ublk {
namespace {

constexpr uint32_t kRingEntries = 512;
constexpr Deadline kPast = Deadline::at(SteadyTime::min());
// An idle queue gives its buffers back if they are worth it.
constexpr uint64_t kWorthBytes = 4 * kMiB;
// So many in a row are refused by the disk, not by how a request happens to lie in its pages.
constexpr uint32_t kRefusalsMax = 64;

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

// The kernel may need this very disk to free memory: what this thread allocates must not wait for
// that. Threads that io_uring makes for it inherit it.
void become_flusher(uint32_t device) {
  static std::atomic<bool> told{false};
  if (prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0) == 0 || told.exchange(true)) return;
  log::warning("ublk.no_io_flusher",
               {{"device", device},
                {"advice",
                 "give the server CAP_SYS_RESOURCE (root has it), or a host that is short "
                 "of memory may stand still"}});
}

}  // namespace

Result<std::unique_ptr<QueueLoop>> QueueLoop::start(std::unique_ptr<QueueChannel> channel,
                                                    const DeviceInfo& info,
                                                    device::BlockDevice& disk,
                                                    Instruments& instruments, Duration idle_time) {
  TRY_ASSIGN(auto ring, ring::Ring::create({.entries = kRingEntries}));
  std::unique_ptr<QueueLoop> self(
      new QueueLoop(std::move(channel), info, disk, instruments, idle_time, std::move(ring)));
  TRY(self->make_slots());
  std::promise<Status> ready;
  std::future<Status> begun = ready.get_future();
  self->thread_ = std::thread(
      [loop = self.get(), promise = std::move(ready)]() mutable { loop->run(std::move(promise)); });
  TRY(begun.get());
  return self;
}

QueueLoop::QueueLoop(std::unique_ptr<QueueChannel> channel, const DeviceInfo& info,
                     device::BlockDevice& disk, Instruments& instruments, Duration idle_time,
                     std::unique_ptr<ring::Ring> ring)
    : ring_(std::move(ring)),
      channel_(std::move(channel)),
      disk_(disk),
      instruments_(instruments),
      user_copy_((info.flags & kUserCopy) != 0),
      auto_buffers_((info.flags & kAutoBuffers) != 0),
      gives_back_((info.flags & (kUserCopy | kIoctlEncode)) != 0),
      idle_time_(idle_time),
      device_(info.device),
      limits_{.device_bytes = disk.geometry().size_bytes,
              .request_bytes_max = info.request_bytes_max,
              .capabilities = disk.capabilities()},
      slots_(info.depth) {
  // What cannot go by its buffer needs a way too.
  if (auto_buffers_ && user_copy_)
    registered_alignment_ = limits_.capabilities.registered_alignment;
}

Status QueueLoop::make_slots() {
  void* const memory = mmap(nullptr, memory_bytes(), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return errno_error(errno, "buffers of a ublk device");
  memory_ = static_cast<std::byte*>(memory);
  for (size_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    slot.loop = this;
    slot.tag = static_cast<uint16_t>(i);
    slot.data.memory = memory_ + i * limits_.request_bytes_max;
    slot.arrived.slot = &slot;
    slot.arrived.complete = [](ring::Operation& op, int32_t result) noexcept {
      Slot& here = *static_cast<Arrived&>(op).slot;
      here.loop->arrived(here, result);
    };
    slot.complete = [](device::IoRequest& request, int32_t error) noexcept {
      auto& here = static_cast<Slot&>(request);
      here.loop->completed(here, error);
    };
  }
  return {};
}

QueueLoop::~QueueLoop() {
  request_stop();
  if (thread_.joinable()) thread_.join();
  // The kernel gives up the offers with the ring; only then may the device be closed.
  ring_.reset();
  if (memory_ != nullptr) munmap(memory_, memory_bytes());
}

void QueueLoop::request_stop() noexcept {
  stop_.store(true, std::memory_order_release);
  ring_->wake();
}

void QueueLoop::run(std::promise<Status> ready) {
  become_flusher(device_);
  Status begun = offer_all();
  const bool serves = begun.ok();
  ready.set_value(std::move(begun));
  while (serves) {
    const bool stopping = stop_.load(std::memory_order_acquire);
    if (in_device_ == 0 && (stopping || offered_ == 0)) break;
    const bool may_rest = gives_back_ && in_device_ == 0 && used_bytes_ >= kWorthBytes;
    if (!may_rest) {
      turn(Deadline::never());
      continue;
    }
    const Deadline rest = Deadline::after(idle_time_);
    quiet_ = true;
    turn(rest);
    if (quiet_ && in_device_ == 0 && rest.passed(std::chrono::steady_clock::now()))
      give_memory_back();
  }
  if (serves) turn(kPast);  // sends the last answers
  block_.reset();
}

Status QueueLoop::offer_all() {
  // The ring and the tags are this thread's from now on.
  TRY(ring_->run_once(kPast));
  if (auto_buffers_) {
    TRY_ASSIGN(const uint32_t first,
               ring_->make_room_for_drivers(static_cast<uint32_t>(slots_.size())));
    for (Slot& slot : slots_) slot.data.buffer = first + slot.tag;
  }
  TRY_ASSIGN(block_, disk_.open_queue(*ring_));
  for (Slot& slot : slots_) {
    ++offered_;
    channel_->fetch(*ring_, slot.arrived, slot.tag, slot.data);
  }
  // What the kernel refuses it refuses at once.
  TRY(ring_->run_once(kPast));
  if (refused_ == 0) return {};
  return errno_error(-refused_, fmt::format("offering requests to /dev/ublkb{}", device_));
}

void QueueLoop::turn(Deadline until) {
  const Status done = ring_->run_once(until);
  CHECK(done.ok(), done.ok() ? std::string() : done.error().message);
}

void QueueLoop::arrived(Slot& slot, int32_t result) noexcept {
  --offered_;
  quiet_ = false;
  if (result == 0) {
    // Who is stopping leaves it to the next server, which is asked again.
    if (!stop_.load(std::memory_order_relaxed)) begin(slot);
    return;
  }
  const bool first = refused_ == 0;
  refused_ = result < 0 ? result : -EPROTO;
  if (refused_ == -ENODEV || !first) return;  // taken back, or told
  log::error("ublk.offer_refused", {{"device", device_},
                                    {"tag", uint64_t{slot.tag}},
                                    {"error", errno_error(-refused_, "the kernel").message}});
}

void QueueLoop::begin(Slot& slot) noexcept {
  slot.started = std::chrono::steady_clock::now();
  const IoDescriptor descriptor = channel_->descriptor(slot.tag);
  Verdict verdict = judge(descriptor, limits_, slot);
  if (verdict.past_end) {
    // It may have grown.
    limits_.device_bytes = disk_.geometry().size_bytes;
    verdict = judge(descriptor, limits_, slot);
  }
  if (verdict.error != 0) {
    instruments_.refused_requests.add();
    return answer(slot, verdict.error);
  }
  const bool fua = (descriptor.op_flags & kFlagFua) != 0;
  if (fua) instruments_.fua_requests.add();
  slot.asked = slot.op;
  slot.flush_after = fua && !slot.fua && slot.op != device::Op::kFlush;
  slot.buffer = {};
  slot.registered = {};
  slot.data_bytes = 0;
  if (slot.op == device::Op::kRead || slot.op == device::Op::kWrite) {
    slot.data_bytes = static_cast<uint32_t>(slot.length);
    return move_data(slot, (descriptor.op_flags & kFlagNoBuffer) != 0);
  }
  submit(slot);
}

void QueueLoop::move_data(Slot& slot, bool no_buffer) noexcept {
  const bool fits = registered_alignment_ != 0 && !no_buffer &&
                    (slot.offset | slot.length) % registered_alignment_ == 0;
  if (!fits) return copy(slot);
  slot.registered.index = slot.data.buffer;
  submit(slot);
}

// By way of the slot's buffer.
void QueueLoop::copy(Slot& slot) noexcept {
  slot.registered = {};
  slot.length = slot.data_bytes;
  slot.buffer = {slot.data.memory, slot.length};
  used_bytes_ += slot.length;
  if (user_copy_ && slot.op == device::Op::kWrite) {
    const int32_t error = channel_->copy_in(slot.tag, slot.buffer);
    if (error != 0) return answer(slot, error);
  }
  submit(slot);
}

// Whether the disk wants the request's bytes after all.
bool QueueLoop::refused_registered(Slot& slot, int32_t error) noexcept {
  if (!slot.registered.exists()) return false;
  if (error != -EINVAL) {
    instruments_.zero_copy_requests.add();
    refusals_ = 0;
    return false;
  }
  if (++refusals_ == kRefusalsMax) {
    registered_alignment_ = 0;
    log::warning("ublk.zero_copy_refused",
                 {{"device", device_},
                  {"advice", "the volume's disk takes no pages of the kernel's; data is copied"}});
  }
  return true;
}

void QueueLoop::submit(Slot& slot) noexcept {
  ++in_device_;
  block_->submit(slot);
}

void QueueLoop::completed(Slot& slot, int32_t error) noexcept {
  --in_device_;
  if (refused_registered(slot, error)) return copy(slot);
  if (error == 0 && user_copy_ && slot.op == device::Op::kRead && !slot.registered.exists()) {
    error = channel_->copy_out(slot.tag, slot.buffer);
  }
  if (error == 0 && std::exchange(slot.flush_after, false)) {
    slot.op = device::Op::kFlush;
    slot.buffer = {};
    slot.registered = {};
    slot.offset = 0;
    slot.length = 0;
    return submit(slot);
  }
  count(slot, error);
  answer(slot, error);
}

void QueueLoop::count(const Slot& slot, int32_t error) noexcept {
  const device::WireInstruments::OfOp& op = instruments_.of(slot.asked);
  op.requests->add();
  op.seconds->observe(std::chrono::steady_clock::now() - slot.started);
  if (error != 0) return op.errors->add();
  if (slot.asked == device::Op::kRead) instruments_.read_bytes.add(slot.data_bytes);
  if (slot.asked == device::Op::kWrite) instruments_.written_bytes.add(slot.data_bytes);
}

void QueueLoop::answer(Slot& slot, int32_t error) noexcept {
  // For requests without data the kernel asks only whether it is an error.
  const int32_t result =
      error == 0 ? static_cast<int32_t>(slot.data_bytes) : answer_of_error(error);
  ++offered_;
  quiet_ = false;
  channel_->commit_and_fetch(*ring_, slot.arrived, slot.tag, result, slot.data);
}

void QueueLoop::give_memory_back() noexcept {
  used_bytes_ = 0;
  // Failing costs memory and nothing else.
  (void)madvise(memory_, memory_bytes(), MADV_DONTNEED);
}

}  // namespace strata::ublk
