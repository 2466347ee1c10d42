#include <fmt/format.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "common/http/client.h"

namespace strata::http {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const noexcept { freeaddrinfo(list); }
};

Result<UniqueFd> connect_to(const addrinfo& address, const std::string& name, Deadline deadline) {
  UniqueFd fd(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return errno_error(errno, "socket");
  if (::connect(fd.get(), address.ai_addr, address.ai_addrlen) != 0) {
    if (errno != EINPROGRESS) return errno_error(errno, fmt::format("cannot connect to {}", name));
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline.when() - std::chrono::steady_clock::now());
    pollfd entry{fd.get(), POLLOUT, 0};
    const int ready =
        ::poll(&entry, 1, static_cast<int>(std::clamp<int64_t>(left.count(), 0, INT32_MAX)));
    if (ready == 0) return Error(Code::kTimeout, fmt::format("{} does not answer", name));
    int error = 0;
    socklen_t size = sizeof error;
    if (ready < 0 || getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) return errno_error(error, fmt::format("cannot connect to {}", name));
  }
  const int on = 1;
  // Only speed is lost without it.
  (void)setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

}  // namespace

Result<UniqueFd> connect_tcp(const HostPort& address, Deadline deadline) {
  const std::string name = address.to_string();
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed =
      getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (failed != 0) {
    return Error(Code::kNotFound, fmt::format("{} has no address: {}", name, gai_strerror(failed)));
  }
  const std::unique_ptr<addrinfo, FreeAddresses> list(found);
  Error last(Code::kNotFound, fmt::format("{} has no address", name));
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    auto connected = connect_to(*one, name, deadline);
    if (connected.ok()) return connected;
    last = connected.error();
  }
  return last;
}

}  // namespace strata::http
