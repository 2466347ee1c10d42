// The sockets that a service manager opened for this process: sd_listen_fds(3), without its
// library.
#pragma once

#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace strata::roof {

inline constexpr int kFirstActivatedSocket = 3;
inline constexpr size_t kActivatedSocketsMax = 16;

// LISTEN_PID and LISTEN_FDS as the environment has them; empty: not there.
struct Activation {
  std::string_view pid;
  std::string_view sockets;
};

// The listening stream sockets, from `first` on; none if they are meant for another process. The
// caller owns them. kInvalidArgument if what was handed over is something else.
[[nodiscard]] Result<std::vector<UniqueFd>> take_activated_sockets(
    const Activation& activation, int64_t own_pid, int first = kFirstActivatedSocket);

}  // namespace strata::roof
