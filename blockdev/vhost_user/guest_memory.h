// GuestMemory: the memory that a front end shares, by the guest's addresses and by the front end's.
//
// Thread rule: its session's thread; what it gave out may be used on any while nothing is removed.
#pragma once

#include <cstdint>
#include <vector>

#include "blockdev/vhost_user/protocol.h"
#include "blockdev/vhost_user/shared_mapping.h"
#include "common/base/result.h"

namespace strata::vhost_user {

class GuestMemory {
 public:
  // Maps one more region. kInvalidArgument if it is empty, wraps around, overlaps another one or
  // does not fit the file; kTooLarge at kRegionsMax.
  [[nodiscard]] Status add(const RegionWire& region, int fd);
  // Of exactly these addresses and this length; else kNotFound.
  [[nodiscard]] Status remove(const RegionWire& region);
  void clear() noexcept { regions_.clear(); }
  [[nodiscard]] bool empty() const noexcept { return regions_.empty(); }

  // What is there of [address, address + length) from its first byte on, as far as it lies in one
  // region; empty if the first byte is nowhere or the length is 0. No allocation.
  [[nodiscard]] MutableBytes at_guest(uint64_t address, uint64_t length) const noexcept;
  // The whole range by the front end's addresses, or nothing.
  [[nodiscard]] MutableBytes at_user(uint64_t address, uint64_t length) const noexcept;

  // Some of it was taken away.
  [[nodiscard]] bool lost() const noexcept;

 private:
  struct Region {
    RegionWire where;
    SharedMapping mapping;
  };
  std::vector<Region> regions_;
  mutable size_t last_hit_ = 0;
};

}  // namespace strata::vhost_user
