// Who is at the other end of a socket.
#pragma once

#include <string>

namespace strata::nbd {

// device::kThisMachine for a Unix socket and for loopback addresses, else the peer's address
// without its port: all connections of a host are one client.
[[nodiscard]] std::string peer_of(int socket);

}  // namespace strata::nbd
