#include "blockdev/vhost_user/split_ring.h"

#include <fmt/format.h>

#include <atomic>
#include <cstring>

namespace strata::vhost_user {
namespace {

// Both areas begin with flags and an index, then entries, then the other side's event index.
constexpr size_t kIndexAt = 2;
constexpr size_t kEntriesAt = 4;
constexpr size_t kEventBytes = 2;

std::atomic_ref<uint16_t> cell(std::byte* at) noexcept {
  return std::atomic_ref(*reinterpret_cast<uint16_t*>(at));
}

Result<std::byte*> area(const GuestMemory& memory, uint64_t address, uint64_t bytes,
                        uint64_t alignment, const char* name) {
  const MutableBytes found = memory.at_user(address, bytes);
  if (found.empty()) {
    return Error(
        Code::kInvalidArgument,
        fmt::format("the {} of a ring at {:#x} is outside the shared memory", name, address));
  }
  if (reinterpret_cast<uintptr_t>(found.data()) % alignment != 0) {
    return Error(Code::kInvalidArgument,
                 fmt::format("the {} of a ring at {:#x} is not aligned to {} bytes", name, address,
                             alignment));
  }
  return found.data();
}

}  // namespace

Result<SplitRing> SplitRing::map(const GuestMemory& memory, const VringAddress& where,
                                 uint32_t entries) {
  constexpr uint64_t kDescriptorAlignment = 16;
  SplitRing out;
  out.entries_ = entries;
  TRY_ASSIGN(out.descriptors_, area(memory, where.descriptors, entries * sizeof(Descriptor),
                                    kDescriptorAlignment, "descriptor table"));
  TRY_ASSIGN(out.available_,
             area(memory, where.available, kEntriesAt + entries * sizeof(uint16_t) + kEventBytes,
                  alignof(uint16_t), "available ring"));
  TRY_ASSIGN(out.used_,
             area(memory, where.used, kEntriesAt + entries * sizeof(UsedElement) + kEventBytes,
                  alignof(UsedElement), "used ring"));
  return out;
}

uint16_t SplitRing::available_index() const noexcept {
  return cell(available_ + kIndexAt).load(std::memory_order_acquire);
}

uint16_t SplitRing::available_head(uint16_t index) const noexcept {
  const size_t at = index & (entries_ - 1);
  return cell(available_ + kEntriesAt + at * sizeof(uint16_t)).load(std::memory_order_relaxed);
}

Descriptor SplitRing::descriptor(uint16_t number) const noexcept {
  Descriptor out;
  std::memcpy(&out, descriptors_ + number * sizeof out, sizeof out);
  return out;
}

uint16_t SplitRing::used_index() const noexcept {
  return cell(used_ + kIndexAt).load(std::memory_order_acquire);
}

void SplitRing::put_used(uint16_t index, UsedElement element) noexcept {
  const size_t at = index & (entries_ - 1);
  std::memcpy(used_ + kEntriesAt + at * sizeof element, &element, sizeof element);
}

void SplitRing::publish_used(uint16_t index) noexcept {
  // Ordered before the driver's wish for an interrupt is read: it writes that and then looks here.
  cell(used_ + kIndexAt).store(index, std::memory_order_seq_cst);
}

bool SplitRing::wants_interrupt(bool event_index, uint16_t before, uint16_t after) const noexcept {
  if (!event_index) {
    const uint16_t flags = cell(available_).load(std::memory_order_seq_cst);
    return (flags & kAvailableNoInterrupt) == 0;
  }
  const uint16_t event =
      cell(available_ + kEntriesAt + entries_ * sizeof(uint16_t)).load(std::memory_order_seq_cst);
  // vring_need_event of VIRTIO 1.2, 2.7.7.2.
  return static_cast<uint16_t>(after - event - 1) < static_cast<uint16_t>(after - before);
}

bool SplitRing::enable_kicks(bool event_index, uint16_t seen) noexcept {
  if (event_index) {
    cell(used_ + kEntriesAt + entries_ * sizeof(UsedElement))
        .store(seen, std::memory_order_seq_cst);
  } else {
    cell(used_).store(0, std::memory_order_seq_cst);
  }
  return cell(available_ + kIndexAt).load(std::memory_order_seq_cst) == seen;
}

void SplitRing::disable_kicks(bool event_index) noexcept {
  // With event indices the old one stays behind by itself.
  if (!event_index) cell(used_).store(kUsedNoNotify, std::memory_order_relaxed);
}

}  // namespace strata::vhost_user
