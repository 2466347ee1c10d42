#include "blockdev/vhost_user/session.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include "common/base/log.h"

namespace strata::vhost_user {
namespace {

// Turns over the queues before the loop is asked for completions again.
constexpr int kRoundsMax = 4;

// What requests under way stand on.
bool needs_quiet(Message kind) noexcept {
  switch (kind) {
    case Message::kSetFeatures:
    case Message::kResetOwner:
    case Message::kSetMemTable:
    case Message::kSetVringNum:
    case Message::kSetVringAddr:
    case Message::kSetVringBase:
    case Message::kGetVringBase:
    case Message::kSetInflightFd:
    case Message::kResetDevice:
    case Message::kAddMemRegion:
    case Message::kRemoveMemRegion:
      return true;
    default:
      return false;
  }
}

bool has_own_reply(Message kind) noexcept {
  switch (kind) {
    case Message::kGetFeatures:
    case Message::kGetProtocolFeatures:
    case Message::kGetQueueNum:
    case Message::kGetVringBase:
    case Message::kGetConfig:
    case Message::kGetInflightFd:
    case Message::kGetMaxMemSlots:
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<std::unique_ptr<Session>> Session::open(const Ground& ground, UniqueFd socket,
                                               std::unique_ptr<device::ExportLease> lease) {
  std::unique_ptr<Session> self(new Session(ground, std::move(socket), std::move(lease)));
  Shared& shared = self->shared_;
  TRY_ASSIGN(shared.block, shared.device->open_queue(ground.ring));
  for (uint32_t i = 0; i < ground.options.queues; ++i) {
    self->queues_.push_back(std::make_unique<Queue>(shared, i));
  }
  // A duplicate: the watch may outlive the session's own descriptor's use.
  UniqueFd watched(fcntl(self->socket_.get(), F_DUPFD_CLOEXEC, 0));
  if (!watched.valid()) return errno_error(errno, "watching a front end's socket");
  self->watch_ = shared.watch(std::move(watched));
  return self;
}

Session::Session(const Ground& ground, UniqueFd socket, std::unique_ptr<device::ExportLease> lease)
    : options_(ground.options),
      socket_(std::move(socket)),
      lease_(std::move(lease)),
      shared_(ground.ring, ground.instruments, ground.now),
      channel_(socket_.get()) {
  shared_.device = &lease_->device();
  shared_.capabilities = shared_.device->capabilities();
  shared_.device_bytes = shared_.device->geometry().size_bytes;
  shared_.serial = options_.serial;
  told_bytes_ = shared_.device_bytes;
}

Session::~Session() {
  queues_.clear();
  shared_.block.reset();
}

bool Session::finished() const noexcept {
  return state_ == State::kClosed && shared_.in_device == 0 && shared_.retired.empty();
}

bool Session::hung_up() const noexcept {
  pollfd asked{socket_.get(), POLLRDHUP, 0};
  return state_ != State::kOpen || poll(&asked, 1, 0) > 0;
}

bool Session::pump() {
  shared_.sweep();
  if (state_ == State::kClosed) return false;
  bool more = true;
  for (int round = 0; more && round < kRoundsMax; ++round) {
    shared_.pump_wanted = false;
    more = false;
    for (const auto& queue : queues_) {
      more = queue->pump(state_ == State::kOpen && !pending_) || more;
    }
    if (shared_.memory.lost() || inflight_.lost()) {
      close("it took away memory that it shares");
      return false;
    }
    if (pending_ && shared_.active == 0) {
      pending_ = false;
      dispatch();
    }
    if (state_ == State::kOpen && !pending_) read_messages();
    if (state_ == State::kClosed) return false;
    more = more || shared_.pump_wanted;
  }
  if (state_ == State::kDraining && shared_.active == 0) {
    close("");
    return false;
  }
  if (watch_ != nullptr && !watch_->armed && state_ == State::kOpen && !pending_) {
    shared_.arm(*watch_);
  }
  return more;
}

void Session::drain() {
  if (state_ == State::kOpen) state_ = State::kDraining;
}

void Session::close(std::string_view why) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  if (why.empty()) {
    log::info("vhost_user.closed", {{"export", options_.label}});
  } else {
    log::warning("vhost_user.closed", {{"export", options_.label}, {"reason", why}});
  }
  for (const auto& queue : queues_) queue->abandon();
  shared_.retire(std::move(watch_));
  shutdown(socket_.get(), SHUT_RDWR);
}

void Session::refresh() {
  (void)shared_.has_grown();
  if (state_ != State::kOpen || shared_.device_bytes == told_bytes_) return;
  if (!backend_channel_.valid() || (protocol_features_ & kProtocolConfig) == 0) return;
  told_bytes_ = shared_.device_bytes;
  if (!send_backend_message(backend_channel_.get(), kBackendConfigChange)) {
    log::warning("vhost_user.resize_not_told", {{"export", options_.label}});
  }
}

void Session::read_messages() {
  if (watch_ == nullptr || !watch_->fired) return;
  while (state_ == State::kOpen && !pending_) {
    const Channel::State state = channel_.receive(incoming_);
    if (state == Channel::State::kNothing) {
      watch_->fired = false;
      return;
    }
    if (state == Channel::State::kClosed) return close(channel_.problem());
    const std::string_view problem =
        decode(incoming_.header, incoming_.payload, incoming_.fds.size(), request_);
    if (!problem.empty()) {
      return close(fmt::format("{} ({}): {}", name_of(incoming_.header.request),
                               incoming_.header.request, problem));
    }
    if (needs_quiet(request_.kind) && shared_.active > 0) {
      pending_ = true;
      return;
    }
    dispatch();
  }
}

void Session::dispatch() {
  const Status done = carry_out(request_, incoming_.fds);
  shared_.pump_wanted = true;
  incoming_.fds.clear();
  if (state_ == State::kClosed) return;
  const std::string_view name = name_of(incoming_.header.request);
  const bool told = request_.need_reply && (protocol_features_ & kProtocolReplyAck) != 0 &&
                    !has_own_reply(request_.kind);
  if (!done.ok()) {
    log::warning("vhost_user.refused",
                 {{"export", options_.label}, {"message", name}, {"reason", done.error().message}});
    if (!told) return close(fmt::format("{} was refused", name));
  }
  if (told) answer_number(done.ok() ? 0 : 1);
}

void Session::answer(Bytes payload, int fd) {
  if (!channel_.reply(incoming_.header, payload, fd)) close("it does not read its replies");
}

void Session::answer_number(uint64_t number) {
  answer(std::as_bytes(std::span(&number, 1)));
}

uint64_t Session::offered_features() const noexcept {
  uint64_t out = kBlkSegMax | kBlkBlockSize | kBlkTopology | kRingIndirect | kRingEventIndex |
                 kProtocolFeatures | kVersion1;
  if (options_.queues > 1) out |= kBlkMultiQueue;
  const device::Capabilities& can = shared_.capabilities;
  if (can.flush) out |= kBlkFlush | kBlkConfigWce;
  if (can.read_only) return out | kBlkReadOnly;
  if (can.trim) out |= kBlkDiscard;
  if (can.write_zeroes) out |= kBlkWriteZeroes;
  return out;
}

}  // namespace strata::vhost_user
