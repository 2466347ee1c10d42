// Channel: the socket of one front end: whole messages with their file descriptors in, replies out.
// It never waits: what is not there yet is taken in a later turn.
//
// Descriptors come with the header; those that nobody takes are closed with the message. Thread
// rule: its session's thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "blockdev/vhost_user/protocol.h"
#include "common/base/bytes.h"
#include "common/base/unique_fd.h"

namespace strata::vhost_user {

// What came: valid until the next receive.
struct Incoming {
  MessageHeader header;
  Bytes payload;
  std::vector<UniqueFd> fds;
};

class Channel {
 public:
  enum class State : uint8_t { kMessage, kNothing, kClosed };

  // socket: a connected stream socket, owned by somebody else.
  explicit Channel(int socket) noexcept : socket_(socket) {}

  // kClosed: the stream ended, or cannot be followed; problem() says why, empty for a plain end.
  [[nodiscard]] State receive(Incoming& out);
  [[nodiscard]] std::string_view problem() const noexcept { return problem_; }

  // A reply to the message of that header. fd: sent along, or -1. False if it cannot be sent now: a
  // front end that does not read its replies is not served.
  [[nodiscard]] bool reply(const MessageHeader& to, Bytes payload, int fd = -1) noexcept;

 private:
  [[nodiscard]] State read_header();
  [[nodiscard]] bool take_fds(const void* message);

  const int socket_;
  MessageHeader header_;
  size_t header_bytes_ = 0;
  std::array<std::byte, kPayloadBytesMax> payload_{};
  size_t payload_bytes_ = 0;
  std::vector<UniqueFd> fds_;
  std::string_view problem_;
};

// A message of this server's own, on the socket that SET_BACKEND_REQ_FD brought: nothing is
// awaited.
[[nodiscard]] bool send_backend_message(int socket, uint32_t request) noexcept;

}  // namespace strata::vhost_user
