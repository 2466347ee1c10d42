// Connection: with TLS between it and its socket.

#include <algorithm>
#include <cstring>

#include "blockdev/nbd/connection.h"
#include "common/base/log.h"

namespace strata::nbd {

// What came with STARTTLS or after it was not protected: whoever sent it, it is dropped.
void Connection::start_tls() noexcept {
  receive_begin_ = 0;
  receive_end_ = 0;
  secure_ = std::make_unique<SecureChannel>(context_.options.tls->get());
  handshake_state_ = Negotiation::State::kContinue;
}

// True once the connection is protected; else it waits for the socket, or is closed.
bool Connection::pump_tls_handshake() noexcept {
  if (!secure_->established() && !tls_failed_) {
    const Status status = secure_->handshake();
    tls_failed_ = !status.ok();
    if (tls_failed_) {
      context_.instruments.tls_failed.add();
      log::info("nbd.tls_failed", {{"connection", id_}, {"error", status.error().message}});
    } else if (secure_->established()) {
      negotiation_->tls_started();
    }
  }
  // The handshake's own messages; after a failure an alert that says why.
  if (send_output()) return false;
  if (tls_failed_) {
    close("the TLS handshake failed");
    return false;
  }
  if (secure_->established()) return true;
  receive();
  return false;
}

void Connection::receive_secure() noexcept {
  if (secure_waits_) return;
  const MutableBytes space = secure_->space();
  if (space.empty()) return;
  receive_op_.started = true;
  context_.ring.receive(receive_op_, socket_.get(), space);
}

// Decrypts what has come, as far as there is room for it: a payload's rest first.
void Connection::take_secure() noexcept {
  secure_waits_ = false;
  while (!secure_waits_ && !secure_->ended()) {
    MutableBytes into;
    if (receiving_ != nullptr) into = receiving_->buffer.subspan(receiving_->payload_received);
    const bool payload = !into.empty();
    if (!payload) into = receive_space();
    if (into.empty()) {
      secure_waits_ = true;
      return;
    }
    const Result<size_t> got = secure_->read(into);
    if (!got.ok()) return close("what the client sent does not decrypt");
    if (*got == 0) break;
    (payload ? receiving_->payload_received : receive_end_) += *got;
    // Full: what is inside still must wait until this has been understood.
    secure_waits_ = *got == into.size();
  }
  if (!secure_->ended()) return;
  if (state_ == State::kHandshake) return close("the client left during the handshake");
  ended_ = true;
}

void Connection::parse_secure() noexcept {
  do {
    take_secure();
    parse();
  } while (secure_waits_ && state_ == State::kTransmission && !is_blocked());
  // Like the end of the stream: what came before it is served.
  if (ended_ && !secure_waits_) drain(Deadline::after(kDrainTime).when());
}

// Encrypts the replies as far as there is room, and sends that.
void Connection::send_secure() noexcept {
  while (message_.msg_iovlen > 0) {
    iovec& part = *message_.msg_iov;
    if (part.iov_len > 0) {
      const Result<size_t> taken =
          secure_->write({static_cast<const std::byte*>(part.iov_base), part.iov_len});
      if (!taken.ok()) return close("the TLS session broke");
      // Full: the rest follows when what is encrypted has left.
      if (*taken == 0) break;
      part.iov_base = static_cast<std::byte*>(part.iov_base) + *taken;
      part.iov_len -= *taken;
      if (part.iov_len > 0) continue;
    }
    ++message_.msg_iov;
    --message_.msg_iovlen;
  }
  (void)send_output();
}

// False if there is nothing to send.
bool Connection::send_output() noexcept {
  if (!secure_->has_output()) return false;
  sending_secure_ = secure_->take_output();
  send_op_.started = true;
  context_.ring.send(send_op_, socket_.get(), sending_secure_);
  return true;
}

// After `bytes` have left. True when all that was encrypted has.
bool Connection::sent_secure(size_t bytes) noexcept {
  sending_secure_ = sending_secure_.subspan(bytes);
  if (sending_secure_.empty()) return true;
  send_op_.started = true;
  context_.ring.send(send_op_, socket_.get(), sending_secure_);
  return false;
}

}  // namespace strata::nbd
