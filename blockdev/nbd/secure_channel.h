// SecureChannel: TLS between a connection and its socket, with the buffers that it needs.
//
// What was received goes into space(), received() says how much; read() gives what was inside. What
// is to be sent is given to write(); take_output() is what must go to the socket next, and stays
// valid until it is called again: so receives go on while a send is under way.
//
// Bounds: kCipherBytes of input, tls::kOutputBytesMax of output and as much being sent.
//
// Thread rule: its connection's thread.
#pragma once

#include <memory>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/tls/session.h"

namespace strata::nbd {

class SecureChannel {
 public:
  // Four of the longest records.
  static constexpr size_t kCipherBytes = 72 * kKiB;

  explicit SecureChannel(std::shared_ptr<const tls::Context> context);

  // Where the socket's next bytes go. Empty while what came before has not been read.
  [[nodiscard]] MutableBytes space() noexcept;
  void received(size_t bytes) noexcept { end_ += bytes; }

  // Goes on with the handshake; also after an error there may be output.
  [[nodiscard]] Status handshake();
  [[nodiscard]] bool established() const noexcept { return session_.established(); }

  // Decrypts into `into`; 0 when more must be received first.
  [[nodiscard]] Result<size_t> read(MutableBytes into);
  // Whether the client said that it sends no more.
  [[nodiscard]] bool ended() const noexcept { return session_.ended(); }
  // Encrypts as much as there is room for.
  [[nodiscard]] Result<size_t> write(Bytes plain) { return session_.write(plain); }
  void close() { session_.close(); }

  [[nodiscard]] bool has_output() const noexcept { return !session_.output().empty(); }
  [[nodiscard]] Bytes take_output();

 private:
  tls::Session session_;
  const std::unique_ptr<std::byte[]> cipher_;
  size_t begin_ = 0;
  size_t end_ = 0;
  ByteVector sending_;
};

}  // namespace strata::nbd
