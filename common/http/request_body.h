// RequestBody: the body of one request on its connection.
//
// Thread rule: the connection's loop.
#pragma once

#include <cstdint>
#include <optional>

#include "common/async/byte_source.h"
#include "common/http/channel.h"
#include "common/http/chunked_body.h"
#include "common/http/message.h"
#include "common/http/server.h"

namespace strata::http {

class RequestBody final : public async::ByteSource {
 public:
  // All outlive the body.
  RequestBody(Channel& channel, const RequestHead& head, const ServerLimits& limits) noexcept;

  [[nodiscard]] async::Task<Result<Bytes>> next() override;

  // After the response was begun the peer is not asked to go on any more.
  void forbid_continue() noexcept { continue_allowed_ = false; }
  // Whether the peer waits for a "100 Continue" that was not sent: it may never send the body.
  [[nodiscard]] bool peer_waits() const noexcept { return continue_pending_ && !done_; }
  [[nodiscard]] bool done() const noexcept { return done_; }
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  // Bytes that the handler has not pulled, if the head said how many there are.
  [[nodiscard]] std::optional<uint64_t> left() const noexcept;
  void set_timeout(Duration timeout) noexcept { timeout_ = timeout; }
  // Ends the life of the piece given out last.
  void release() noexcept;

 private:
  // When the next receive must have ended.
  [[nodiscard]] Deadline patience(SteadyTime now) const noexcept;
  [[nodiscard]] async::Task<Status> receive();
  [[nodiscard]] async::Task<Status> send_continue();
  [[nodiscard]] async::Task<Result<Bytes>> next_of_length();
  [[nodiscard]] async::Task<Result<Bytes>> next_of_chunks();

  Channel& channel_;
  const ServerLimits& limits_;
  Duration timeout_;
  Duration waited_{};          // for the peer, in all
  uint64_t waited_bytes_ = 0;  // that came of it
  bool chunked_;
  uint64_t left_;  // without chunks: bytes not yet given out
  ChunkedDecoder decoder_;
  size_t given_ = 0;  // bytes at the buffer's front that the last piece shows
  bool continue_pending_;
  bool continue_allowed_ = true;
  bool done_;
  bool failed_ = false;
};

}  // namespace strata::http
