// BlockingIo: reads and writes of a BlockDevice that wait for their end, on a ring of its own: for
// the work of threads that are no queue's.
//
// Thread rule: one thread, the one that made it.
#pragma once

#include <cstdlib>
#include <memory>
#include <span>

#include "blockdev/device/block_device.h"
#include "common/base/result.h"

namespace strata::snapshot {

// 512 KiB at an address that direct I/O takes.
class ChunkBuffer {
 public:
  // kNoSpace if there is no memory.
  [[nodiscard]] static Result<ChunkBuffer> create();
  [[nodiscard]] MutableBytes bytes() noexcept;
  [[nodiscard]] Bytes bytes() const noexcept;

 private:
  struct Free {
    void operator()(std::byte* memory) const noexcept { std::free(memory); }
  };
  std::unique_ptr<std::byte, Free> memory_;
};

class BlockingIo {
 public:
  // The device outlives this.
  [[nodiscard]] static Result<std::unique_ptr<BlockingIo>> open(device::BlockDevice& device);
  ~BlockingIo();
  BlockingIo(const BlockingIo&) = delete;
  BlockingIo& operator=(const BlockingIo&) = delete;

  // The bytes of a chunk of a device of that size, with zeroes past its end.
  [[nodiscard]] Status read_chunk(uint64_t chunk, uint64_t size_bytes, MutableBytes into);
  // Bytes from the offset on.
  struct Piece {
    uint64_t offset = 0;
    MutableBytes into;
  };
  // All of them at once.
  [[nodiscard]] Status read(std::span<const Piece> pieces);
  [[nodiscard]] Status write_chunk(uint64_t chunk, uint64_t size_bytes, Bytes from);
  [[nodiscard]] Status flush();

 private:
  BlockingIo() = default;
  [[nodiscard]] Status run(device::Op op, uint64_t offset, MutableBytes buffer);
  void turn();

  std::unique_ptr<ring::Ring> ring_;
  std::unique_ptr<device::BlockQueue> queue_;
};

}  // namespace strata::snapshot
