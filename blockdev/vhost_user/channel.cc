#include "blockdev/vhost_user/channel.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

#include "blockdev/vhost_user/message.h"

namespace strata::vhost_user {
namespace {

bool again(ssize_t result) noexcept {
  return result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

}  // namespace

Channel::State Channel::receive(Incoming& out) {
  while (header_bytes_ < sizeof header_) {
    if (const State state = read_header(); state != State::kMessage) return state;
    if (header_bytes_ < sizeof header_) continue;
    problem_ = check_header(header_);
    if (!problem_.empty()) return State::kClosed;
  }
  while (payload_bytes_ < header_.size) {
    const ssize_t got = recv(socket_, payload_.data() + payload_bytes_,
                             header_.size - payload_bytes_, MSG_DONTWAIT);
    if (again(got)) return State::kNothing;
    if (got <= 0) {
      problem_ = "the front end left in the middle of a message";
      return State::kClosed;
    }
    payload_bytes_ += static_cast<size_t>(got);
  }
  out.header = header_;
  out.payload = Bytes(payload_).first(payload_bytes_);
  out.fds = std::move(fds_);
  fds_.clear();
  header_bytes_ = 0;
  payload_bytes_ = 0;
  return State::kMessage;
}

Channel::State Channel::read_header() {
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kFdsMax * sizeof(int))> control;
  iovec part{reinterpret_cast<std::byte*>(&header_) + header_bytes_,
             sizeof header_ - header_bytes_};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t got = recvmsg(socket_, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (again(got)) return State::kNothing;
  if (got < 0) {
    problem_ = "the connection broke";
    return State::kClosed;
  }
  // Taken before anything is judged: from here on they are closed in any case.
  const bool fds_good = take_fds(&message);
  if (got == 0) {
    if (header_bytes_ > 0) problem_ = "the front end left in the middle of a message";
    return State::kClosed;
  }
  if (!fds_good) {
    problem_ = "a message comes with too many file descriptors";
    return State::kClosed;
  }
  header_bytes_ += static_cast<size_t>(got);
  return State::kMessage;
}

bool Channel::take_fds(const void* received) {
  auto* const message = static_cast<msghdr*>(const_cast<void*>(received));
  for (cmsghdr* part = CMSG_FIRSTHDR(message); part != nullptr; part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      fds_.emplace_back(fd);
    }
  }
  return (message->msg_flags & MSG_CTRUNC) == 0 && fds_.size() <= kFdsMax;
}

bool Channel::reply(const MessageHeader& to, Bytes payload, int fd) noexcept {
  MessageHeader header{to.request, kVersion | kFlagReply, static_cast<uint32_t>(payload.size())};
  std::array<iovec, 2> parts{};
  parts[0] = {&header, sizeof header};
  parts[1] = {const_cast<std::byte*>(payload.data()), payload.size()};
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof fd)> control{};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  if (fd >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* const part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(part), &fd, sizeof fd);
  }
  const ssize_t sent = sendmsg(socket_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent == static_cast<ssize_t>(sizeof header + payload.size());
}

bool send_backend_message(int socket, uint32_t request) noexcept {
  const MessageHeader header{request, kVersion, 0};
  return send(socket, &header, sizeof header, MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof header;
}

}  // namespace strata::vhost_user
