// A small blocking NBD client that can also misbehave: it sends what a test tells it to.
#pragma once

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "blockdev/nbd/protocol.h"
#include "common/base/check.h"
#include "common/base/unique_fd.h"

namespace strata::testing {

class NbdClient {
 public:
  // Connects to the Unix socket; receives give up after ten seconds.
  explicit NbdClient(const std::string& path)
      : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    CHECK(connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    CHECK(setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
  }
  virtual ~NbdClient() = default;
  NbdClient(NbdClient&&) = default;
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  virtual bool send_all(Bytes bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) return false;
      bytes = bytes.subspan(static_cast<size_t>(sent));
    }
    return true;
  }
  // False at the end of the stream, or after ten seconds.
  virtual bool receive_all(MutableBytes bytes) {
    while (!bytes.empty()) {
      const ssize_t got = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      bytes = bytes.subspan(static_cast<size_t>(got));
    }
    return true;
  }
  // True when the server has closed the connection and nothing is left to read.
  bool at_end() {
    std::byte one;
    while (true) {
      const ssize_t got = ::recv(fd_.get(), &one, 1, 0);
      if (got >= 0 || errno != EINTR) return got == 0;
    }
  }
  void shutdown_writes() { ::shutdown(fd_.get(), SHUT_WR); }

  // Reads the greeting, answers with the flags.
  bool greet(uint32_t client_flags = 3) {
    ByteVector greeting(18);
    if (!receive_all(greeting)) return false;
    ByteVector flags(4);
    store_big(flags.data(), client_flags);
    return load_big<uint64_t>(greeting.data()) == nbd::kServerMagic && send_all(flags);
  }
  static ByteVector option(uint32_t number, Bytes data, uint32_t claimed_bytes) {
    ByteVector out(16);
    store_big(out.data(), nbd::kOptionMagic);
    store_big(out.data() + 8, number);
    store_big(out.data() + 12, claimed_bytes);
    out.insert(out.end(), data.begin(), data.end());
    return out;
  }
  bool send_option(nbd::Option number, Bytes data = {}) {
    return send_all(
        option(static_cast<uint32_t>(number), data, static_cast<uint32_t>(data.size())));
  }
  static ByteVector info_data(std::string_view name, std::initializer_list<uint16_t> wanted = {}) {
    ByteVector data(4 + name.size() + 2 + 2 * wanted.size());
    store_big(data.data(), static_cast<uint32_t>(name.size()));
    std::memcpy(data.data() + 4, name.data(), name.size());
    std::byte* at = data.data() + 4 + name.size();
    store_big(at, static_cast<uint16_t>(wanted.size()));
    for (const uint16_t info : wanted) store_big(at += 2, info);
    return data;
  }
  // The next option reply: its type (0 at the end of the stream) and data.
  std::pair<uint32_t, ByteVector> option_reply() {
    ByteVector header(20);
    if (!receive_all(header)) return {0, {}};
    CHECK(load_big<uint64_t>(header.data()) == nbd::kOptionReplyMagic);
    ByteVector data(load_big<uint32_t>(header.data() + 16));
    if (!receive_all(data)) return {0, {}};
    return {load_big<uint32_t>(header.data() + 12), std::move(data)};
  }
  // The whole handshake.
  bool go(std::string_view name) {
    if (!greet() || !send_option(nbd::Option::kGo, info_data(name))) return false;
    while (true) {
      const auto reply = option_reply();
      if (reply.first == static_cast<uint32_t>(nbd::OptionReply::kAck)) return true;
      if (reply.first != static_cast<uint32_t>(nbd::OptionReply::kInfo)) return false;
    }
  }

  static ByteVector request(uint16_t command, uint64_t offset, uint32_t length, uint16_t flags = 0,
                            uint64_t cookie = 0) {
    ByteVector out(nbd::kRequestBytes);
    store_big(out.data(), nbd::kRequestMagic);
    store_big(out.data() + 4, flags);
    store_big(out.data() + 6, command);
    store_big(out.data() + 8, cookie);
    store_big(out.data() + 16, offset);
    store_big(out.data() + 24, length);
    return out;
  }
  struct Reply {
    bool ok = false;  // a reply came
    uint32_t error = 0;
    uint64_t cookie = 0;
  };
  Reply reply() {
    ByteVector bytes(nbd::kSimpleReplyBytes);
    if (!receive_all(bytes) || load_big<uint32_t>(bytes.data()) != nbd::kSimpleReplyMagic)
      return {};
    return {true, load_big<uint32_t>(bytes.data() + 4), load_big<uint64_t>(bytes.data() + 8)};
  }
  // One request, its reply's error; ~0 if none came.
  uint32_t call(nbd::Command command, uint64_t offset, uint32_t length, uint16_t flags = 0) {
    if (!send_all(request(static_cast<uint16_t>(command), offset, length, flags))) return ~0U;
    const Reply answer = reply();
    return answer.ok ? answer.error : ~0U;
  }
  uint32_t write(uint64_t offset, Bytes data, uint16_t flags = 0) {
    if (!send_all(request(1, offset, static_cast<uint32_t>(data.size()), flags)) ||
        !send_all(data)) {
      return ~0U;
    }
    const Reply answer = reply();
    return answer.ok ? answer.error : ~0U;
  }
  uint32_t read(uint64_t offset, MutableBytes into) {
    const uint32_t error = call(nbd::Command::kRead, offset, static_cast<uint32_t>(into.size()));
    if (error == 0 && !receive_all(into)) return ~0U;
    return error;
  }

 private:
  UniqueFd fd_;
};

}  // namespace strata::testing
