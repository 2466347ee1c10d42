#include "blockdev/vhost_user/shared.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <utility>

#include "blockdev/vhost_user/queue.h"

namespace strata::vhost_user {

std::byte* BouncePool::take() noexcept {
  constexpr size_t kAlignment = 4096;
  if (free_.empty() && all_.size() < kBuffersMax) {
    auto* const memory = static_cast<std::byte*>(std::aligned_alloc(kAlignment, kBufferBytes));
    if (memory != nullptr) {
      all_.emplace_back(memory);
      return memory;
    }
  }
  if (free_.empty()) return nullptr;
  std::byte* const out = free_.back();
  free_.pop_back();
  return out;
}

void BouncePool::wait(Slot& slot) noexcept {
  slot.next = nullptr;
  (first_ == nullptr ? first_ : last_->next) = &slot;
  last_ = &slot;
}

Slot* BouncePool::next_waiting() noexcept {
  Slot* const out = first_;
  if (out != nullptr) first_ = std::exchange(out->next, nullptr);
  return out;
}

void Signal::set(UniqueFd fd) noexcept {
  fd_ = std::move(fd);
  may_block_ = fd_.valid() && (fcntl(fd_.get(), F_GETFL) & O_NONBLOCK) == 0;
}

void Signal::raise() const noexcept {
  if (!fd_.valid()) return;
  pollfd asked{fd_.get(), POLLOUT, 0};
  if (may_block_ && poll(&asked, 1, 0) != 1) return;
  const uint64_t one = 1;
  // Full, and so already signalled, or broken by its owner: nothing to be done.
  [[maybe_unused]] const ssize_t written = write(fd_.get(), &one, sizeof one);
}

bool Shared::has_grown() noexcept {
  const uint64_t now_bytes = device->geometry().size_bytes;
  if (now_bytes <= device_bytes) return false;
  device_bytes = now_bytes;
  return true;
}

std::unique_ptr<Watch> Shared::watch(UniqueFd fd) {
  auto out = std::make_unique<Watch>();
  out->fd = std::move(fd);
  out->complete = [](ring::Operation& op, int32_t /*result*/) noexcept {
    auto& self = static_cast<Watch&>(op);
    self.armed = false;
    self.fired = true;
  };
  arm(*out);
  return out;
}

void Shared::arm(Watch& watch) noexcept {
  watch.fired = false;
  watch.armed = true;
  ring.poll(watch, watch.fd.get(), POLLIN);
}

void Shared::retire(std::unique_ptr<Watch> watch) {
  if (watch == nullptr || !watch->armed) return;
  ring.cancel(*watch);
  retired.push_back(std::move(watch));
}

void Shared::sweep() noexcept {
  std::erase_if(retired, [](const auto& watch) { return !watch->armed; });
}

}  // namespace strata::vhost_user
