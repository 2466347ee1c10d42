// The NBD server: fixed newstyle handshake and transmission over TCP and Unix sockets.
//
// Source: NetworkBlockDevice/nbd, doc/proto.md. Each queue thread owns one io_uring that carries
// both the sockets and the disk of its connections; connections are dealt to the threads in turn.
//
// Thread rule: start and stop from one thread outside the queue threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "blockdev/device/export_table.h"
#include "blockdev/nbd/negotiation.h"
#include "common/base/deadline.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/metrics/metrics.h"
#include "common/tls/current_context.h"

namespace strata::nbd {

// A bound and listening stream socket, and what its clients must do about TLS.
struct Listener {
  UniqueFd socket;
  TlsMode tls = TlsMode::kOff;
};

struct ServerOptions {
  uint32_t threads = 1;
  uint32_t connections_max = 256;
  // Of one export, so that no export takes all of them; 0: only the limit of all.
  uint32_t export_connections_max = 0;
  // Requests of one connection being served at once; more wait in the socket.
  uint32_t requests_in_flight_max = 128;
  // Bytes of request buffers of one connection, at least 32 MiB; a request waits until they are
  // free.
  uint64_t buffer_bytes_max = uint64_t{64} * 1024 * 1024;
  // Bytes of request buffers of all connections together, shared equally by the threads, each of
  // which gets at least 32 MiB.
  uint64_t memory_bytes_max = uint64_t{1024} * 1024 * 1024;
  // The same for the connections of one export; 0: only the limit of all.
  uint64_t export_bytes_max = 0;
  // How long a client may take to go on with a payload it began, or to read more of its replies.
  Duration stall_time = std::chrono::seconds(60);
  // From the accept to the end of the handshake; then the connection is closed.
  Duration handshake_time = std::chrono::seconds(30);
  // What TLS sessions begin with; outlives the server. Needed if a listener's mode is not kOff.
  const tls::CurrentContext* tls = nullptr;
};

// What one thread may use of a number of bytes that all threads share: at least one request's.
[[nodiscard]] uint64_t thread_part(uint64_t bytes, const ServerOptions& options) noexcept;

class Server {
 public:
  // exports and registry outlive the server.
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(std::vector<Listener> listeners,
                                                             device::ExportTable& exports,
                                                             metrics::Registry& registry,
                                                             ServerOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Accepts nobody, answers the requests under way until the deadline, then closes every
  // connection. Later only while the disk still holds requests, which cannot be called back.
  void stop(Deadline deadline);
  [[nodiscard]] uint32_t connections() const noexcept;

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::nbd
