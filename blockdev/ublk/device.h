// Device: a volume as /dev/ublkbN: one thread a queue, each with its own io_uring.
//
//   create    ADD_DEV, SET_PARAMS, every queue offers every tag, START_DEV
//   recover   START_USER_RECOVERY, the same, END_USER_RECOVERY: the device of a server that was
//             killed, or left it, goes on; the kernel asks again what was not answered
//   leave     what is under way is answered; then the device waits for whoever recovers it
//   end       STOP_DEV, DEL_DEV: the device is gone
//
// What is asked again may have been done already: the same bytes to the same place, and the kernel
// answers nobody before. So a server may be killed between any two steps.
//
// A device of a server without CAP_SYS_ADMIN, and one of a kernel before 6.1, cannot be recovered:
// it ends with its server.
//
// How data goes, as the device was made:
//
//   zero copy  (Linux 6.16) with each request the kernel puts its pages into the table of buffers
//              of the queue's ring, and the disk's own operations take them from there. For a disk
//              that can; what of it cannot, such as parts of its blocks, goes by user copy.
//   copy       with the commands that bring and answer a request the kernel copies between its
//              pages and a buffer of the slot's
//   user copy  (Linux 6.5) when it is told to, by a system call for each request: as earlier
//              versions made devices
//
// Thread rule: one call at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "blockdev/device/export_table.h"
#include "blockdev/ublk/driver.h"
#include "blockdev/ublk/instruments.h"
#include "common/base/deadline.h"
#include "common/base/result.h"

namespace strata::ublk {

class QueueLoop;

inline constexpr Duration kIdleTime = std::chrono::seconds(2);

struct DeviceOptions {
  uint16_t queues = 1;  // 1 to kQueuesMax; the kernel gives as many as it has processors
  uint16_t depth = kQueueDepth;
  // Kept by the kernel: by it a later server knows the device as its own. Not 0.
  uint64_t identity = 0;
  bool user_copy = false;  // where the kernel has it
  bool zero_copy = true;   // where the kernel and the disk can
  // After so long without a request a queue gives its buffers back.
  Duration idle_time = kIdleTime;
  // Called when the device has its number, before it appears. An error undoes it.
  std::function<Status(uint32_t number)> added = {};
};

class Device {
 public:
  // driver and instruments outlive the device. kUnsupported, kPermissionDenied as Driver's.
  [[nodiscard]] static Result<std::unique_ptr<Device>> create(
      Driver& driver, std::unique_ptr<device::ExportLease> lease, Instruments& instruments,
      const DeviceOptions& options);
  // The device of that number and identity. kNotFound if there is none, as after a restart of the
  // host, or none that can go on: what was left of that is removed. Any other error leaves it
  // waiting.
  [[nodiscard]] static Result<std::unique_ptr<Device>> recover(
      Driver& driver, uint32_t number, uint64_t identity,
      std::unique_ptr<device::ExportLease> lease, Instruments& instruments, Deadline deadline);
  // Whether there is such a device, whoever serves it.
  [[nodiscard]] static Result<bool> exists(Driver& driver, uint32_t number, uint64_t identity);
  // Removes such a device, which nobody serves: what waits fails. Fine if there is none.
  [[nodiscard]] static Status discard(Driver& driver, uint32_t number, uint64_t identity);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  [[nodiscard]] uint32_t number() const noexcept { return info_.device; }
  [[nodiscard]] uint16_t queues() const noexcept { return info_.queues; }
  [[nodiscard]] bool recoverable() const noexcept;
  [[nodiscard]] bool zero_copy() const noexcept;
  // The volume may have another size. kUnsupported, with what to do, if the kernel cannot be told.
  [[nodiscard]] Status refresh();
  void leave();
  // kBusy while it is in use, but with `force`; then it goes on.
  [[nodiscard]] Status end(bool force);

 private:
  Device(Driver& driver, std::unique_ptr<device::ExportLease> lease, Instruments& instruments,
         const DeviceInfo& info);
  [[nodiscard]] Status start_queues(Duration idle_time);

  Driver& driver_;
  std::unique_ptr<device::ExportLease> lease_;
  Instruments& instruments_;
  const DeviceInfo info_;
  uint64_t told_sectors_ = 0;
  std::vector<std::unique_ptr<QueueLoop>> queues_;
};

// "/dev/ublkb0".
[[nodiscard]] std::string block_path(uint32_t number);

}  // namespace strata::ublk
