#include "blockdev/vhost_user/chain.h"

#include <cstring>

namespace strata::vhost_user {
namespace {

// Where descriptors are read from: the ring's own table, or one that a descriptor points at.
class Table {
 public:
  explicit Table(const SplitRing& ring) noexcept : ring_(&ring), entries_(ring.entries()) {}
  Table(const GuestMemory& memory, uint64_t address, uint32_t entries) noexcept
      : memory_(&memory), address_(address), entries_(entries) {}
  [[nodiscard]] uint32_t entries() const noexcept { return entries_; }
  [[nodiscard]] bool read(uint32_t number, Descriptor& out) const noexcept {
    if (ring_ != nullptr) {
      out = ring_->descriptor(static_cast<uint16_t>(number));
      return true;
    }
    const uint64_t at = address_ + uint64_t{number} * sizeof out;
    const MutableBytes found = memory_->at_guest(at, sizeof out);
    if (at < address_ || found.size() != sizeof out) return false;
    std::memcpy(&out, found.data(), sizeof out);
    return true;
  }

 private:
  const SplitRing* ring_ = nullptr;
  const GuestMemory* memory_ = nullptr;
  uint64_t address_ = 0;
  uint32_t entries_ = 0;
};

std::string_view add_buffer(const GuestMemory& memory, const Descriptor& descriptor, Chain& out) {
  const bool written = (descriptor.flags & kDescriptorWrite) != 0;
  if (!written && out.readable != out.segments.size()) {
    return "a buffer to be read follows one to be written";
  }
  uint64_t address = descriptor.address;
  uint64_t left = descriptor.length;
  if (address + left < address) return "a buffer wraps around the end of the address space";
  (written ? out.writable_bytes : out.readable_bytes) += left;
  while (left > 0) {
    const MutableBytes found = memory.at_guest(address, left);
    if (found.empty()) return "a buffer is outside the shared memory";
    if (out.segments.size() == kSegmentsMax) return "a request has too many buffers";
    out.segments.push_back({found.data(), found.size()});
    if (!written) ++out.readable;
    address += found.size();
    left -= found.size();
  }
  return {};
}

std::string_view walk_table(const Table& table, uint16_t first, const GuestMemory& memory,
                            bool indirect_allowed, Chain& out) {
  uint32_t number = first;
  for (uint32_t seen = 0; seen < table.entries(); ++seen) {
    Descriptor descriptor;
    if (number >= table.entries()) return "a descriptor's number is outside its table";
    if (!table.read(number, descriptor)) return "a descriptor is outside the shared memory";
    if ((descriptor.flags & kDescriptorIndirect) != 0) {
      if (!indirect_allowed) return "an indirect descriptor where none is allowed";
      if ((descriptor.flags & kDescriptorNext) != 0) {
        return "an indirect descriptor has a next one";
      }
      const uint32_t bytes = descriptor.length;
      if (bytes == 0 || bytes % sizeof(Descriptor) != 0 ||
          bytes / sizeof(Descriptor) > kSegmentsMax) {
        return "an indirect table has an impossible length";
      }
      const Table inner(memory, descriptor.address,
                        static_cast<uint32_t>(bytes / sizeof(Descriptor)));
      return walk_table(inner, 0, memory, false, out);
    }
    if (const std::string_view problem = add_buffer(memory, descriptor, out); !problem.empty()) {
      return problem;
    }
    if ((descriptor.flags & kDescriptorNext) == 0) return {};
    number = descriptor.next;
  }
  return "a chain of descriptors is a loop";
}

}  // namespace

std::string_view walk_chain(const SplitRing& ring, const GuestMemory& memory, uint16_t head,
                            bool indirect_allowed, Chain& out) noexcept {
  out.segments.clear();
  out.readable = 0;
  out.readable_bytes = 0;
  out.writable_bytes = 0;
  return walk_table(Table(ring), head, memory, indirect_allowed, out);
}

}  // namespace strata::vhost_user
