// KernelQueue: a queue of a device of the kernel's.
//
// The descriptors of its requests lie in memory that the kernel shares, read-only; each is copied
// once before it is judged.
#pragma once

#include <memory>

#include "blockdev/ublk/driver.h"
#include "common/base/unique_fd.h"

namespace strata::ublk {

class KernelQueue final : public QueueChannel {
 public:
  // device: its character device, which all queues share, for it can be open once only.
  [[nodiscard]] static Result<std::unique_ptr<QueueChannel>> open(std::shared_ptr<UniqueFd> device,
                                                                  const DeviceInfo& info,
                                                                  uint16_t queue, bool encoded);
  ~KernelQueue() override;
  KernelQueue(const KernelQueue&) = delete;
  KernelQueue& operator=(const KernelQueue&) = delete;

  void fetch(ring::Ring& ring, ring::Operation& arrived, uint16_t tag,
             const TagData& data) noexcept override;
  void commit_and_fetch(ring::Ring& ring, ring::Operation& arrived, uint16_t tag, int32_t result,
                        const TagData& data) noexcept override;
  [[nodiscard]] IoDescriptor descriptor(uint16_t tag) const noexcept override;
  [[nodiscard]] int32_t copy_in(uint16_t tag, MutableBytes into) noexcept override;
  [[nodiscard]] int32_t copy_out(uint16_t tag, Bytes from) noexcept override;

 private:
  KernelQueue(std::shared_ptr<UniqueFd> device, const DeviceInfo& info, uint16_t queue,
              bool encoded)
      : device_(std::move(device)),
        queue_(queue),
        depth_(info.depth),
        encoded_(encoded),
        user_copy_((info.flags & kUserCopy) != 0),
        auto_buffers_((info.flags & kAutoBuffers) != 0) {}
  void say(ring::Ring& ring, ring::Operation& arrived, QueueCommand command, uint16_t tag,
           int32_t result, const TagData& data) noexcept;

  const std::shared_ptr<UniqueFd> device_;
  const uint16_t queue_;
  const uint16_t depth_;
  const bool encoded_;
  const bool user_copy_;
  const bool auto_buffers_;
  MutableBytes descriptors_;  // mapped; never written to
};

}  // namespace strata::ublk
