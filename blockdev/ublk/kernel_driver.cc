#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <string>

#include "blockdev/ublk/driver.h"
#include "blockdev/ublk/kernel_queue.h"
#include "common/base/check.h"
#include "common/base/deadline.h"
#include "common/base/unique_fd.h"
#include "common/ring/wide_command.h"

namespace strata::ublk {
namespace {

constexpr const char* kInstead = "attach with --as nbd, or --as fuse";
// As much room as every command gives the path of the character device.
constexpr uint16_t kPathBytes = 32;
constexpr size_t kPayloadBytesMax = sizeof(Params);
// udev may need a moment to make a new device's node, and to give it to its owner.
constexpr std::chrono::seconds kNodeTime{5};
constexpr int kNodePauseMs = 20;

std::string character_path(uint32_t device) {
  return fmt::format("/dev/ublkc{}", device);
}

void wait_for_node(const std::string& path) {
  const Deadline deadline = Deadline::after(kNodeTime);
  while (access(path.c_str(), R_OK | W_OK) != 0 &&
         !deadline.passed(std::chrono::steady_clock::now())) {
    poll(nullptr, 0, kNodePauseMs);
  }
}

Error node_error(const std::string& path) {
  return Error(Code::kPermissionDenied,
               fmt::format("the server may not open {}: udev must give it to the server's user "
                           "(docs/ublk.md has a rule), or {}",
                           path, kInstead));
}

Error command_error(ControlCommand command, uint32_t device, int error) {
  const std::string what = fmt::format("/dev/ublkb{}: the kernel's ublk answers command {:#x}",
                                       device, static_cast<unsigned>(command));
  if (error == ENODEV)
    return Error(Code::kNotFound, fmt::format("there is no ublk device {}", device));
  if (error == EBUSY) return Error(Code::kBusy, what + ": busy");
  return errno_error(error, what);
}

class KernelDriver final : public Driver {
 public:
  explicit KernelDriver(UniqueFd control) : control_(std::move(control)) {
    uint64_t features = 0;
    MutableBytes into = std::as_writable_bytes(std::span(&features, 1));
    encoded_ = true;
    // A kernel that does not know the question takes the commands of the first days.
    encoded_ = call(ControlCommand::kGetFeatures, kAnyDevice, into, 0).ok();
    features_ = encoded_ ? features : 0;
  }

  [[nodiscard]] uint64_t features() const noexcept override { return features_; }
  Result<DeviceInfo> add(const DeviceInfo& wanted) override {
    DeviceInfo out = wanted;
    const Status made = call(ControlCommand::kAddDevice, wanted.device, bytes_of(out), 0);
    if (!made.ok()) {
      if (made.error().code != Code::kPermissionDenied) return made.error();
      return Error(Code::kPermissionDenied,
                   fmt::format("the kernel lets this user make no ublk device (without root: at "
                               "most ublk_drv's ublks_max): run the server as root, or {}",
                               kInstead));
    }
    note(out);
    // The kernel goes by who may use the node.
    if ((out.flags & kUnprivileged) != 0) wait_for_node(character_path(out.device));
    return out;
  }
  Result<DeviceInfo> info(uint32_t device) override {
    DeviceInfo out;
    // With the path: whose device it is, is not known yet.
    if (features_ != 0) {
      TRY(call_with_path(ControlCommand::kGetDeviceInfo2, device, bytes_of(out), 0));
    } else {
      TRY(call(ControlCommand::kGetDeviceInfo, device, bytes_of(out), 0));
    }
    note(out);
    return out;
  }
  Status set_params(uint32_t device, const Params& params) override {
    Params copy = params;
    return command(ControlCommand::kSetParams, device, bytes_of(copy).first(kParamsBytes), 0);
  }
  Status start(uint32_t device) override {
    return command(ControlCommand::kStartDevice, device, {}, own_process());
  }
  Status stop(uint32_t device, bool force) override;
  Status remove(uint32_t device) override {
    return command(ControlCommand::kDeleteDevice, device, {}, 0);
  }
  Status start_recovery(uint32_t device) override {
    return command(ControlCommand::kStartRecovery, device, {}, 0);
  }
  Status end_recovery(uint32_t device) override {
    return command(ControlCommand::kEndRecovery, device, {}, own_process());
  }
  Status update_size(uint32_t device, uint64_t sectors) override {
    return command(ControlCommand::kUpdateSize, device, {}, sectors);
  }
  Result<std::unique_ptr<QueueChannel>> open_queue(const DeviceInfo& device,
                                                   uint16_t queue) override {
    TRY_ASSIGN(auto fd, character_device(device.device));
    return KernelQueue::open(std::move(fd), device, queue, encoded_);
  }

 private:
  template <typename T>
  static MutableBytes bytes_of(T& value) noexcept {
    return std::as_writable_bytes(std::span(&value, 1));
  }
  static uint64_t own_process() noexcept { return static_cast<uint64_t>(getpid()); }

  // What a device that belongs to a user wants to be told in every command.
  void note(const DeviceInfo& info) {
    const std::lock_guard lock(mutex_);
    if ((info.flags & kUnprivileged) != 0) {
      users_.insert(info.device);
    } else {
      users_.erase(info.device);
    }
  }
  Status command(ControlCommand command, uint32_t device, MutableBytes payload, uint64_t data) {
    bool with_path = false;
    {
      const std::lock_guard lock(mutex_);
      with_path = users_.contains(device);
    }
    if (!with_path) return call(command, device, payload, data);
    Status done = call_with_path(command, device, payload, data);
    const bool refused = !done.ok() && done.error().code == Code::kPermissionDenied;
    return refused ? Status(node_error(character_path(device))) : done;
  }
  Status call_with_path(ControlCommand command, uint32_t device, MutableBytes payload,
                        uint64_t data) {
    alignas(8) std::array<std::byte, kPathBytes + kPayloadBytesMax> buffer{};
    const std::string path = character_path(device);
    CHECK(path.size() < kPathBytes && payload.size() <= kPayloadBytesMax);
    std::memcpy(buffer.data(), path.data(), path.size());
    if (!payload.empty()) std::memcpy(buffer.data() + kPathBytes, payload.data(), payload.size());
    TRY(call(command, device, MutableBytes(buffer).first(kPathBytes + payload.size()), data,
             kPathBytes));
    if (!payload.empty()) std::memcpy(payload.data(), buffer.data() + kPathBytes, payload.size());
    return {};
  }
  [[nodiscard]] Status call(ControlCommand command, uint32_t device, MutableBytes payload,
                            uint64_t data, uint16_t path_bytes = 0) const {
    ControlWire wire;
    wire.device = device;
    wire.length = static_cast<uint16_t>(payload.size());
    wire.address = reinterpret_cast<uintptr_t>(payload.data());
    wire.data = data;
    wire.path_length = path_bytes;
    TRY_ASSIGN(const int32_t result, ring::wide_command(control_.get(), on_wire(command, encoded_),
                                                        std::as_bytes(std::span(&wire, 1))));
    if (result >= 0) return {};
    return command_error(command, device, -result);
  }
  Result<std::shared_ptr<UniqueFd>> character_device(uint32_t device);

  const UniqueFd control_;
  bool encoded_ = false;
  uint64_t features_ = 0;
  std::mutex mutex_;
  std::set<uint32_t> users_;                          // under mutex_
  std::map<uint32_t, std::weak_ptr<UniqueFd>> open_;  // under mutex_
};

Status KernelDriver::stop(uint32_t device, bool force) {
  UniqueFd claim;
  if (!force) {
    // Whoever has it mounted, or part of another device, has it for himself; while we have it
    // nobody else gets it. A device that can be recovered fails what comes after the stop, so what
    // the kernel still caches is written before.
    const std::string path = fmt::format("/dev/ublkb{}", device);
    claim = UniqueFd(open(path.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC));
    if (!claim.valid() && errno == EBUSY) {
      return Error(Code::kBusy, path + " is mounted, or in use by another device of the kernel's");
    }
    if (claim.valid() && fsync(claim.get()) != 0) return errno_error(errno, "flushing " + path);
  }
  return command(ControlCommand::kStopDevice, device, {}, 0);
}

Result<std::shared_ptr<UniqueFd>> KernelDriver::character_device(uint32_t device) {
  const std::lock_guard lock(mutex_);
  if (auto there = open_[device].lock()) return there;
  const std::string path = character_path(device);
  wait_for_node(path);
  auto made = std::make_shared<UniqueFd>(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (made->valid()) {
    open_[device] = made;
    return made;
  }
  if (errno == EBUSY) return Error(Code::kBusy, path + " is open in another process");
  if (errno == EACCES || errno == EPERM) return node_error(path);
  return errno_error(errno, "opening " + path);
}

}  // namespace

Result<std::unique_ptr<Driver>> open_kernel_driver() {
  UniqueFd control(open(kControlPath, O_RDWR | O_CLOEXEC));
  if (!control.valid() && (errno == ENOENT || errno == ENODEV || errno == ENXIO)) {
    return Error(Code::kUnsupported,
                 fmt::format("this kernel has no ublk: load it with `modprobe ublk_drv` (Linux 6.0 "
                             "or newer; Debian 12: linux-image-6.12-amd64), or {}",
                             kInstead));
  }
  if (!control.valid() && (errno == EACCES || errno == EPERM)) {
    return Error(Code::kPermissionDenied,
                 fmt::format("the server may not open {}: run it as root, let udev give it rights "
                             "(docs/ublk.md has a rule), or {}",
                             kControlPath, kInstead));
  }
  if (!control.valid()) return errno_error(errno, fmt::format("opening {}", kControlPath));
  return std::unique_ptr<Driver>(std::make_unique<KernelDriver>(std::move(control)));
}

}  // namespace strata::ublk
