#include "common/http/channel.h"

#include <sys/socket.h>

#include <array>
#include <utility>

namespace strata::http {

async::Task<Status> Channel::flush(Deadline deadline) {
  tls::Session& session = encryption->session;
  const Bytes waiting = session.output();
  if (waiting.empty()) co_return Status();
  Status status = co_await socket.send_all(waiting, {}, deadline);
  if (!status.ok()) {
    broken = true;
    co_return status;
  }
  session.consume(waiting.size());
  co_return Status();
}

async::Task<Result<size_t>> Channel::receive_encrypted(Deadline deadline) {
  ReadBuffer& from_peer = encryption->received;
  from_peer.reserve(encryption->in_bulk ? BlockPool::kBlockBytes : ReadBuffer::kIdleBytes);
  const MutableBytes space = from_peer.space();
  CHECK(!space.empty(), "a session leaves nothing unread that it has room for");
  Result<size_t> got = co_await socket.receive(space, deadline);
  if (!got.ok()) co_return got;
  from_peer.commit(*got);
  encryption->in_bulk = *got == space.size();
  co_return got;
}

async::Task<Status> Channel::begin_tls(std::shared_ptr<const tls::Context> context,
                                       Deadline deadline) {
  encryption = std::make_unique<Encryption>(std::move(context), pool);
  tls::Session& session = encryption->session;
  for (;;) {
    Bytes input = encryption->received.bytes();
    const size_t before = input.size();
    Status status = session.handshake(input);
    encryption->received.consume(before - input.size());
    if (!status.ok() && status.error().reason == tls::kReasonNotTls) {
      encryption.reset();
      co_return status;
    }
    // Also after a failure: an alert tells the peer what is wrong.
    Status flushed = co_await flush(deadline);
    if (!status.ok()) {
      broken = true;
      co_return status;
    }
    if (!flushed.ok()) co_return flushed;
    if (session.established()) co_return Status();
    Result<size_t> got = co_await receive_encrypted(deadline);
    if (!got.ok() || *got == 0) {
      broken = true;
      if (!got.ok()) co_return std::move(got).error();
      co_return Error(Code::kClosed, "the peer left within the TLS handshake");
    }
  }
}

async::Task<Status> Channel::send(Bytes first, Bytes second, Duration timeout) {
  const uint64_t bytes = first.size() + second.size();
  Status status;
  if (encryption) {
    status = co_await send_encrypted(first, second, timeout);
  } else {
    status = co_await socket.send_all(first, second, Deadline::after(timeout));
  }
  if (status.ok()) {
    sent += bytes;
  } else {
    broken = true;
  }
  co_return status;
}

async::Task<Status> Channel::send_encrypted(Bytes first, Bytes second, Duration timeout) {
  tls::Session& session = encryption->session;
  std::array<Bytes, 2> pieces = {first, second};
  for (Bytes& piece : pieces) {
    while (!piece.empty()) {
      Result<size_t> taken = session.write(piece);
      if (!taken.ok()) co_return std::move(taken).error();
      piece = piece.subspan(*taken);
      if (piece.empty()) break;
      Status flushed = co_await flush(Deadline::after(timeout));
      if (!flushed.ok()) co_return flushed;
    }
  }
  Status flushed = co_await flush(Deadline::after(timeout));
  co_return flushed;
}

async::Task<Result<size_t>> Channel::fill(Deadline deadline) {
  Result<size_t> got = size_t{0};
  if (encryption) {
    got = co_await fill_decrypted(deadline);
  } else {
    got = co_await socket.receive(buffer.space(), deadline);
  }
  if (got.ok()) {
    buffer.commit(*got);
    received += *got;
  }
  co_return got;
}

async::Task<Result<size_t>> Channel::fill_decrypted(Deadline deadline) {
  tls::Session& session = encryption->session;
  buffer.reserve(ReadBuffer::kIdleBytes);
  for (;;) {
    Bytes input = encryption->received.bytes();
    const size_t before = input.size();
    Result<size_t> got = session.read(input, buffer.space());
    encryption->received.consume(before - input.size());
    // An alert for a bad record, or the answer to a key update.
    Status flushed = co_await flush(deadline);
    if (!got.ok()) {
      broken = true;
      co_return Error(Code::kClosed, std::move(got).error().message);
    }
    if (*got > 0) co_return got;
    if (session.ended()) co_return size_t{0};
    if (!flushed.ok()) co_return std::move(flushed).error();
    // A peer that ends without saying so cut the connection off; the message framing tells what
    // that means.
    Result<size_t> arrived = co_await receive_encrypted(deadline);
    if (!arrived.ok() || *arrived == 0) co_return arrived;
  }
}

async::Task<bool> Channel::end_sending(Deadline deadline) {
  if (encryption && encryption->session.established()) {
    encryption->session.close();
    Status flushed = co_await flush(deadline);
    if (!flushed.ok()) co_return false;
  }
  co_return ::shutdown(socket.fd(), SHUT_WR) == 0;
}

void Channel::shrink() {
  buffer.shrink();
  if (!encryption) return;
  encryption->received.shrink();
  encryption->session.shrink();
}

}  // namespace strata::http
