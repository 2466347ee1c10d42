// QueueLoop: one queue of a device: a thread, the requests that the kernel gives it, and the disk.
//
// Every tag is a slot, offered to the kernel whenever it does not hold a request. Answers and new
// offers are one command, and a turn of the loop sends all of them, and all requests to the disk,
// in one system call.
//
// The thread ends when the kernel has taken every tag back, or when it was asked to and the disk
// holds nothing; what the kernel gave it after that goes unanswered to the next server.
//
// Zero copy: the kernel has put a request's data into the ring's table of buffers, and the disk is
// given its place there. What the disk does not take so, by its alignment or because it answers
// EINVAL, is copied into the slot's buffer and asked again. A disk that refuses all is not tried
// any more.
//
// Memory: a buffer a slot, taken from the system when first used; an idle queue gives it back. The
// kernel must not have put anything there that was not seen yet, and must have taken all that is
// answered: with user copy it moves data only when told to, else only inside a turn, whose commands
// it works off there. So after a turn in which nothing came and nothing was answered it holds
// nothing. Kernels before 6.4 may do so at any time: there the memory is kept.
//
// Thread rule: start, request_stop and the destructor on one thread outside.
#pragma once

#include <atomic>
#include <cstdint>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "blockdev/device/block_device.h"
#include "blockdev/ublk/driver.h"
#include "blockdev/ublk/instruments.h"
#include "blockdev/ublk/request.h"
#include "common/base/deadline.h"
#include "common/ring/ring.h"

namespace strata::ublk {

class QueueLoop {
 public:
  // When it returns every tag is offered. disk and instruments outlive the loop. The device's info
  // has been checked. A queue that is idle for that time gives its memory back.
  [[nodiscard]] static Result<std::unique_ptr<QueueLoop>> start(
      std::unique_ptr<QueueChannel> channel, const DeviceInfo& info, device::BlockDevice& disk,
      Instruments& instruments, Duration idle_time);
  ~QueueLoop();
  QueueLoop(const QueueLoop&) = delete;
  QueueLoop& operator=(const QueueLoop&) = delete;

  // Takes no more requests; what is at the disk is answered.
  void request_stop() noexcept;

 private:
  struct Slot;
  struct Arrived : ring::Operation {
    Slot* slot = nullptr;
  };
  struct Slot : device::IoRequest {
    QueueLoop* loop = nullptr;
    Arrived arrived;
    TagData data;
    SteadyTime started;
    uint32_t data_bytes = 0;  // what a read or write is answered with
    uint16_t tag = 0;
    device::Op asked = device::Op::kRead;
    bool flush_after = false;
  };

  QueueLoop(std::unique_ptr<QueueChannel> channel, const DeviceInfo& info,
            device::BlockDevice& disk, Instruments& instruments, Duration idle_time,
            std::unique_ptr<ring::Ring> ring);
  [[nodiscard]] Status make_slots();
  void run(std::promise<Status> ready);
  [[nodiscard]] Status offer_all();
  void turn(Deadline until);
  void arrived(Slot& slot, int32_t result) noexcept;
  void begin(Slot& slot) noexcept;
  void move_data(Slot& slot, bool no_buffer) noexcept;
  void copy(Slot& slot) noexcept;
  void submit(Slot& slot) noexcept;
  [[nodiscard]] bool refused_registered(Slot& slot, int32_t error) noexcept;
  void completed(Slot& slot, int32_t error) noexcept;
  void answer(Slot& slot, int32_t error) noexcept;
  void count(const Slot& slot, int32_t error) noexcept;
  void give_memory_back() noexcept;
  [[nodiscard]] size_t memory_bytes() const noexcept {
    return slots_.size() * limits_.request_bytes_max;
  }

  std::unique_ptr<ring::Ring> ring_;
  const std::unique_ptr<QueueChannel> channel_;
  device::BlockDevice& disk_;
  Instruments& instruments_;
  const bool user_copy_;
  const bool auto_buffers_;
  const bool gives_back_;
  const Duration idle_time_;
  const uint32_t device_;  // its number, for the log
  DiskLimits limits_;
  std::unique_ptr<device::BlockQueue> block_;
  std::vector<Slot> slots_;
  std::byte* memory_ = nullptr;  // of all slots
  uint64_t used_bytes_ = 0;      // of it, since it was last given back
  // What a request that goes by a registered buffer is aligned to; 0: none does.
  uint32_t registered_alignment_ = 0;
  uint32_t refusals_ = 0;  // of such, since one was taken
  bool quiet_ = true;      // nothing came and nothing was answered since it was set
  uint32_t in_device_ = 0;
  uint32_t offered_ = 0;  // tags that the kernel has
  int32_t refused_ = 0;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace strata::ublk
