// FileQueue: the requests of one ring to a FileDevice, each moved along step by step.
//
// A request is a row of steps over [offset, offset + length); `progress` says how far it came.
// After each completion the next step follows from the progress alone:
//
//   read    aligned -> read into the client's buffer;     other -> read blocks, copy out
//   write   aligned -> write from the client's buffer;    part of a block -> read it, change it,
//           write it;    whole blocks in an unaligned buffer -> copy, write
//   zero    part of a block -> as for write;   less than the filesystem's block -> write zeroes;
//           the rest -> deallocate, or write zeroes if the filesystem cannot;   then sync, if FUA
//   flush   sync
//   cache   read blocks and drop them
//   status  ask the device's ExtentScanner
//
// A registered buffer is read into and written from as an aligned one is; nothing else is possible.
//
// A step that was cut short or interrupted is done again from where it got to.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>

#include "blockdev/device/file_device.h"

namespace strata::device {

class FileQueue final : public BlockQueue {
 public:
  FileQueue(FileDevice& device, ring::Ring& ring);
  ~FileQueue() override;
  FileQueue(const FileQueue&) = delete;
  FileQueue& operator=(const FileQueue&) = delete;

  [[nodiscard]] Status start();
  void submit(IoRequest& request) noexcept override;
  // Takes a block status back from the scanner, on the scanner's thread.
  static void scanned(IoRequest& request) noexcept;

 private:
  // Bytes of one buffer for unaligned requests, and how many a queue has.
  static constexpr uint64_t kBounceBytes = 128 * kKiB;
  static constexpr size_t kBounceBuffers = 4;

  struct FreeAligned {
    void operator()(std::byte* memory) const noexcept;
  };
  struct Wakeup : ring::Operation {
    FileQueue* queue = nullptr;
  };

  [[nodiscard]] bool aligned(const IoRequest& request) const noexcept;
  [[nodiscard]] bool takes_registered(const IoRequest& request) const noexcept;
  [[nodiscard]] bool covers_blocks(const IoRequest& request) const noexcept;
  [[nodiscard]] bool zeroes_fast(const IoRequest& request) const noexcept;
  [[nodiscard]] bool want_bounce(IoRequest& request) noexcept;
  void next_step(IoRequest& request) noexcept;
  void step_read(IoRequest& request) noexcept;
  void step_write(IoRequest& request) noexcept;
  void step_zero(IoRequest& request) noexcept;
  void read_bounce(IoRequest& request) noexcept;
  void step_part(IoRequest& request, uint64_t at) noexcept;
  void deallocate(IoRequest& request, uint64_t at, uint64_t bytes) noexcept;
  void write_back(IoRequest& request) noexcept;
  void completed(IoRequest& request, int32_t result) noexcept;
  void moved(IoRequest& request, uint64_t bytes) noexcept;
  void copy_out(IoRequest& request) noexcept;
  void finish(IoRequest& request, int32_t error) noexcept;
  void run_granted() noexcept;
  void take_scanned() noexcept;
  void arm_wakeup() noexcept;
  void release_bounce(IoRequest& request) noexcept;

  FileDevice& device_;
  ring::Ring& ring_;
  const FileDevice::Limits limits_;
  const int fd_;
  bool registered_ = false;
  RangeGuard::Lane lane_;
  uint32_t parked_ = 0;    // requests that wait for their range
  uint32_t scanning_ = 0;  // requests at the scanner
  std::mutex scanned_mutex_;
  IoRequest* scanned_ = nullptr;  // by state.next_queued; under scanned_mutex_
  bool wakeup_armed_ = false;
  Wakeup wakeup_;
  std::array<std::unique_ptr<std::byte, FreeAligned>, kBounceBuffers> bounces_;
  std::array<std::byte*, kBounceBuffers> free_bounces_{};
  size_t free_bounce_count_ = 0;
  size_t bounce_count_ = 0;
  IoRequest* first_waiting_ = nullptr;  // for a bounce buffer, by state.next_queued
  IoRequest* last_waiting_ = nullptr;
};

}  // namespace strata::device
