#include "strata/socket_activation.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include "common/base/parse.h"

namespace strata::roof {
namespace {

int option_of(int fd, int option) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

}  // namespace

Result<std::vector<UniqueFd>> take_activated_sockets(const Activation& activation, int64_t own_pid,
                                                     int first) {
  std::vector<UniqueFd> sockets;
  if (activation.sockets.empty()) return sockets;
  const auto pid = parse_u64(activation.pid);
  const auto count = parse_u64(activation.sockets);
  if (!pid || !count || *count > kActivatedSocketsMax) {
    return Error(Code::kInvalidArgument,
                 fmt::format("LISTEN_PID and LISTEN_FDS are '{}' and '{}': not a process and a "
                             "number of sockets up to {}",
                             activation.pid, activation.sockets, kActivatedSocketsMax));
  }
  if (*pid != static_cast<uint64_t>(own_pid)) return sockets;
  for (int fd = first; fd < first + static_cast<int>(*count); ++fd) {
    if (option_of(fd, SO_TYPE) != SOCK_STREAM || option_of(fd, SO_ACCEPTCONN) != 1) {
      return Error(
          Code::kInvalidArgument,
          fmt::format("descriptor {} of the service manager is no listening stream socket: "
                      "give ListenStream= and Accept=no",
                      fd));
    }
    // It came open over exec, and should not go on to what this process starts.
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return errno_error(errno, "a socket handed over");
    sockets.emplace_back(fd);
  }
  return sockets;
}

}  // namespace strata::roof
