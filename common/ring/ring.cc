#include "common/ring/ring.h"

#include <fmt/format.h>
#include <liburing.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "common/base/unique_fd.h"
#include "common/ring/command.h"

namespace strata::ring {
namespace {

// Completions with this user data are the ring's own (cancellations) and have nobody to tell.
constexpr uint64_t kNobody = 0;
constexpr unsigned kCompletionsPerBatch = 64;
// Batches that one turn runs before the caller gets to its other work.
constexpr unsigned kBatchesPerTurn = 64;

// An entry holds 32 bits of length. More than a system call would move becomes a short transfer,
// which every caller handles anyway.
unsigned transfer_length(size_t bytes) noexcept {
  constexpr size_t kMost = 0x7ffff000;  // MAX_RW_COUNT of the kernel
  return static_cast<unsigned>(std::min(bytes, kMost));
}

Error setup_error(int error_number) {
  std::string advice = "check that the kernel is 5.19 or newer";
  if (error_number == EPERM || error_number == EACCES) {
    advice =
        "io_uring is forbidden here: in a container allow it in the seccomp profile, on the host "
        "set the sysctl kernel.io_uring_disabled to 0";
  } else if (error_number == ENOMEM) {
    advice = "raise the locked-memory limit (ulimit -l)";
  } else if (error_number == EMFILE || error_number == ENFILE) {
    advice = "raise the open-files limit (ulimit -n)";
  }
  return Error(Code::kUnsupported,
               fmt::format("cannot set up io_uring: {}; {}",
                           std::generic_category().message(error_number), advice));
}

}  // namespace

// An entry for an operation that is not a member of Ring.
inline io_uring_sqe* entry_of(Ring& ring, Operation& op) noexcept;

struct Ring::Impl {
  io_uring uring{};
  bool uring_ready = false;
  bool enabled = false;
  uint32_t in_flight = 0;
  UniqueFd wake_fd;
  uint64_t wake_value = 0;
  std::atomic<bool> wake_pending{false};
  Operation wake_op;
  bool wake_armed = false;
  TimerList timers;

  struct File {
    int fd = -1;
    uint32_t uses = 0;
  };
  // The kernel's tables, by slot; an empty buffer and a use of 0 are free slots.
  std::array<MutableBytes, kBuffersMax> buffers{};
  std::array<File, kFilesMax> files{};
  uint32_t buffers_end = 0;  // no slot from here on is used
  uint32_t files_end = 0;
  bool buffers_ready = false;
  bool files_ready = false;

  [[nodiscard]] int buffer_slot(const std::byte* data, size_t bytes) const noexcept {
    const auto begin = reinterpret_cast<uintptr_t>(data);
    for (uint32_t i = 0; i < buffers_end; ++i) {
      const auto base = reinterpret_cast<uintptr_t>(buffers[i].data());
      if (begin >= base && begin + bytes <= base + buffers[i].size()) return static_cast<int>(i);
    }
    return -1;
  }
  [[nodiscard]] int file_slot(int fd) const noexcept {
    for (uint32_t i = 0; i < files_end; ++i) {
      if (files[i].uses > 0 && files[i].fd == fd) return static_cast<int>(i);
    }
    return -1;
  }
  // Makes the entry name the file by its slot, if it has one.
  void use_file(io_uring_sqe* entry, int fd) const noexcept {
    const int slot = file_slot(fd);
    if (slot < 0) return;
    entry->fd = slot;
    entry->flags |= IOSQE_FIXED_FILE;
  }

  static io_uring_sqe* take_entry(Ring& ring, Operation& op) noexcept {
    return ring.next_entry(op);
  }
  friend io_uring_sqe* entry_of(Ring& ring, Operation& op) noexcept { return take_entry(ring, op); }

  ~Impl() {
    if (uring_ready) io_uring_queue_exit(&uring);
  }
};

Ring::Ring(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Ring::~Ring() = default;

Result<std::unique_ptr<Ring>> Ring::create(RingOptions options) {
  auto impl = std::make_unique<Impl>();
  impl->wake_fd = UniqueFd(eventfd(0, EFD_CLOEXEC));
  if (!impl->wake_fd.valid()) return errno_error(errno, "eventfd");
  // The newest flags first; older kernels (before 6.1, before 6.0) get what they know.
  const std::array<unsigned, 3> flag_sets = {
      IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
      IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN, IORING_SETUP_COOP_TASKRUN};
  int error = 0;
  for (const unsigned flags : flag_sets) {
    io_uring_params params{};
    params.flags = flags | IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL;
    params.cq_entries = options.entries * 4;
    error = -io_uring_queue_init_params(options.entries, &impl->uring, &params);
    if (error != EINVAL) break;
  }
  if (error != 0) return setup_error(error);
  impl->uring_ready = true;
  return std::unique_ptr<Ring>(new Ring(std::move(impl)));
}

io_uring_sqe* Ring::next_entry(Operation& op) noexcept {
  CHECK(op.complete != nullptr);
  io_uring_sqe* entry = io_uring_get_sqe(&impl_->uring);
  while (entry == nullptr) {
    CHECK(impl_->enabled, "more operations than ring entries before the ring runs");
    const int submitted = io_uring_submit(&impl_->uring);
    CHECK(submitted >= 0 || submitted == -EINTR || submitted == -EBUSY || submitted == -EAGAIN,
          "io_uring_submit failed");
    entry = io_uring_get_sqe(&impl_->uring);
  }
  ++impl_->in_flight;
  return entry;
}

void Ring::accept(Operation& op, int listener) noexcept {
  io_uring_sqe* entry = next_entry(op);
  io_uring_prep_accept(entry, listener, nullptr, nullptr, SOCK_CLOEXEC);
  io_uring_sqe_set_data(entry, &op);
}

void Ring::receive(Operation& op, int fd, MutableBytes into, int flags) noexcept {
  io_uring_sqe* entry = next_entry(op);
  io_uring_prep_recv(entry, fd, into.data(), transfer_length(into.size()), flags);
  io_uring_sqe_set_data(entry, &op);
}

void Ring::send(Operation& op, int fd, Bytes from, int flags) noexcept {
  io_uring_sqe* entry = next_entry(op);
  io_uring_prep_send(entry, fd, from.data(), transfer_length(from.size()), flags | MSG_NOSIGNAL);
  io_uring_sqe_set_data(entry, &op);
}

void Ring::send_message(Operation& op, int fd, const msghdr* message, int flags) noexcept {
  io_uring_sqe* entry = next_entry(op);
  io_uring_prep_sendmsg(entry, fd, message, static_cast<unsigned>(flags | MSG_NOSIGNAL));
  io_uring_sqe_set_data(entry, &op);
}

void Ring::read(Operation& op, int fd, MutableBytes into, uint64_t offset) noexcept {
  io_uring_sqe* entry = next_entry(op);
  const unsigned length = transfer_length(into.size());
  const int slot = impl_->buffer_slot(into.data(), into.size());
  if (slot >= 0) {
    io_uring_prep_read_fixed(entry, fd, into.data(), length, offset, slot);
  } else {
    io_uring_prep_read(entry, fd, into.data(), length, offset);
  }
  impl_->use_file(entry, fd);
  io_uring_sqe_set_data(entry, &op);
}

void Ring::write(Operation& op, int fd, Bytes from, uint64_t offset, int rw_flags) noexcept {
  io_uring_sqe* entry = next_entry(op);
  const unsigned length = transfer_length(from.size());
  const int slot = impl_->buffer_slot(from.data(), from.size());
  if (slot >= 0) {
    io_uring_prep_write_fixed(entry, fd, from.data(), length, offset, slot);
  } else {
    io_uring_prep_write(entry, fd, from.data(), length, offset);
  }
  entry->rw_flags = rw_flags;
  impl_->use_file(entry, fd);
  io_uring_sqe_set_data(entry, &op);
}

void Ring::read_registered(Operation& op, int fd, BufferPlace into, uint64_t bytes,
                           uint64_t offset) noexcept {
  io_uring_sqe* entry = next_entry(op);
  io_uring_prep_rw(IORING_OP_READ_FIXED, entry, fd, nullptr, transfer_length(bytes), offset);
  entry->addr = into.address;
  entry->buf_index = static_cast<uint16_t>(into.index);
  impl_->use_file(entry, fd);
  io_uring_sqe_set_data(entry, &op);
}

void Ring::write_registered(Operation& op, int fd, BufferPlace from, uint64_t bytes,
                            uint64_t offset, int rw_flags) noexcept {
  io_uring_sqe* entry = next_entry(op);
  io_uring_prep_rw(IORING_OP_WRITE_FIXED, entry, fd, nullptr, transfer_length(bytes), offset);
  entry->addr = from.address;
  entry->buf_index = static_cast<uint16_t>(from.index);
  entry->rw_flags = rw_flags;
  impl_->use_file(entry, fd);
  io_uring_sqe_set_data(entry, &op);
}

void Ring::read_vector(Operation& op, int fd, const iovec* parts, uint32_t count,
                       uint64_t offset) noexcept {
  io_uring_sqe* entry = next_entry(op);
  io_uring_prep_readv(entry, fd, parts, count, offset);
  io_uring_sqe_set_data(entry, &op);
}

void Ring::write_vector(Operation& op, int fd, const iovec* parts, uint32_t count, uint64_t offset,
                        int rw_flags) noexcept {
  io_uring_sqe* entry = next_entry(op);
  io_uring_prep_writev2(entry, fd, parts, count, offset, rw_flags);
  io_uring_sqe_set_data(entry, &op);
}

void Ring::sync(Operation& op, int fd, bool data_only) noexcept {
  io_uring_sqe* entry = next_entry(op);
  io_uring_prep_fsync(entry, fd, data_only ? IORING_FSYNC_DATASYNC : 0);
  impl_->use_file(entry, fd);
  io_uring_sqe_set_data(entry, &op);
}

void Ring::allocate(Operation& op, int fd, int mode, uint64_t offset, uint64_t length) noexcept {
  io_uring_sqe* entry = next_entry(op);
  io_uring_prep_fallocate(entry, fd, mode, static_cast<off_t>(offset), static_cast<off_t>(length));
  io_uring_sqe_set_data(entry, &op);
}

void Ring::poll(Operation& op, int fd, uint32_t events) noexcept {
  io_uring_sqe* entry = next_entry(op);
  io_uring_prep_poll_add(entry, fd, events);
  io_uring_sqe_set_data(entry, &op);
}

void send_command(Ring& ring, Operation& op, int fd, uint32_t number, Bytes bytes,
                  uint64_t address) noexcept {
  CHECK(bytes.size() <= kCommandBytesMax);
  io_uring_sqe* entry = entry_of(ring, op);
  io_uring_prep_rw(IORING_OP_URING_CMD, entry, fd, nullptr, 0, 0);
  entry->off = number;  // its lower half is the command's number
  entry->addr = address;
  // Where the bytes of a command lie in an entry of 64.
  auto* const area = reinterpret_cast<std::byte*>(entry) + sizeof *entry - kCommandBytesMax;
  std::memset(area, 0, kCommandBytesMax);
  std::memcpy(area, bytes.data(), bytes.size());
  io_uring_sqe_set_data(entry, &op);
}

void Ring::cancel(Operation& target) noexcept {
  Operation nobody{[](Operation&, int32_t) noexcept {}};
  io_uring_sqe* entry = next_entry(nobody);
  --impl_->in_flight;
  io_uring_prep_cancel(entry, &target, 0);
  io_uring_sqe_set_data64(entry, kNobody);
}

Result<uint32_t> Ring::make_room_for_drivers(uint32_t count) noexcept {
  Impl& impl = *impl_;
  CHECK(!impl.buffers_ready && count <= UINT16_MAX - kBuffersMax);
  const int made = io_uring_register_buffers_sparse(&impl.uring, kBuffersMax + count);
  if (made < 0) return errno_error(-made, "registering a table of buffers");
  impl.buffers_ready = true;
  return kBuffersMax;
}

Status Ring::register_buffer(MutableBytes memory) noexcept {
  Impl& impl = *impl_;
  if (!impl.buffers_ready) {
    TRY(make_room_for_drivers(0));
  }
  const auto slot = std::find_if(impl.buffers.begin(), impl.buffers.end(),
                                 [](const MutableBytes& one) { return one.empty(); });
  if (slot == impl.buffers.end()) {
    return Error(Code::kBusy, "the ring has as many registered buffers as it may");
  }
  const auto index = static_cast<unsigned>(slot - impl.buffers.begin());
  const iovec part{memory.data(), memory.size()};
  constexpr __u64 kNoTag = 0;
  const int done = io_uring_register_buffers_update_tag(&impl.uring, index, &part, &kNoTag, 1);
  if (done < 0) return errno_error(-done, "registering a buffer");
  *slot = memory;
  impl.buffers_end = std::max(impl.buffers_end, index + 1);
  return {};
}

void Ring::unregister_buffer(const std::byte* memory) noexcept {
  Impl& impl = *impl_;
  for (uint32_t i = 0; i < impl.buffers_end; ++i) {
    if (impl.buffers[i].data() != memory) continue;
    impl.buffers[i] = {};
    constexpr iovec kNothing{};
    constexpr __u64 kNoTag = 0;
    // Should it fail, the pages stay pinned until the ring is gone, and nobody names the slot.
    (void)io_uring_register_buffers_update_tag(&impl.uring, i, &kNothing, &kNoTag, 1);
  }
}

Status Ring::register_file(int fd) noexcept {
  Impl& impl = *impl_;
  if (const int known = impl.file_slot(fd); known >= 0) {
    ++impl.files[static_cast<size_t>(known)].uses;
    return {};
  }
  if (!impl.files_ready) {
    const int made = io_uring_register_files_sparse(&impl.uring, kFilesMax);
    if (made < 0) return errno_error(-made, "registering a table of files");
    impl.files_ready = true;
  }
  const auto slot = std::find_if(impl.files.begin(), impl.files.end(),
                                 [](const Impl::File& one) { return one.uses == 0; });
  if (slot == impl.files.end()) {
    return Error(Code::kBusy, "the ring has as many registered files as it may");
  }
  const auto index = static_cast<unsigned>(slot - impl.files.begin());
  const int done = io_uring_register_files_update(&impl.uring, index, &fd, 1);
  if (done < 0) return errno_error(-done, "registering a file");
  *slot = {fd, 1};
  impl.files_end = std::max(impl.files_end, index + 1);
  return {};
}

void Ring::unregister_file(int fd) noexcept {
  Impl& impl = *impl_;
  const int slot = impl.file_slot(fd);
  if (slot < 0 || --impl.files[static_cast<size_t>(slot)].uses > 0) return;
  constexpr int kNone = -1;
  (void)io_uring_register_files_update(&impl.uring, static_cast<unsigned>(slot), &kNone, 1);
}

void Ring::set_timer(Timer& timer, SteadyTime due) {
  impl_->timers.set(timer, due);
}

void Ring::clear_timer(Timer& timer) noexcept {
  impl_->timers.clear(timer);
}

void Ring::submit() noexcept {
  // What the kernel does not take now stays queued for run_once.
  if (impl_->enabled && io_uring_sq_ready(&impl_->uring) > 0) (void)io_uring_submit(&impl_->uring);
}

Status Ring::run_once(Deadline until) noexcept {
  Impl& impl = *impl_;
  if (!impl.timers.empty()) until = until.earlier(Deadline::at(impl.timers.next_due()));
  if (!impl.enabled) {
    // Enabling binds a SINGLE_ISSUER ring to this thread.
    // The call itself: liburing 2.3 declares io_uring_enable_rings and does not export it.
    if (syscall(SYS_io_uring_register, impl.uring.ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr,
                0) != 0) {
      return errno_error(errno, "enabling the io_uring");
    }
    impl.enabled = true;
    impl.wake_op.complete = [](Operation&, int32_t) noexcept {};
  }
  if (!impl.wake_armed) {
    read(impl.wake_op, impl.wake_fd.get(),
         {reinterpret_cast<std::byte*>(&impl.wake_value), sizeof impl.wake_value}, 0);
    --impl.in_flight;
    impl.wake_armed = true;
  }
  __kernel_timespec wait{};
  if (!until.is_never()) {
    // Compared before subtracting: a deadline far in the past must not wrap.
    const SteadyTime now = std::chrono::steady_clock::now();
    if (until.when() > now) {
      const Duration left = until.when() - now;
      wait.tv_sec = left.count() / 1'000'000'000;
      wait.tv_nsec = left.count() % 1'000'000'000;
    }
  }
  io_uring_cqe* first = nullptr;
  const int result = io_uring_submit_and_wait_timeout(&impl.uring, &first, 1,
                                                      until.is_never() ? nullptr : &wait, nullptr);
  if (result < 0 && result != -ETIME && result != -EINTR && result != -EBUSY && result != -EAGAIN) {
    return errno_error(-result, "io_uring_enter");
  }
  std::array<io_uring_cqe*, kCompletionsPerBatch> batch{};
  for (unsigned turn = 0; turn < kBatchesPerTurn; ++turn) {
    const unsigned count = io_uring_peek_batch_cqe(&impl.uring, batch.data(), kCompletionsPerBatch);
    if (count == 0) break;
    for (unsigned i = 0; i < count; ++i) {
      auto* op = static_cast<Operation*>(io_uring_cqe_get_data(batch[i]));
      const int32_t outcome = batch[i]->res;
      if (op == &impl.wake_op) {
        impl.wake_armed = false;
        // Reads what the wakes of this turn wrote: one that finds it pending still does not ring
        // again, and whoever called it counts on being looked at after this.
        (void)impl.wake_pending.exchange(false, std::memory_order_acq_rel);
      } else if (op != nullptr) {
        --impl.in_flight;
        op->complete(*op, outcome);
      }
    }
    io_uring_cq_advance(&impl.uring, count);
  }
  if (!impl.timers.empty()) impl.timers.fire_due(std::chrono::steady_clock::now());
  return {};
}

void Ring::wake() noexcept {
  if (impl_->wake_pending.exchange(true, std::memory_order_acq_rel)) return;
  const uint64_t one = 1;
  // The counter cannot overflow: one write per armed read.
  const ssize_t written = ::write(impl_->wake_fd.get(), &one, sizeof one);
  CHECK(written == sizeof one, "eventfd write failed");
}

uint32_t Ring::in_flight() const noexcept {
  return impl_->in_flight;
}

}  // namespace strata::ring
