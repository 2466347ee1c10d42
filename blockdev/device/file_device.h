// FileDevice: a raw image file or a block device of the host, through the queue's io_uring.
//
// Direct I/O where the file was opened for it: requests whose offset, length and buffer are
// multiples of the block go straight to the disk. Others pass through a buffer, and writes of parts
// of blocks are read-modify-write under a RangeGuard. Without direct I/O the page cache does that.
//
// Flush is fdatasync; FUA is RWF_DSYNC. Trim and write zeroes deallocate whole filesystem blocks
// and write zeroes to what is left at the edges, so that both read back as zeroes.
//
// Block status asks the filesystem, on a thread of the device's own (ExtentScanner). Cache reads,
// which leaves the range in the page cache or, with direct I/O, in the disk's own.
//
// A flush that failed may have lost writes that were answered before it, and a later one might
// not say so again. So after it every write and flush fails with -EIO until the device is reopened.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "blockdev/device/block_device.h"
#include "blockdev/device/extent_scanner.h"
#include "blockdev/device/range_guard.h"
#include "common/io/file_system.h"

namespace strata::device {

class FileDevice final : public BlockDevice {
 public:
  // file: open for reading, or for both; its descriptor is used in io_urings (kUnsupported without
  // one). The size is taken now and follows the file's only by refresh_size(). What the file has
  // beyond size_bytes_max is not used.
  [[nodiscard]] static Result<std::unique_ptr<FileDevice>> open(
      std::unique_ptr<io::File> file, std::string name, uint64_t size_bytes_max = UINT64_MAX);
  ~FileDevice() override;

  [[nodiscard]] Geometry geometry() const noexcept override;
  [[nodiscard]] Capabilities capabilities() const noexcept override;
  // The queue must be destroyed before the device.
  [[nodiscard]] Result<std::unique_ptr<BlockQueue>> open_queue(ring::Ring& ring) override;

  // Takes the size that the file has now, of it size_bytes_max: it has grown. kInvalidArgument if
  // it shrank, or is no multiple of the block. Any thread; clients that are connected reach the new
  // part at once.
  [[nodiscard]] Status refresh_size(uint64_t size_bytes_max = UINT64_MAX);

  // Whether requests bypass the page cache, and the block that they must be aligned to for it.
  [[nodiscard]] bool direct() const noexcept { return limits_.block > 1; }
  [[nodiscard]] uint32_t block_bytes() const noexcept { return limits_.block; }

  // What the file and its filesystem ask for. Powers of two, in bytes.
  struct Limits {
    uint64_t size = 0;
    uint32_t block = 1;          // offsets and lengths of direct I/O; 1 through the page cache
    uint32_t memory = 1;         // buffers of direct I/O
    uint32_t deallocate = 4096;  // pieces that are worth deallocating
    bool read_only = false;
    bool can_deallocate = true;
    bool has_extents = false;  // a regular file: its filesystem knows what is allocated
  };

 private:
  friend class FileQueue;
  FileDevice(std::unique_ptr<io::File> file, std::string name, Limits limits);
  void fail(int32_t error) noexcept;

  std::unique_ptr<io::File> file_;
  std::string name_;
  const Limits limits_;
  std::atomic<uint64_t> size_;
  RangeGuard guard_;
  ExtentScanner scanner_;
  std::atomic<bool> failed_{false};
};

}  // namespace strata::device
