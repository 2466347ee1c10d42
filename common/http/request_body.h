// Channel: the two directions of one connection. RequestBody: the body of one request on it.
//
// Thread rule: the connection's loop.
#pragma once

#include <cstdint>
#include <optional>

#include "common/async/byte_source.h"
#include "common/async/socket.h"
#include "common/http/chunked_body.h"
#include "common/http/message.h"
#include "common/http/read_buffer.h"

namespace strata::http {

struct Channel {
  Channel(async::Socket connected, BlockPool& blocks) noexcept
      : socket(std::move(connected)), buffer(blocks) {}

  async::Socket socket;
  ReadBuffer buffer;
  uint64_t received = 0;  // bytes of the present exchange, either way
  uint64_t sent = 0;
  bool broken = false;  // a direction failed: nothing more can be said on it

  // Sends both pieces in one call; counts them; marks the channel broken if it fails.
  [[nodiscard]] async::Task<Status> send(Bytes first, Bytes second, Duration timeout);
  // Receives into the buffer's free space; the number of bytes, 0 at the peer's end.
  [[nodiscard]] async::Task<Result<size_t>> fill(Deadline deadline);
};

class RequestBody final : public async::ByteSource {
 public:
  // Both outlive the body; timeout is the longest wait for a piece.
  RequestBody(Channel& channel, const RequestHead& head, Duration timeout) noexcept;

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
  [[nodiscard]] async::Task<Status> receive();
  [[nodiscard]] async::Task<Status> send_continue();
  [[nodiscard]] async::Task<Result<Bytes>> next_of_length();
  [[nodiscard]] async::Task<Result<Bytes>> next_of_chunks();

  Channel& channel_;
  Duration timeout_;
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
