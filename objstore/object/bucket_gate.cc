#include "objstore/object/bucket_gate.h"

#include <utility>

#include "common/base/check.h"

namespace strata::object {

SharedGate::Pass& SharedGate::Pass::operator=(Pass&& other) noexcept {
  if (this != &other) {
    release();
    gate_ = std::exchange(other.gate_, nullptr);
    alone_ = other.alone_;
  }
  return *this;
}

void SharedGate::Pass::release() noexcept {
  if (SharedGate* gate = std::exchange(gate_, nullptr)) gate->leave(alone_);
}

bool SharedGate::Awaiter::await_suspend(std::coroutine_handle<> waiter) {
  const std::lock_guard lock(gate_.mutex_);
  const bool nobody_waits = gate_.first_ == nullptr;
  if (nobody_waits && !gate_.taken_alone_ && (!alone_ || gate_.sharing_ == 0)) {
    if (alone_) {
      gate_.taken_alone_ = true;
    } else {
      ++gate_.sharing_;
    }
    return false;
  }
  loop_ = &async::EventLoop::current();
  waiter_ = waiter;
  (nobody_waits ? gate_.first_ : gate_.last_->next_) = this;
  gate_.last_ = this;
  return true;
}

void SharedGate::leave(bool alone) noexcept {
  const std::lock_guard lock(mutex_);
  if (alone) {
    CHECK(taken_alone_);
    taken_alone_ = false;
  } else {
    CHECK(sharing_ > 0);
    --sharing_;
  }
  admit();
}

void SharedGate::admit() noexcept {
  while (first_ != nullptr && !taken_alone_ && (!first_->alone_ || sharing_ == 0)) {
    Awaiter* const next = first_;
    first_ = next->next_;
    if (first_ == nullptr) last_ = nullptr;
    if (next->alone_) {
      taken_alone_ = true;
    } else {
      ++sharing_;
    }
    next->loop_->post(next->waiter_);  // its frame may be gone from here on
  }
}

}  // namespace strata::object
