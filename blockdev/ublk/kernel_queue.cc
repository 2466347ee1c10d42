#include "blockdev/ublk/kernel_queue.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <span>

#include "common/base/check.h"
#include "common/ring/command.h"

namespace strata::ublk {
namespace {

int32_t outcome(ssize_t moved, size_t wanted) noexcept {
  if (moved < 0) return -errno;
  return moved == static_cast<ssize_t>(wanted) ? 0 : -EIO;
}

}  // namespace

Result<std::unique_ptr<QueueChannel>> KernelQueue::open(std::shared_ptr<UniqueFd> device,
                                                        const DeviceInfo& info, uint16_t queue,
                                                        bool encoded) {
  std::unique_ptr<KernelQueue> self(new KernelQueue(std::move(device), info, queue, encoded));
  const auto page_bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t bytes = round_up(info.depth * sizeof(IoDescriptor), page_bytes);
  void* const memory =
      mmap(nullptr, bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, self->device_->get(),
           static_cast<off_t>(descriptors_at(queue, page_bytes)));
  if (memory == MAP_FAILED) return errno_error(errno, "mapping the requests of a ublk device");
  self->descriptors_ = {static_cast<std::byte*>(memory), bytes};
  return std::unique_ptr<QueueChannel>(std::move(self));
}

KernelQueue::~KernelQueue() {
  if (!descriptors_.empty()) munmap(descriptors_.data(), descriptors_.size());
}

void KernelQueue::fetch(ring::Ring& ring, ring::Operation& arrived, uint16_t tag,
                        const TagData& data) noexcept {
  say(ring, arrived, QueueCommand::kFetch, tag, -1, data);
}

void KernelQueue::commit_and_fetch(ring::Ring& ring, ring::Operation& arrived, uint16_t tag,
                                   int32_t result, const TagData& data) noexcept {
  say(ring, arrived, QueueCommand::kCommitAndFetch, tag, result, data);
}

void KernelQueue::say(ring::Ring& ring, ring::Operation& arrived, QueueCommand command,
                      uint16_t tag, int32_t result, const TagData& data) noexcept {
  // The kernel refuses an address where it copies only when told to.
  const QueueWire wire{queue_, tag, result,
                       user_copy_ ? 0 : reinterpret_cast<uintptr_t>(data.memory)};
  ring::send_command(ring, arrived, device_->get(), on_wire(command, encoded_),
                     std::as_bytes(std::span(&wire, 1)),
                     auto_buffers_ ? auto_buffer(data.buffer) : 0);
}

IoDescriptor KernelQueue::descriptor(uint16_t tag) const noexcept {
  CHECK(tag < depth_);
  IoDescriptor out;
  std::memcpy(&out, descriptors_.data() + tag * sizeof out, sizeof out);
  return out;
}

int32_t KernelQueue::copy_in(uint16_t tag, MutableBytes into) noexcept {
  const auto place = static_cast<off_t>(data_at(queue_, tag));
  return outcome(pread(device_->get(), into.data(), into.size(), place), into.size());
}

int32_t KernelQueue::copy_out(uint16_t tag, Bytes from) noexcept {
  const auto place = static_cast<off_t>(data_at(queue_, tag));
  return outcome(pwrite(device_->get(), from.data(), from.size(), place), from.size());
}

}  // namespace strata::ublk
