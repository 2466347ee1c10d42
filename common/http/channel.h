// Channel: the two directions of one connection, in the clear or under TLS; whoever uses it does
// not see the difference.
//
// Thread rule: the connection's loop. At most one send and one fill at a time, and under TLS not
// both at once.
#pragma once

#include <cstdint>
#include <memory>

#include "common/async/socket.h"
#include "common/async/task.h"
#include "common/http/read_buffer.h"
#include "common/tls/session.h"

namespace strata::http {

// What a connection has besides under TLS.
struct Encryption {
  Encryption(std::shared_ptr<const tls::Context> context, BlockPool& blocks)
      : session(std::move(context)), received(blocks) {}
  tls::Session session;
  ReadBuffer received;   // still encrypted
  bool in_bulk = false;  // the peer sends more than fits an idle connection's buffer
};

struct Channel {
  Channel(async::Socket connected, BlockPool& blocks) noexcept
      : socket(std::move(connected)), buffer(blocks), pool(blocks) {}

  async::Socket socket;
  ReadBuffer buffer;
  BlockPool& pool;
  std::unique_ptr<Encryption> encryption;  // null: in the clear
  uint64_t received = 0;                   // bytes of the present exchange, either way, decrypted
  uint64_t sent = 0;
  bool broken = false;  // a direction failed: nothing more can be said on it

  // Begins TLS as the server; ok once the peer has agreed. tls::kReasonNotTls when it speaks plain
  // text, which it may then be told in plain text.
  [[nodiscard]] async::Task<Status> begin_tls(std::shared_ptr<const tls::Context> context,
                                              Deadline deadline);
  // Sends both pieces, in the clear in one call; counts them; marks the channel broken if it fails.
  [[nodiscard]] async::Task<Status> send(Bytes first, Bytes second, Duration timeout);
  // Receives into the buffer's free space; the number of bytes, 0 at the peer's end.
  [[nodiscard]] async::Task<Result<size_t>> fill(Deadline deadline);
  // Says that nothing more will be sent. False if the connection is gone already.
  [[nodiscard]] async::Task<bool> end_sending(Deadline deadline);
  // Gives back what an idle connection does not need.
  void shrink();

 private:
  [[nodiscard]] async::Task<Status> send_encrypted(Bytes first, Bytes second, Duration timeout);
  [[nodiscard]] async::Task<Result<size_t>> fill_decrypted(Deadline deadline);
  // Sends what the session has for the peer.
  [[nodiscard]] async::Task<Status> flush(Deadline deadline);
  // Receives encrypted bytes; 0 at the peer's end.
  [[nodiscard]] async::Task<Result<size_t>> receive_encrypted(Deadline deadline);
};

}  // namespace strata::http
