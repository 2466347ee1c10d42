// One HTTP/1.1 request and its answer over a socket, blocking, one connection a request: for code
// that runs on threads of its own.
//
// Thread rule: from any thread that may block.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/deadline.h"
#include "common/base/parse.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/http/server.h"

namespace strata::http {

struct ClientCall {
  std::string_view method;
  std::string_view target;
  // As they are sent, "host" among them; Content-Length and Connection are added.
  std::vector<std::pair<std::string, std::string>> fields;
  Bytes body;
  Deadline deadline = Deadline::never();  // of the whole exchange
  size_t answer_bytes_max = 64 * kMiB;    // of its body; kTooLarge beyond
};

// kInvalidArgument for a method, target or field that HTTP does not allow; kTimeout; kClosed if the
// server goes away within its answer.
[[nodiscard]] Result<ClientResponse> call_over(UniqueFd socket, const ClientCall& call);

// Every address that the name has is tried in turn. kTimeout at the deadline, else the last error.
[[nodiscard]] Result<UniqueFd> connect_tcp(const HostPort& address, Deadline deadline);

}  // namespace strata::http
