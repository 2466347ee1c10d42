// Server: HTTP/1.1 over TCP or a Unix socket on a set of event loops.
//
// The raw head is checked by one strict parser before anything of the body is read (head_parser.h).
// Thread rule: start and stop on the thread that owns the loops' life; handlers run on the loop of
// their connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/byte_source.h"
#include "common/async/event_loop.h"
#include "common/async/socket.h"
#include "common/async/task.h"
#include "common/base/result.h"
#include "common/http/message.h"
#include "common/tls/current_context.h"

namespace strata::http {

// One request being answered. The body is read through body(); "100 Continue" is sent when it is
// first pulled. Exactly one of the respond functions is called, once.
class Exchange {
 public:
  virtual ~Exchange() = default;
  [[nodiscard]] virtual const RequestHead& request() const noexcept = 0;
  // Unique in this process's life and likely in the world; sixteen upper-case hex digits.
  [[nodiscard]] virtual const std::string& request_id() const noexcept = 0;
  [[nodiscard]] virtual std::string_view peer() const noexcept = 0;  // address, for logs
  // The body after transfer decoding, at most request().content_length bytes. A peer that stops or
  // breaks the framing gives kClosed, kTimeout or kInvalidArgument.
  [[nodiscard]] virtual async::ByteSource& body() noexcept = 0;

  // The whole response; head and body leave in one write. For HEAD the body is not sent but its
  // length is (or head_length, when set).
  [[nodiscard]] virtual async::Task<Status> respond(ResponseHead head, std::string body) = 0;
  // Content-Length without a body: for answers to HEAD.
  [[nodiscard]] virtual async::Task<Status> respond_head(ResponseHead head, uint64_t length) = 0;
  // A streamed body of a known length. The end of the body (its last 64 KiB at most) is sent after
  // the source has confirmed its own end (see ByteSource::ended), so a source that verifies never
  // delivers a whole wrong body. If the source fails, or gives another length, the error comes back
  // and either
  // - nothing was sent yet: responded() is false again and the handler may answer otherwise; or
  // - the connection is broken off, so that the client cannot take a short body for a whole one.
  [[nodiscard]] virtual async::Task<Status> respond_stream(ResponseHead head, uint64_t length,
                                                           async::ByteSource& body) = 0;
  // Whether a response was started.
  [[nodiscard]] virtual bool responded() const noexcept = 0;
  // For the access log and metrics, as the handler understood the request ("GetObject").
  virtual void set_operation(std::string_view static_name) noexcept = 0;
};

class Handler {
 public:
  virtual ~Handler() = default;
  // Answers the exchange. If it returns without having responded the server sends 500.
  [[nodiscard]] virtual async::Task<void> handle(Exchange& exchange) = 0;
  // The body of the answer to a request that did not parse or was refused before the handler.
  [[nodiscard]] virtual std::string refusal(int status, std::string_view why,
                                            std::string_view request_id, Fields& fields) = 0;
};

// Told after every exchange. Called on the connection's loop; must be quick.
struct ExchangeRecord {
  std::string_view operation;
  std::string_view method;
  std::string_view path;  // without query: presigned queries are secrets
  std::string_view request_id;
  std::string_view peer;
  int status = 0;
  uint64_t request_bytes = 0;
  uint64_t response_bytes = 0;
  std::chrono::nanoseconds elapsed{};
};
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void connection_opened() noexcept = 0;
  virtual void connection_closed() noexcept = 0;
  virtual void exchange_done(const ExchangeRecord& record) noexcept = 0;
};

struct ServerLimits {
  size_t head_bytes_max = size_t{32} * 1024;  // request line and fields
  size_t fields_max = 200;
  size_t connections_max = 12'000;                  // beyond: accepted and answered 503
  std::chrono::milliseconds head_timeout{30'000};   // from the first byte of a head to its end
  std::chrono::milliseconds idle_timeout{120'000};  // between requests
  std::chrono::milliseconds body_timeout{60'000};   // between pieces of a body, either way
  // A body may keep the server waiting for as long as this in all, and as long again as its bytes
  // take at the rate (never 0): who sends a byte now and then is given up.
  std::chrono::milliseconds body_grace{60'000};
  uint64_t body_bytes_per_second_min = 1024;
  std::chrono::milliseconds handshake_timeout{15'000};  // for all of TLS's beginning
};

class Server {
 public:
  // Listener, handler, observer (may be null), loops and TLS context outlive the server.
  // Connections are dealt to the loops in turn. tls: every connection begins with TLS; null: in the
  // clear.
  Server(std::vector<async::EventLoop*> loops, async::Listener listener, Handler& handler,
         Observer* observer, ServerLimits limits, const tls::CurrentContext* tls = nullptr);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] uint16_t port() const noexcept;
  // Starts accepting; the loops are running or will be.
  void start();
  // Stops accepting, closes idle connections, lets exchanges under way end until the deadline, then
  // breaks them off; returns when none is left, handlers included. Call once, from outside the
  // loops while they run. A server that was started must be stopped before it is destroyed.
  void stop(Deadline deadline);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Reads a whole body of at most limit bytes; kTooLarge beyond. `body` outlives the task.
[[nodiscard]] async::Task<Result<std::string>> read_all(async::ByteSource& body, size_t limit);

// One request and its answer over a Unix socket, blocking: how the command line talks to the
// server. The answer's body is at most 64 MiB (kTooLarge beyond). timeout bounds the whole exchange
// (kTimeout); kClosed if the server goes away within its answer.
struct ClientResponse {
  int status = 0;
  std::string body;
};
[[nodiscard]] Result<ClientResponse> request_over_unix(const std::string& socket_path,
                                                       std::string_view method,
                                                       std::string_view target,
                                                       std::string_view body,
                                                       std::chrono::seconds timeout);

}  // namespace strata::http
