// The door for what a guest puts into a ring: a chain of descriptors becomes pieces of our memory,
// or is refused. Source: VIRTIO 1.2, 2.7.5.
//
// Bounds: each descriptor is read once; a chain has at most as many descriptors as its table, so a
// loop ends; at most kSegmentsMax pieces; every address is looked up in the shared memory.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "blockdev/vhost_user/guest_memory.h"
#include "blockdev/vhost_user/split_ring.h"

namespace strata::vhost_user {

struct Segment {
  std::byte* data = nullptr;
  uint64_t bytes = 0;
};

struct Chain {
  std::vector<Segment> segments;  // first those that the device reads, then those that it writes
  size_t readable = 0;            // how many are read
  uint64_t readable_bytes = 0;
  uint64_t writable_bytes = 0;
};

// Follows the chain that begins at `head`. Empty text: `out` is the chain. Else what is wrong with
// it, for people. `out.segments` keeps its room, so that a next walk allocates nothing.
[[nodiscard]] std::string_view walk_chain(const SplitRing& ring, const GuestMemory& memory,
                                          uint16_t head, bool indirect_allowed,
                                          Chain& out) noexcept;

}  // namespace strata::vhost_user
