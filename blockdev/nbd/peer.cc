#include "blockdev/nbd/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>

#include "blockdev/device/export_table.h"

namespace strata::nbd {
namespace {

constexpr uint32_t kLoopbackNetwork = 127;

std::string text_of(int family, const void* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const char* const done = inet_ntop(family, address, text.data(), text.size());
  return done != nullptr ? done : "an unknown host";
}

}  // namespace

std::string peer_of(int socket) {
  sockaddr_storage peer{};
  socklen_t bytes = sizeof peer;
  if (getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &bytes) != 0) {
    return std::string(device::kThisMachine);
  }
  if (peer.ss_family == AF_INET) {
    const auto& address = reinterpret_cast<const sockaddr_in&>(peer);
    if (ntohl(address.sin_addr.s_addr) >> 24 != kLoopbackNetwork) {
      return text_of(AF_INET, &address.sin_addr);
    }
  } else if (peer.ss_family == AF_INET6) {
    const auto& address = reinterpret_cast<const sockaddr_in6&>(peer);
    const bool mapped = IN6_IS_ADDR_V4MAPPED(&address.sin6_addr);
    const bool loopback = IN6_IS_ADDR_LOOPBACK(&address.sin6_addr) ||
                          (mapped && address.sin6_addr.s6_addr[12] == kLoopbackNetwork);
    if (!loopback) {
      // One host is one client, whichever of the two ways its address is written.
      return mapped ? text_of(AF_INET, &address.sin6_addr.s6_addr[12])
                    : text_of(AF_INET6, &address.sin6_addr);
    }
  }
  return std::string(device::kThisMachine);
}

}  // namespace strata::nbd
