// ExtentScanner: tells what of a file is allocated, away from the queue threads. A filesystem may
// have to read its extents from the disk, and io_uring has no operation that asks for them.
//
// What reads as zeroes comes from SEEK_DATA and SEEK_HOLE, which know of data that is still in the
// page cache; whether zeroes take room comes from FIEMAP, where the filesystem has it. A filesystem
// that knows neither has nothing but data.
//
// Thread rule: ask() from any thread. Its answer is handed over on the scanner's own.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "blockdev/device/block_device.h"

namespace strata::device {

class ExtentScanner {
 public:
  // Called on the scanner's thread with a request whose extents and state.error are set.
  using Answer = void (*)(IoRequest& request) noexcept;

  ExtentScanner(int fd, Answer answer) noexcept : fd_(fd), answer_(answer) {}
  // Every request has been answered.
  ~ExtentScanner();
  ExtentScanner(const ExtentScanner&) = delete;
  ExtentScanner& operator=(const ExtentScanner&) = delete;

  // The first one starts the thread. Requests are answered in their order.
  void ask(IoRequest& request) noexcept;

  // 0 or -errno. Fills request.extents and extent_count. May block.
  [[nodiscard]] static int32_t scan(int fd, IoRequest& request) noexcept;

 private:
  void run() noexcept;

  const int fd_;
  const Answer answer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  IoRequest* first_ = nullptr;  // by state.next_queued
  IoRequest* last_ = nullptr;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace strata::device
