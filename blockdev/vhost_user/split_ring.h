// SplitRing: one split virtqueue in shared memory: its three areas, without any judgement about
// what the guest wrote there. Source: VIRTIO 1.2, 2.7.
//
// Everything is read once and copied before it is used: the guest may change it at any time.
// Thread rule: one thread.
#pragma once

#include <cstdint>

#include "blockdev/vhost_user/guest_memory.h"
#include "common/base/result.h"

namespace strata::vhost_user {

class SplitRing {
 public:
  SplitRing() = default;
  // kInvalidArgument if an area is not wholly in one region, or not aligned. entries: a power of
  // two, at most kRingEntriesMax.
  [[nodiscard]] static Result<SplitRing> map(const GuestMemory& memory, const VringAddress& where,
                                             uint32_t entries);
  [[nodiscard]] bool mapped() const noexcept { return descriptors_ != nullptr; }
  [[nodiscard]] uint32_t entries() const noexcept { return entries_; }

  // Driver to device.
  [[nodiscard]] uint16_t available_index() const noexcept;
  [[nodiscard]] uint16_t available_head(uint16_t index) const noexcept;
  // number: below entries().
  [[nodiscard]] Descriptor descriptor(uint16_t number) const noexcept;

  // Device to driver.
  [[nodiscard]] uint16_t used_index() const noexcept;
  void put_used(uint16_t index, UsedElement element) noexcept;
  // Everything put before `index` is the driver's from now on.
  void publish_used(uint16_t index) noexcept;
  // Whether the driver wants an interrupt for what was published between the two.
  [[nodiscard]] bool wants_interrupt(bool event_index, uint16_t before,
                                     uint16_t after) const noexcept;
  // Asks for a kick when something is made available after `seen`; false: there is already.
  [[nodiscard]] bool enable_kicks(bool event_index, uint16_t seen) noexcept;
  void disable_kicks(bool event_index) noexcept;

 private:
  std::byte* descriptors_ = nullptr;
  std::byte* available_ = nullptr;
  std::byte* used_ = nullptr;
  uint32_t entries_ = 0;
};

}  // namespace strata::vhost_user
