// Connection: reads heads from one socket and has each answered, until one side wants to end.
//
// Thread rule: its shard's loop.
#pragma once

#include <chrono>
#include <string>

#include "common/http/head_parser.h"
#include "common/http/request_body.h"
#include "common/http/shard.h"

namespace strata::http {

class Connection {
 public:
  // Enters itself into the shard and tells the observer; leaves both when it dies.
  Connection(Shard& shard, UniqueFd socket);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Serves until the connection is to be closed.
  [[nodiscard]] async::Task<void> run();

  // Whether no request is being answered, so that nothing is lost by breaking it off.
  [[nodiscard]] bool idle() const noexcept { return idle_; }
  // Makes every wait on the socket end soon.
  void break_off() noexcept;

 private:
  enum class Heard { kHead, kRefused, kEnd };
  // Agrees on TLS where the server has it; false if nothing comes of the connection.
  [[nodiscard]] async::Task<bool> secure();
  [[nodiscard]] async::Task<Heard> receive_head();
  // Whether the connection can serve another request.
  [[nodiscard]] async::Task<bool> answer();
  [[nodiscard]] async::Task<void> refuse();
  // Lets the peer read the last response although it may still be sending: without this the kernel
  // answers its bytes with a reset, which can destroy the response on its way.
  [[nodiscard]] async::Task<void> linger();
  void prepare_next();
  void report(std::string_view operation, int status) noexcept;

  Shard& shard_;
  Channel channel_;
  std::string peer_;
  RequestHead head_;
  std::string request_id_;
  std::string scratch_;
  Refusal refusal_;
  std::chrono::steady_clock::time_point began_;
  bool idle_ = true;
  bool broken_off_ = false;
};

// Serves a connected socket on the shard's loop, which is the current one. Counted in
// common.connections already.
[[nodiscard]] async::Task<void> serve_connection(Shard& shard, UniqueFd socket);

// Tells the peer of a socket beyond the limit that the server is full, and lets go of it.
[[nodiscard]] async::Task<void> turn_away(Shard& shard, UniqueFd socket);

// The address of a socket's peer: "127.0.0.1:5000", "[::1]:5000", "unix".
[[nodiscard]] std::string peer_name(int fd);

}  // namespace strata::http
