// A connected or listening stream socket on the current event loop.
//
// Thread rule: used on one event loop. At most one receive and one send at a time.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <coroutine>
#include <string>

#include "common/async/event_loop.h"
#include "common/base/parse.h"
#include "common/base/unique_fd.h"

namespace strata::async {

// One system call on the ring with a deadline; what every socket awaitable is made of.
class IoAwaiter : public ring::Operation, public Timer {
 public:
  explicit IoAwaiter(Deadline deadline) noexcept;
  IoAwaiter(const IoAwaiter&) = delete;
  IoAwaiter& operator=(const IoAwaiter&) = delete;
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter);
  // The call's result; kTimeout if the deadline ended it, kClosed if the peer is gone.
  [[nodiscard]] Result<size_t> await_resume() const;
  void expired() noexcept override;

 protected:
  ~IoAwaiter() = default;
  virtual void start(ring::Ring& ring) noexcept = 0;

 private:
  static void completed(ring::Operation& op, int32_t result) noexcept;
  Deadline deadline_;
  EventLoop* loop_ = nullptr;
  std::coroutine_handle<> waiter_;
  int32_t result_ = 0;
  bool timed_out_ = false;
};

class ReceiveAwaiter final : public IoAwaiter {
 public:
  ReceiveAwaiter(int fd, MutableBytes into, Deadline deadline) noexcept
      : IoAwaiter(deadline), fd_(fd), into_(into) {}

 private:
  void start(ring::Ring& ring) noexcept override { ring.receive(*this, fd_, into_); }
  int fd_;
  MutableBytes into_;
};

class SendAwaiter final : public IoAwaiter {
 public:
  // first, then second (which may be empty) in one call.
  SendAwaiter(int fd, Bytes first, Bytes second, Deadline deadline) noexcept;

 private:
  void start(ring::Ring& ring) noexcept override {
    ring.send_message(*this, fd_, &message_, MSG_WAITALL);
  }
  int fd_;
  std::array<iovec, 2> parts_{};
  msghdr message_{};
};

class AcceptAwaiter final : public IoAwaiter {
 public:
  AcceptAwaiter(int fd, Deadline deadline) noexcept : IoAwaiter(deadline), fd_(fd) {}

 private:
  void start(ring::Ring& ring) noexcept override { ring.accept(*this, fd_); }
  int fd_;
};

class Socket {
 public:
  Socket() = default;
  explicit Socket(UniqueFd fd) noexcept : fd_(std::move(fd)) {}
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] bool valid() const noexcept { return fd_.valid(); }

  // Bytes received; 0 when the peer has finished sending.
  [[nodiscard]] ReceiveAwaiter receive(MutableBytes into, Deadline deadline) noexcept {
    return {fd_.get(), into, deadline};
  }
  // Sends everything, in as few packets as the kernel can.
  [[nodiscard]] Task<Status> send_all(Bytes first, Bytes second, Deadline deadline);
  // Ends both directions: pending and later receives return 0 or kClosed.
  void shutdown() noexcept { ::shutdown(fd_.get(), SHUT_RDWR); }
  [[nodiscard]] UniqueFd take() noexcept { return std::move(fd_); }

 private:
  UniqueFd fd_;
};

class Listener {
 public:
  // Numeric addresses, and "localhost" for 127.0.0.1. Port 0 picks a free one.
  [[nodiscard]] static Result<Listener> tcp(const HostPort& address);
  // The path's folder must exist; a socket file left by a dead process is replaced. Longer paths
  // than sockaddr_un holds are reached through the folder's descriptor.
  [[nodiscard]] static Result<Listener> unix_socket(const std::string& path, unsigned mode = 0600);

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] uint16_t port() const noexcept { return port_; }
  // The new descriptor as a number; the caller owns it.
  [[nodiscard]] AcceptAwaiter accept(Deadline deadline = Deadline::never()) noexcept {
    return {fd_.get(), deadline};
  }
  void shutdown() noexcept { ::shutdown(fd_.get(), SHUT_RDWR); }
  [[nodiscard]] UniqueFd take() noexcept { return std::move(fd_); }

 private:
  explicit Listener(UniqueFd fd, uint16_t port) noexcept : fd_(std::move(fd)), port_(port) {}
  UniqueFd fd_;
  uint16_t port_ = 0;
};

// Connects to a Unix socket, blocking: for command-line clients.
[[nodiscard]] Result<UniqueFd> connect_unix(const std::string& path);

}  // namespace strata::async
