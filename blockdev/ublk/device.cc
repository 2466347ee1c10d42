#include "blockdev/ublk/device.h"

#include <fmt/format.h>
#include <poll.h>

#include "blockdev/ublk/queue_loop.h"
#include "blockdev/ublk/request.h"
#include "common/base/check.h"

namespace strata::ublk {
namespace {

constexpr uint64_t kRecovery = kUserRecovery | kRecoveryReissue;
// The second for what cannot go by the first.
constexpr uint64_t kZeroCopy = kAutoBuffers | kUserCopy;
constexpr int kRecoveryPauseMs = 10;

// Of the features that are wanted, those that the kernel has; all, if it cannot say: then the
// device's flags tell.
uint64_t offered(const Driver& driver, uint64_t wanted) noexcept {
  return driver.features() == 0 ? wanted : wanted & driver.features();
}

Result<DeviceInfo> add(Driver& driver, const DeviceOptions& options, bool zero_copy) {
  DeviceInfo wanted;
  wanted.queues = options.queues;
  wanted.depth = options.depth;
  wanted.request_bytes_max = kRequestBytesMax;
  wanted.server_flags = options.identity;
  wanted.flags = offered(driver, kRecovery | (options.user_copy ? kUserCopy : 0));
  if (zero_copy && (driver.features() & kZeroCopy) == kZeroCopy) wanted.flags |= kZeroCopy;
  // Either both or none: a device that fails what was under way would be worse than none.
  if ((wanted.flags & kRecovery) != kRecovery) wanted.flags &= ~kRecovery;
  Result<DeviceInfo> made = driver.add(wanted);
  const bool refused = !made.ok() && made.error().code == Code::kPermissionDenied;
  if (!refused || (driver.features() & kUnprivileged) == 0) return made;
  wanted.flags = kUnprivileged;
  return driver.add(wanted);
}

// True when the kernel lets the device be served anew; false if an earlier server began with that
// and was killed.
Result<bool> begin_recovery(Driver& driver, uint32_t number, Deadline deadline) {
  while (true) {
    const Status begun = driver.start_recovery(number);
    if (begun.ok()) return true;
    if (begun.error().code == Code::kInvalidArgument) {
      TRY_ASSIGN(const DeviceInfo now, driver.info(number));
      if (now.state == kStateQuiesced) return false;
    }
    const bool over = deadline.passed(std::chrono::steady_clock::now());
    if (begun.error().code != Code::kBusy || over) return begun.error();
    poll(nullptr, 0, kRecoveryPauseMs);
  }
}

// A device without recovery ends when the kernel notices that its server is gone.
Status remove_ended(Driver& driver, uint32_t number, Deadline deadline) {
  while (true) {
    TRY_ASSIGN(const DeviceInfo now, driver.info(number));
    if (now.state == kStateDead) return driver.remove(number);
    if (deadline.passed(std::chrono::steady_clock::now())) {
      return Error(Code::kBusy, fmt::format("{} does not end", block_path(number)));
    }
    poll(nullptr, 0, kRecoveryPauseMs);
  }
}

Result<DeviceInfo> find(Driver& driver, uint32_t number, uint64_t identity) {
  TRY_ASSIGN(const DeviceInfo info, driver.info(number));
  if (info.server_flags == identity) return info;
  return Error(Code::kNotFound, fmt::format("{} is another server's", block_path(number)));
}

}  // namespace

std::string block_path(uint32_t number) {
  return fmt::format("/dev/ublkb{}", number);
}

Device::Device(Driver& driver, std::unique_ptr<device::ExportLease> lease, Instruments& instruments,
               const DeviceInfo& info)
    : driver_(driver),
      lease_(std::move(lease)),
      instruments_(instruments),
      info_(info),
      told_sectors_(lease_->device().geometry().size_bytes / kSectorBytes) {}

Device::~Device() {
  leave();
}

bool Device::recoverable() const noexcept {
  return (info_.flags & kRecovery) == kRecovery;
}

bool Device::zero_copy() const noexcept {
  return (info_.flags & kZeroCopy) == kZeroCopy &&
         lease_->device().capabilities().registered_alignment != 0;
}

Result<std::unique_ptr<Device>> Device::create(Driver& driver,
                                               std::unique_ptr<device::ExportLease> lease,
                                               Instruments& instruments,
                                               const DeviceOptions& options) {
  CHECK(options.identity != 0);
  if (options.queues == 0 || options.queues > kQueuesMax || options.depth == 0 ||
      options.depth > kQueueDepthMax) {
    return Error(Code::kInvalidArgument,
                 fmt::format("a ublk device has 1 to {} queues of 1 to {} requests", kQueuesMax,
                             kQueueDepthMax));
  }
  const device::Capabilities capabilities = lease->device().capabilities();
  TRY_ASSIGN(const DeviceInfo made,
             add(driver, options, options.zero_copy && capabilities.registered_alignment != 0));
  const uint32_t number = made.device;
  std::unique_ptr<Device> self(new Device(driver, std::move(lease), instruments, made));
  Status done = check_info(made);
  if (done.ok() && options.added) done = options.added(number);
  if (done.ok()) {
    done = driver.set_params(number, params_of(self->lease_->device().geometry(), capabilities,
                                               made.request_bytes_max, self->zero_copy()));
  }
  if (done.ok()) done = self->start_queues(options.idle_time);
  if (done.ok()) done = driver.start(number);
  if (done.ok()) return self;
  // Nothing stays behind.
  self->leave();
  (void)driver.remove(number);
  return done.error();
}

Result<std::unique_ptr<Device>> Device::recover(Driver& driver, uint32_t number, uint64_t identity,
                                                std::unique_ptr<device::ExportLease> lease,
                                                Instruments& instruments, Deadline deadline) {
  TRY_ASSIGN(const DeviceInfo info, find(driver, number, identity));
  if (info.state == kStateDead || (info.flags & kRecovery) != kRecovery) {
    TRY(remove_ended(driver, number, deadline));
    return Error(Code::kNotFound,
                 fmt::format("{} ended with the server that had made it", block_path(number)));
  }
  TRY(check_info(info));
  TRY(begin_recovery(driver, number, deadline));
  std::unique_ptr<Device> self(new Device(driver, std::move(lease), instruments, info));
  TRY(self->start_queues(kIdleTime));
  TRY(driver.end_recovery(number));
  instruments.recovered.add();
  // The volume may have grown while nobody could tell the kernel.
  self->told_sectors_ = 0;
  if ((driver.features() & kUpdateSize) != 0) TRY(self->refresh());
  return self;
}

Result<bool> Device::exists(Driver& driver, uint32_t number, uint64_t identity) {
  const Result<DeviceInfo> info = find(driver, number, identity);
  if (info.ok()) return true;
  if (info.error().code == Code::kNotFound) return false;
  return info.error();
}

Status Device::discard(Driver& driver, uint32_t number, uint64_t identity) {
  TRY_ASSIGN(const bool there, exists(driver, number, identity));
  if (!there) return {};
  TRY(driver.stop(number, true));
  return driver.remove(number);
}

Status Device::start_queues(Duration idle_time) {
  device::BlockDevice& disk = lease_->device();
  for (uint16_t i = 0; i < info_.queues; ++i) {
    TRY_ASSIGN(auto channel, driver_.open_queue(info_, i));
    TRY_ASSIGN(auto loop,
               QueueLoop::start(std::move(channel), info_, disk, instruments_, idle_time));
    queues_.push_back(std::move(loop));
  }
  return {};
}

Status Device::refresh() {
  const uint64_t sectors = lease_->device().geometry().size_bytes / kSectorBytes;
  if (sectors == told_sectors_) return {};
  if ((driver_.features() & kUpdateSize) == 0) {
    return Error(Code::kUnsupported,
                 fmt::format("this kernel cannot change the size of {} while it is there (Linux "
                             "6.16 can): detach the volume and attach it again",
                             block_path(number())));
  }
  TRY(driver_.update_size(number(), sectors));
  told_sectors_ = sectors;
  return {};
}

void Device::leave() {
  for (const auto& queue : queues_) queue->request_stop();
  queues_.clear();
}

Status Device::end(bool force) {
  TRY(driver_.stop(number(), force));
  // Every tag has come back.
  leave();
  return driver_.remove(number());
}

}  // namespace strata::ublk
