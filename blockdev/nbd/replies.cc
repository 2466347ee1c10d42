// Connection: replies out.

#include <cerrno>
#include <climits>

#include "blockdev/nbd/connection.h"

namespace strata::nbd {
namespace {

// Parts of one send; the kernel takes no more (UIO_MAXIOV).
constexpr size_t kPartsMax = IOV_MAX;

}  // namespace

void Connection::push_reply(Slot& slot) noexcept {
  slot.next = nullptr;
  (ready_first_ == nullptr ? ready_first_ : ready_last_->next) = &slot;
  ready_last_ = &slot;
}

// All replies that are ready leave in one send; those that become ready meanwhile in the next.
void Connection::send_replies() noexcept {
  if (send_op_.started || ready_first_ == nullptr) return;
  parts_.clear();
  sending_ = ready_first_;
  Slot* last = nullptr;
  for (Slot* slot = ready_first_; slot != nullptr; slot = slot->next) {
    const size_t count = slot->part_count > 0 ? slot->part_count : 2;
    if (parts_.size() + count > kPartsMax) break;
    if (slot->part_count > 0) {
      const auto* const own = reinterpret_cast<const iovec*>(slot->chunks);
      parts_.insert(parts_.end(), own, own + slot->part_count);
    } else {
      parts_.push_back({slot->reply.data(), slot->reply_bytes});
      if (slot->body_bytes > 0) parts_.push_back({slot->buffer.data(), slot->body_bytes});
    }
    last = slot;
  }
  ready_first_ = std::exchange(last->next, nullptr);
  message_ = {};
  message_.msg_iov = parts_.data();
  message_.msg_iovlen = parts_.size();
  send_rest();
}

void Connection::send_rest() noexcept {
  if (secure_ != nullptr) return send_secure();
  send_op_.started = true;
  context_.ring.send_message(send_op_, socket_.get(), &message_);
}

void Connection::on_sent() noexcept {
  send_op_.arrived = false;
  send_op_.started = false;
  const int32_t result = send_op_.result;
  if (state_ == State::kClosed) return;
  const bool again = result == -EINTR || result == -EAGAIN;
  if (result < 0 && !again) return close("the client is gone");
  progress_ = context_.now;
  size_t bytes = again ? 0 : static_cast<size_t>(result);
  if (secure_ != nullptr) {
    if (!sent_secure(bytes)) return;
    bytes = 0;
    if (state_ != State::kHandshake && message_.msg_iovlen > 0) return send_secure();
  }
  if (state_ == State::kHandshake) {
    handshake_sent_ += bytes;
    return;
  }
  while (message_.msg_iovlen > 0 && bytes >= message_.msg_iov->iov_len) {
    bytes -= message_.msg_iov->iov_len;
    ++message_.msg_iov;
    --message_.msg_iovlen;
  }
  if (message_.msg_iovlen > 0) {
    message_.msg_iov->iov_base = static_cast<std::byte*>(message_.msg_iov->iov_base) + bytes;
    message_.msg_iov->iov_len -= bytes;
    return send_rest();
  }
  while (sending_ != nullptr) {
    Slot& slot = *sending_;
    sending_ = slot.next;
    free_slot(slot);
  }
}

}  // namespace strata::nbd
