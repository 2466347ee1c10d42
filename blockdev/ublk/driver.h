// Driver: what this server uses of ublk_drv, behind a narrow interface, so that everything above it
// is tested on hosts whose kernel does not have it.
//
// Thread rule: Driver from any thread; a QueueChannel on the thread of the ring that it is given,
// and always the same one: the kernel insists on it.
#pragma once

#include <cstdint>
#include <memory>

#include "blockdev/ublk/protocol.h"
#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/ring/ring.h"

namespace strata::ublk {

// Where a tag's data goes.
struct TagData {
  // Of the device's largest request. The kernel puts the data of a write there before the request
  // comes, and takes that of a read from there with the answer; with user copy it does neither.
  std::byte* memory = nullptr;
  // With kAutoBuffers: its place in the ring's table of buffers, where it stands while the request
  // is here.
  uint32_t buffer = 0;
};

// One queue of one device: requests come, answers go.
class QueueChannel {
 public:
  virtual ~QueueChannel() = default;
  // Offers the tag to the kernel: the first time, or together with the answer to the request that
  // it held. `arrived` completes with 0 when a request has come, or with -errno when the device
  // takes the tag back. It must not move until then, or until the ring is gone.
  virtual void fetch(ring::Ring& ring, ring::Operation& arrived, uint16_t tag,
                     const TagData& data) noexcept = 0;
  // result: bytes read or written, or -errno.
  virtual void commit_and_fetch(ring::Ring& ring, ring::Operation& arrived, uint16_t tag,
                                int32_t result, const TagData& data) noexcept = 0;
  // What the kernel asks, once a request has come.
  [[nodiscard]] virtual IoDescriptor descriptor(uint16_t tag) const noexcept = 0;
  // With user copy: a write's data from the kernel, a read's to it. 0 or -errno.
  [[nodiscard]] virtual int32_t copy_in(uint16_t tag, MutableBytes into) noexcept = 0;
  [[nodiscard]] virtual int32_t copy_out(uint16_t tag, Bytes from) noexcept = 0;
};

// Errors: kNotFound if there is no such device, kBusy and kPermissionDenied as said below.
class Driver {
 public:
  virtual ~Driver() = default;
  // What the kernel offers; 0 if it is too old (before 6.5) to say. Then a device's flags tell.
  [[nodiscard]] virtual uint64_t features() const noexcept = 0;
  // Makes a device of a number that the driver picks; what it made of the wish.
  // kPermissionDenied: only for root, or not without kUnprivileged.
  [[nodiscard]] virtual Result<DeviceInfo> add(const DeviceInfo& wanted) = 0;
  [[nodiscard]] virtual Result<DeviceInfo> info(uint32_t device) = 0;
  [[nodiscard]] virtual Status set_params(uint32_t device, const Params& params) = 0;
  // The device appears. Waits until every tag of every queue is offered.
  [[nodiscard]] virtual Status start(uint32_t device) = 0;
  // What it still caches is written, and it disappears: every tag is taken back. kBusy while it is
  // mounted or somebody else has it for himself; with `force` it goes all the same, at once, and
  // what is not written yet is lost.
  [[nodiscard]] virtual Status stop(uint32_t device, bool force) = 0;
  // Frees its number. Waits until its queues are closed.
  [[nodiscard]] virtual Status remove(uint32_t device) = 0;
  // The device is to be served anew. kBusy while the kernel has not noticed the end of the process
  // that served it; kInvalidArgument if it was begun before and not ended.
  [[nodiscard]] virtual Status start_recovery(uint32_t device) = 0;
  // It goes on. Waits as start does.
  [[nodiscard]] virtual Status end_recovery(uint32_t device) = 0;
  [[nodiscard]] virtual Status update_size(uint32_t device, uint64_t sectors) = 0;
  // The queue of a device as add or info described it.
  [[nodiscard]] virtual Result<std::unique_ptr<QueueChannel>> open_queue(const DeviceInfo& device,
                                                                         uint16_t queue) = 0;
};

// The kernel's. kUnsupported or kPermissionDenied says what is missing, and the next best way.
[[nodiscard]] Result<std::unique_ptr<Driver>> open_kernel_driver();

}  // namespace strata::ublk
