// SharedMapping: memory of another process, mapped here, that this process survives losing.
//
// Whoever shares a file may cut it short at any time, also after its length was checked; touching
// what is gone then raises SIGBUS. Sealed files cannot shrink, but not every front end can seal
// (hugetlbfs, files). So the first mapping installs a handler, once for the process: a SIGBUS
// inside a mapping of the table below replaces that whole mapping by empty memory of our own and
// marks it lost; the instruction that failed goes on. Any other SIGBUS is passed to the handler
// that was there before. The kernel's own accesses (io_uring) fail with EFAULT and need nothing.
//
// What was read from a mapping is trusted only after lost() was asked: zeroes may stand for what
// was there. Whoever owns the mapping gives it up then.
//
// Thread rule: one thread at a time; the memory itself may be touched from every thread.
#pragma once

#include <cstdint>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace strata::vhost_user {

class SharedMapping {
 public:
  // Of the process, all front ends together.
  static constexpr size_t kMappingsMax = 1024;

  // Maps [offset, offset + bytes) of the file for reading and writing. kInvalidArgument if it is no
  // regular file (a memfd is one), is shorter than that, or cannot be mapped so; kBusy at the
  // limit.
  [[nodiscard]] static Result<SharedMapping> map(int fd, uint64_t offset, uint64_t bytes);
  SharedMapping() = default;
  SharedMapping(SharedMapping&& other) noexcept;
  SharedMapping& operator=(SharedMapping&& other) noexcept;
  SharedMapping(const SharedMapping&) = delete;
  SharedMapping& operator=(const SharedMapping&) = delete;
  ~SharedMapping();

  [[nodiscard]] MutableBytes bytes() const noexcept { return bytes_; }
  // The other side took memory away: what was read is not to be believed.
  [[nodiscard]] bool lost() const noexcept;

 private:
  static constexpr size_t kNoSlot = ~size_t{0};
  SharedMapping(MutableBytes whole, MutableBytes bytes, size_t slot) noexcept
      : whole_(whole), bytes_(bytes), slot_(slot) {}
  MutableBytes whole_;  // from the page of the first byte on
  MutableBytes bytes_;
  size_t slot_ = kNoSlot;
};

}  // namespace strata::vhost_user
