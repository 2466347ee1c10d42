#include "blockdev/vhost_user/guest_memory.h"

#include <fmt/format.h>

#include <algorithm>

namespace strata::vhost_user {
namespace {

bool wraps(uint64_t address, uint64_t bytes) noexcept {
  return address + bytes < address;
}

bool overlap(uint64_t a, uint64_t b, uint64_t a_bytes, uint64_t b_bytes) noexcept {
  return a < b + b_bytes && b < a + a_bytes;
}

}  // namespace

Status GuestMemory::add(const RegionWire& region, int fd) {
  if (regions_.size() >= kRegionsMax) {
    return Error(Code::kTooLarge, fmt::format("more than {} memory regions", kRegionsMax));
  }
  if (region.bytes == 0 || region.bytes > kRegionBytesMax ||
      wraps(region.guest_address, region.bytes) || wraps(region.user_address, region.bytes) ||
      wraps(region.file_offset, region.bytes)) {
    return Error(Code::kInvalidArgument,
                 fmt::format("a memory region of {} bytes at {:#x} is not possible", region.bytes,
                             region.guest_address));
  }
  for (const Region& other : regions_) {
    if (overlap(region.guest_address, other.where.guest_address, region.bytes, other.where.bytes) ||
        overlap(region.user_address, other.where.user_address, region.bytes, other.where.bytes)) {
      return Error(Code::kInvalidArgument,
                   fmt::format("the memory region at {:#x} overlaps the one at {:#x}",
                               region.guest_address, other.where.guest_address));
    }
  }
  TRY_ASSIGN(SharedMapping mapping, SharedMapping::map(fd, region.file_offset, region.bytes));
  regions_.push_back({region, std::move(mapping)});
  last_hit_ = 0;
  return {};
}

Status GuestMemory::remove(const RegionWire& region) {
  const auto found = std::find_if(regions_.begin(), regions_.end(), [&](const Region& one) {
    return one.where.guest_address == region.guest_address && one.where.bytes == region.bytes &&
           one.where.user_address == region.user_address;
  });
  if (found == regions_.end()) {
    return Error(Code::kNotFound,
                 fmt::format("there is no memory region at {:#x}", region.guest_address));
  }
  regions_.erase(found);
  last_hit_ = 0;
  return {};
}

MutableBytes GuestMemory::at_guest(uint64_t address, uint64_t length) const noexcept {
  // Requests come from the same region as the one before.
  for (size_t step = 0; step < regions_.size(); ++step) {
    size_t index = last_hit_ + step;
    if (index >= regions_.size()) index -= regions_.size();
    const RegionWire& where = regions_[index].where;
    if (address < where.guest_address || address - where.guest_address >= where.bytes) continue;
    last_hit_ = index;
    const uint64_t from = address - where.guest_address;
    return regions_[index].mapping.bytes().subspan(from, std::min(length, where.bytes - from));
  }
  return {};
}

MutableBytes GuestMemory::at_user(uint64_t address, uint64_t length) const noexcept {
  for (const Region& region : regions_) {
    const RegionWire& where = region.where;
    if (address < where.user_address || address - where.user_address >= where.bytes) continue;
    const uint64_t from = address - where.user_address;
    if (length > where.bytes - from) return {};
    return region.mapping.bytes().subspan(from, length);
  }
  return {};
}

bool GuestMemory::lost() const noexcept {
  return std::any_of(regions_.begin(), regions_.end(),
                     [](const Region& region) { return region.mapping.lost(); });
}

}  // namespace strata::vhost_user
