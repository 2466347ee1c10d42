#include "common/async/socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

namespace strata::async {
namespace {

constexpr int kListenBacklog = 1024;
// Two seconds in all, where somebody does keep the socket.
constexpr int kAnswersMax = 40;
constexpr std::chrono::milliseconds kAnswerWait{50};

struct UnixAddress {
  sockaddr_un address{};
  UniqueFd folder;  // keeps /proc/self/fd/N valid for long paths
};

Result<UnixAddress> unix_address(const std::string& path) {
  UnixAddress out;
  out.address.sun_family = AF_UNIX;
  std::string reachable = path;
  if (path.size() >= sizeof out.address.sun_path) {
    const size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash);
    const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    out.folder = UniqueFd(open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!out.folder.valid()) return errno_error(errno, "open " + folder);
    reachable = fmt::format("/proc/self/fd/{}/{}", out.folder.get(), name);
    if (reachable.size() >= sizeof out.address.sun_path) {
      return Error(Code::kInvalidArgument,
                   fmt::format("the socket name '{}' is too long: choose a shorter one", name));
    }
  }
  std::memcpy(out.address.sun_path, reachable.c_str(), reachable.size() + 1);
  return out;
}

// Somebody who answers keeps the socket; the file of a dead process goes. A process that has just
// ended may answer a little longer: the kernel takes its io_uring requests, an accept among them,
// apart by itself.
bool keeps_answering(const UnixAddress& target) {
  const auto* raw = reinterpret_cast<const sockaddr*>(&target.address);
  for (int i = 0; i < kAnswersMax; ++i) {
    const UniqueFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    // EAGAIN: it has more callers than it takes, and holds the socket all the same.
    const bool answered = connect(probe.get(), raw, sizeof target.address) == 0 || errno == EAGAIN;
    if (!answered) return false;
    std::this_thread::sleep_for(kAnswerWait);
  }
  return true;
}

}  // namespace

IoAwaiter::IoAwaiter(Deadline deadline) noexcept : deadline_(deadline) {
  complete = &completed;
}

void IoAwaiter::await_suspend(std::coroutine_handle<> waiter) {
  waiter_ = waiter;
  loop_ = &EventLoop::current();
  loop_->set_timer(*this, deadline_);
  start(loop_->ring());
}

void IoAwaiter::completed(ring::Operation& op, int32_t result) noexcept {
  auto& self = static_cast<IoAwaiter&>(op);
  self.result_ = result;
  self.loop_->clear_timer(self);
  self.waiter_.resume();
}

void IoAwaiter::expired() noexcept {
  timed_out_ = true;
  loop_->ring().cancel(*this);
}

Result<size_t> IoAwaiter::await_resume() const {
  if (result_ >= 0) return static_cast<size_t>(result_);
  if (timed_out_) return Error(Code::kTimeout, "the peer did not answer in time");
  return errno_error(-result_, "socket");
}

SendAwaiter::SendAwaiter(int fd, Bytes first, Bytes second, Deadline deadline) noexcept
    : IoAwaiter(deadline), fd_(fd) {
  parts_[0] = {const_cast<std::byte*>(first.data()), first.size()};
  parts_[1] = {const_cast<std::byte*>(second.data()), second.size()};
  message_.msg_iov = parts_.data();
  message_.msg_iovlen = second.empty() ? 1 : 2;
}

Task<Status> Socket::send_all(Bytes first, Bytes second, Deadline deadline) {
  while (!first.empty() || !second.empty()) {
    Result<size_t> sent = co_await SendAwaiter(fd_.get(), first, second, deadline);
    if (!sent.ok()) co_return std::move(sent).error();
    const size_t from_first = std::min(*sent, first.size());
    first = first.subspan(from_first);
    second = second.subspan(*sent - from_first);
    if (*sent == 0) co_return Error(Code::kClosed, "the peer is gone");
  }
  co_return Status();
}

Result<Listener> Listener::tcp(const HostPort& address) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  // Numbers only: what listens where must not depend on what a name server says.
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV | AI_NUMERICHOST;
  const std::string host = address.host == "localhost" ? "127.0.0.1" : address.host;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(address.port);
  if (const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return Error(Code::kInvalidArgument,
                 fmt::format("cannot listen on {}: {}; give a numeric address, or localhost",
                             address.to_string(), gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  UniqueFd fd(socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return errno_error(errno, "socket");
  const int one = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  // Accepted sockets inherit it; head and body leave in one write, so nothing is gained by waiting.
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (bind(fd.get(), found->ai_addr, found->ai_addrlen) != 0 ||
      listen(fd.get(), kListenBacklog) != 0) {
    return errno_error(errno, fmt::format("cannot listen on {}", address.to_string()));
  }
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &length);
  const uint16_t raw_port = bound.ss_family == AF_INET6
                                ? reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port
                                : reinterpret_cast<sockaddr_in*>(&bound)->sin_port;
  return Listener(std::move(fd), ntohs(raw_port));
}

Result<Listener> Listener::unix_socket(const std::string& path, unsigned mode) {
  TRY_ASSIGN(UnixAddress target, unix_address(path));
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return errno_error(errno, "socket");
  const auto* raw = reinterpret_cast<const sockaddr*>(&target.address);
  struct stat existing{};
  if (lstat(path.c_str(), &existing) == 0) {
    if (!S_ISSOCK(existing.st_mode)) {
      return Error(Code::kAlreadyExists, fmt::format("{} exists and is not a socket", path));
    }
    if (keeps_answering(target)) {
      return Error(Code::kConflict, fmt::format("another process listens on {}", path));
    }
    unlink(path.c_str());
  }
  if (bind(fd.get(), raw, sizeof target.address) != 0 || chmod(path.c_str(), mode) != 0 ||
      listen(fd.get(), kListenBacklog) != 0) {
    return errno_error(errno, fmt::format("cannot listen on {}", path));
  }
  return Listener(std::move(fd), 0);
}

Result<UniqueFd> connect_unix(const std::string& path) {
  TRY_ASSIGN(UnixAddress target, unix_address(path));
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return errno_error(errno, "socket");
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&target.address),
              sizeof target.address) != 0) {
    return errno_error(errno, fmt::format("cannot connect to {}", path));
  }
  return fd;
}

}  // namespace strata::async
