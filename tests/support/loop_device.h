// A real block device for a test: a loop device over a file of the test's own, gone with the
// object.
#pragma once

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace strata::testing {

class LoopDevice {
 public:
  // Over the file, used with direct I/O where that works. kUnsupported, saying why, where this
  // machine or user may have none.
  [[nodiscard]] static Result<std::unique_ptr<LoopDevice>> over(const std::string& file) {
    const UniqueFd control(open("/dev/loop-control", O_RDWR | O_CLOEXEC));
    if (!control.valid()) return unsupported("/dev/loop-control cannot be opened");
    const UniqueFd backing(open(file.c_str(), O_RDWR | O_CLOEXEC));
    if (!backing.valid()) return errno_error(errno, "opening " + file);
    // Between the question for a free one and its use somebody else may take it.
    for (int attempt = 0; attempt < 16; ++attempt) {
      const int number = ioctl(control.get(), LOOP_CTL_GET_FREE);
      if (number < 0) return unsupported("there is no free loop device");
      const std::string path = "/dev/loop" + std::to_string(number);
      UniqueFd device(open(path.c_str(), O_RDWR | O_CLOEXEC));
      if (!device.valid()) return unsupported(path + " cannot be opened");
      loop_config config{};
      config.fd = static_cast<__u32>(backing.get());
      config.info.lo_flags = LO_FLAGS_DIRECT_IO;
      if (ioctl(device.get(), LOOP_CONFIGURE, &config) == 0) {
        return std::unique_ptr<LoopDevice>(new LoopDevice(path, std::move(device)));
      }
      if (errno != EBUSY) return unsupported(path + " cannot be set up");
    }
    return unsupported("every loop device was taken by somebody else");
  }
  ~LoopDevice() { (void)ioctl(device_.get(), LOOP_CLR_FD); }
  LoopDevice(const LoopDevice&) = delete;
  LoopDevice& operator=(const LoopDevice&) = delete;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  LoopDevice(std::string path, UniqueFd device)
      : path_(std::move(path)), device_(std::move(device)) {}
  static Error unsupported(const std::string& why) {
    return Error(Code::kUnsupported, why + ": " + std::generic_category().message(errno));
  }
  const std::string path_;
  const UniqueFd device_;
};

}  // namespace strata::testing
