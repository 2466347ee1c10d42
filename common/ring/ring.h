// One io_uring and the operations in flight on it. liburing stays behind this file.
//
// Thread rule: a Ring belongs to the thread that first calls run_once; every method is called on
// that thread, except wake(), which any thread may call. Operations queued before the first
// run_once are allowed from the creating thread while no other thread touches the ring.
//
// Life of an Operation: its owner keeps it, and every buffer given with it, alive and unmoved from
// the call that starts it until `complete` has been called for it, exactly once. A cancelled
// operation completes too (with -ECANCELED, or with its result if it won the race).
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "common/base/bytes.h"
#include "common/base/deadline.h"
#include "common/base/result.h"
#include "common/ring/timer.h"

struct io_uring_sqe;

namespace strata::ring {

struct Operation {
  // result: what the system call would have returned, or -errno.
  using Complete = void (*)(Operation& self, int32_t result) noexcept;
  Complete complete = nullptr;
};

// A place in a buffer of the ring's table: its index, and the address there. In a buffer that a
// driver registered, addresses begin at 0.
struct BufferPlace {
  uint32_t index = 0;
  uint64_t address = 0;
};

struct RingOptions {
  // Submission entries; the completion queue is four times that. More operations than this may be
  // in flight: the ring submits when its queue is full.
  uint32_t entries = 256;
};

class Ring {
 public:
  // kUnsupported with what to do when the kernel or a container profile forbids io_uring.
  [[nodiscard]] static Result<std::unique_ptr<Ring>> create(RingOptions options);
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  void accept(Operation& op, int listener) noexcept;  // result: the new descriptor (CLOEXEC)
  void receive(Operation& op, int fd, MutableBytes into, int flags = 0) noexcept;
  void send(Operation& op, int fd, Bytes from, int flags = 0) noexcept;
  // The message header must live as long as the operation.
  void send_message(Operation& op, int fd, const msghdr* message, int flags = 0) noexcept;
  void read(Operation& op, int fd, MutableBytes into, uint64_t offset) noexcept;
  // rw_flags: RWF_DSYNC for a write that is on stable media when it completes.
  void write(Operation& op, int fd, Bytes from, uint64_t offset, int rw_flags = 0) noexcept;
  void read_vector(Operation& op, int fd, const iovec* parts, uint32_t count,
                   uint64_t offset) noexcept;
  void write_vector(Operation& op, int fd, const iovec* parts, uint32_t count, uint64_t offset,
                    int rw_flags = 0) noexcept;
  // The same for bytes of the ring's table of buffers.
  void read_registered(Operation& op, int fd, BufferPlace into, uint64_t bytes,
                       uint64_t offset) noexcept;
  void write_registered(Operation& op, int fd, BufferPlace from, uint64_t bytes, uint64_t offset,
                        int rw_flags = 0) noexcept;
  void sync(Operation& op, int fd, bool data_only) noexcept;
  void allocate(Operation& op, int fd, int mode, uint64_t offset, uint64_t length) noexcept;
  void poll(Operation& op, int fd, uint32_t events) noexcept;  // result: the events that are true
  // Asks for the operation to end early; it still completes. Unknown or finished ones are ignored.
  void cancel(Operation& target) noexcept;

  // Memory that read() and write() use often: for a buffer inside it the kernel need not look up
  // and pin the pages each time. It stays where it is until it is unregistered, with no operation
  // under way in it. An error where the limit of locked memory (ulimit -l) or kBuffersMax is
  // reached; then everything works as without.
  [[nodiscard]] Status register_buffer(MutableBytes memory) noexcept;
  void unregister_buffer(const std::byte* memory) noexcept;
  // The same for a descriptor, which must not be closed before it is unregistered as often as it
  // was registered.
  [[nodiscard]] Status register_file(int fd) noexcept;
  void unregister_file(int fd) noexcept;
  static constexpr uint32_t kBuffersMax = 8;
  static constexpr uint32_t kFilesMax = 64;
  // Room for `count` buffers that a driver puts into the ring's table, at the index returned and
  // after it. Once, on the ring's thread, and before the first buffer is registered.
  [[nodiscard]] Result<uint32_t> make_room_for_drivers(uint32_t count) noexcept;

  // Fires once, in a turn of run_once after `due`; setting it again moves it. May be called from
  // inside a fire. No system call. Clearing one that is not set does nothing.
  void set_timer(Timer& timer, SteadyTime due);
  void clear_timer(Timer& timer) noexcept;

  // Gives the kernel what is queued, and waits for nothing: so that it begins while the caller
  // still prepares more. Without it run_once does. Before the first run_once it does nothing.
  void submit() noexcept;

  // Submits what is queued, waits until a completion, a wake, a timer or the deadline, and runs
  // every completion that is there and every timer that is due. With a deadline in the past it only
  // polls. Fails with kIo only when the ring itself is broken.
  [[nodiscard]] Status run_once(Deadline until) noexcept;

  // Ends a waiting run_once soon; what was written before is seen after it. Any thread; cheap.
  void wake() noexcept;

  // Operations started and not yet completed (the ring's own excluded).
  [[nodiscard]] uint32_t in_flight() const noexcept;

 private:
  struct Impl;
  explicit Ring(std::unique_ptr<Impl> impl);
  io_uring_sqe* next_entry(Operation& op) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::ring
