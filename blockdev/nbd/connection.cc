#include "blockdev/nbd/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "blockdev/nbd/peer.h"
#include "common/base/log.h"

namespace strata::nbd {
namespace {

// Takes many request headers, or some small writes with their payload, in one receive.
constexpr size_t kReceiveBytes = 64 * kKiB;

}  // namespace

void PumpList::add(Connection& connection) noexcept {
  if (connection.in_pump_list_) return;
  connection.in_pump_list_ = true;
  connection.next_pump_ = std::exchange(head_, &connection);
}

Connection* PumpList::pop() noexcept {
  Connection* const first = head_;
  if (first == nullptr) return nullptr;
  head_ = std::exchange(first->next_pump_, nullptr);
  first->in_pump_list_ = false;
  return first;
}

Connection::Connection(ConnectionContext context, Listener arrival, uint64_t id)
    : context_(context),
      socket_(std::move(arrival.socket)),
      id_(id),
      receive_buffer_(std::make_unique_for_overwrite<std::byte[]>(kReceiveBytes)),
      negotiation_(std::make_unique<Negotiation>(context.exports, arrival.tls,
                                                 peer_of(socket_.get()), &context.uses)) {
  // Replies must not wait for each other. On a Unix socket this fails, and is not needed.
  const int on = 1;
  (void)setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // A peer that vanished without a word is noticed after two minutes.
  constexpr int kKeepIdleSeconds = 60;
  constexpr int kKeepIntervalSeconds = 15;
  constexpr int kKeepProbes = 4;
  (void)setsockopt(socket_.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  (void)setsockopt(socket_.get(), IPPROTO_TCP, TCP_KEEPIDLE, &kKeepIdleSeconds, sizeof(int));
  (void)setsockopt(socket_.get(), IPPROTO_TCP, TCP_KEEPINTVL, &kKeepIntervalSeconds, sizeof(int));
  (void)setsockopt(socket_.get(), IPPROTO_TCP, TCP_KEEPCNT, &kKeepProbes, sizeof(int));
  const auto arrived = [](ring::Operation& op, int32_t result) noexcept {
    auto& self = static_cast<SocketOperation&>(op);
    self.result = result;
    self.arrived = true;
    self.connection->context_.pumps.add(*self.connection);
  };
  for (SocketOperation* op : {&receive_op_, &send_op_}) {
    op->connection = this;
    op->complete = arrived;
  }
  Negotiation::greeting(handshake_out_);
  set_due(Deadline::after(context.options.handshake_time).when());
}

Connection::~Connection() {
  queue_.reset();
  for (Slot& slot : slots_) {
    if (slot.memory != nullptr) {
      *export_bytes_ -= slot.memory_bytes;
      context_.buffers.give_back(slot.memory, slot.memory_bytes);
    }
    if (slot.chunks != nullptr) context_.buffers.give_back(slot.chunks, kChunkMemoryBytes);
  }
}

bool Connection::finished() const noexcept {
  return state_ == State::kClosed && !receive_op_.started && !send_op_.started && in_device_ == 0;
}

void Connection::set_due(SteadyTime due) noexcept {
  due_ = due;
  context_.next_due = std::min(context_.next_due, due);
}

void Connection::pump() noexcept {
  if (receive_op_.arrived) on_received();
  if (send_op_.arrived) on_sent();
  if (state_ == State::kHandshake) pump_handshake();
  if (state_ == State::kTransmission) {
    if (secure_ == nullptr) {
      parse();
    } else {
      parse_secure();
    }
    send_replies();
    // Answers of the protocol itself, to new keys and the like.
    if (secure_ != nullptr && !send_op_.started) (void)send_output();
    receive();
    watch_progress();
  } else if (state_ == State::kDraining) {
    send_replies();
    if (in_device_ == 0 && !send_op_.started) {
      if (secure_ != nullptr) secure_->close();
      if (secure_ == nullptr || !send_output()) close("");
    }
  }
}

// Whoever is in the middle of something must get on with it; who is idle may stay so.
void Connection::watch_progress() noexcept {
  if (state_ != State::kTransmission) return;
  const bool owes = send_op_.started || receiving_ != nullptr || drain_bytes_ > 0;
  if (owes && !owes_) progress_ = context_.now;
  owes_ = owes;
  set_due(owes ? progress_ + context_.options.stall_time : SteadyTime::max());
}

void Connection::on_received() noexcept {
  receive_op_.arrived = false;
  receive_op_.started = false;
  const int32_t result = receive_op_.result;
  if (state_ == State::kDraining || state_ == State::kClosed) return;
  if (result == -EINTR || result == -EAGAIN) return;
  if (result < 0) return close("the connection broke");
  if (result == 0) {
    if (state_ == State::kHandshake) return close("the client left during the handshake");
    return drain(Deadline::after(kDrainTime).when());
  }
  progress_ = context_.now;
  auto bytes = static_cast<uint64_t>(result);
  if (secure_ != nullptr) return secure_->received(bytes);
  if (receiving_ != nullptr) {
    const uint64_t payload =
        std::min(bytes, receiving_->buffer.size() - receiving_->payload_received);
    receiving_->payload_received += payload;
    bytes -= payload;
  }
  receive_end_ += bytes;
}

void Connection::pump_handshake() noexcept {
  // One answer at a time: the next option is read when the last answer has left.
  while (state_ == State::kHandshake && !send_op_.started) {
    if (secure_ != nullptr && !pump_tls_handshake()) return;
    if (handshake_sent_ < handshake_out_.size()) return send_handshake();
    handshake_out_.clear();
    handshake_sent_ = 0;
    if (handshake_state_ == Negotiation::State::kTransmission) return enter_transmission();
    if (handshake_state_ == Negotiation::State::kClosed) return close(negotiation_->problem());
    if (handshake_state_ == Negotiation::State::kStartTls) {
      start_tls();
      continue;
    }
    if (secure_ != nullptr && available() == 0) take_secure();
    if (available() == 0) return receive();
    feed_handshake();
  }
}

void Connection::send_handshake() noexcept {
  const Bytes rest = Bytes(handshake_out_).subspan(handshake_sent_);
  if (secure_ == nullptr) {
    send_op_.started = true;
    return context_.ring.send(send_op_, socket_.get(), rest);
  }
  const Result<size_t> taken = secure_->write(rest);
  if (!taken.ok()) return close("the TLS session broke");
  handshake_sent_ += *taken;
  (void)send_output();
}

void Connection::feed_handshake() noexcept {
  const Bytes input(receive_buffer_.get() + receive_begin_, available());
  const Negotiation::Step step = negotiation_->consume(input, handshake_out_);
  receive_begin_ += step.consumed;
  handshake_state_ = step.state;
  if (step.state != Negotiation::State::kTransmission) return;
  // Before the client hears that it is served: what serving needs must be there.
  lease_ = negotiation_->take_lease();
  use_ = negotiation_->take_use();
  export_bytes_ = &context_.export_bytes[use_->name()];
  auto queue = lease_->device().open_queue(context_.ring);
  if (!queue.ok()) {
    log::error("nbd.queue_failed", {{"connection", id_}, {"error", queue.error().to_string()}});
    return close("the volume cannot be used");
  }
  queue_ = std::move(queue).value();
}

void Connection::enter_transmission() noexcept {
  log::info("nbd.opened", {{"connection", id_}, {"export", negotiation_->export_name()}});
  session_ = negotiation_->session();
  request_bytes_ = session_.extended ? kExtendedRequestBytes : kRequestBytes;
  negotiation_.reset();
  handshake_out_ = {};
  capabilities_ = lease_->device().capabilities();
  device_bytes_ = lease_->device().geometry().size_bytes;
  slots_ = std::vector<Slot>(context_.options.requests_in_flight_max);
  for (Slot& slot : slots_) {
    slot.connection = this;
    slot.complete = [](device::IoRequest& request, int32_t error) noexcept {
      auto& done = static_cast<Slot&>(request);
      done.connection->completed(done, error);
    };
    slot.next = std::exchange(free_, &slot);
  }
  parts_.reserve(IOV_MAX);
  set_due(SteadyTime::max());
  state_ = State::kTransmission;
}

MutableBytes Connection::receive_space() noexcept {
  if (receive_begin_ > 0) {
    std::memmove(receive_buffer_.get(), receive_buffer_.get() + receive_begin_, available());
    receive_end_ -= receive_begin_;
    receive_begin_ = 0;
  }
  return {receive_buffer_.get() + receive_end_, kReceiveBytes - receive_end_};
}

// Receives the rest of a payload into its buffer and what follows into the receive buffer.
void Connection::receive() noexcept {
  if (receive_op_.started || state_ == State::kDraining || state_ == State::kClosed) return;
  // Requests are waiting for a slot or a buffer: what comes next must wait in the socket.
  if (is_blocked()) return;
  if (secure_ != nullptr) return receive_secure();
  const MutableBytes space = receive_space();
  receive_op_.started = true;
  if (receiving_ == nullptr) return context_.ring.receive(receive_op_, socket_.get(), space);
  const MutableBytes rest = receiving_->buffer.subspan(receiving_->payload_received);
  receive_parts_ = {iovec{rest.data(), rest.size()}, iovec{space.data(), space.size()}};
  context_.ring.read_vector(receive_op_, socket_.get(), receive_parts_.data(), 2, 0);
}

void Connection::drain(SteadyTime until) noexcept {
  if (state_ == State::kHandshake) return close("the server stops");
  if (state_ != State::kTransmission) return;
  state_ = State::kDraining;
  set_due(until);
  if (receive_op_.started) context_.ring.cancel(receive_op_);
  context_.pumps.add(*this);
}

void Connection::close(std::string_view why) noexcept {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  set_due(SteadyTime::max());
  // Ends the receive and the send that the kernel may hold.
  ::shutdown(socket_.get(), SHUT_RDWR);
  context_.pumps.add(*this);
  log::info("nbd.closed", {{"connection", id_}, {"problem", why}});
}

}  // namespace strata::nbd
