// Session: TLS on one connection, without the connection. The owner moves the bytes: what the peer
// sent is handed in, what is to be sent to the peer is taken out. Nothing here waits.
//
//   server:  feed handshake() and read() with received bytes; after every call send output() and
//            consume() it, also after an error: an alert for the peer may be in it.
//
// Thread rule: one thread at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/tls/context.h"

namespace strata::tls {

// write() takes nothing more while so much output waits: what bounds a session whose peer is slow.
inline constexpr size_t kOutputBytesMax = 256 * kKiB;
// More input than this before the handshake is over means that the peer is up to something.
inline constexpr size_t kHandshakeBytesMax = 64 * kKiB;

// Reasons of the errors here; the code is kInvalidArgument unless said otherwise.
inline constexpr std::string_view kReasonNotTls = "not_tls";  // plain text, likely HTTP
inline constexpr std::string_view kReasonHandshakeFailed = "tls_handshake_failed";
inline constexpr std::string_view kReasonBadRecord = "tls_bad_record";

class Session {
 public:
  // Server or client, as the context is. A client's first message waits in output() after the
  // first handshake().
  explicit Session(std::shared_ptr<const Context> context);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Goes on with the handshake, using up `input`; what it did not need stays in `input` (the first
  // bytes of data). Ok while nothing is wrong, also before it is done: see established().
  // kReasonNotTls, kReasonHandshakeFailed; kTooLarge past kHandshakeBytesMax.
  [[nodiscard]] Status handshake(Bytes& input);
  [[nodiscard]] bool established() const noexcept { return established_; }

  // Decrypts into `into`, advancing `input`; the number of bytes, 0 when more input is needed or
  // the peer has ended the session (ended()). Call again while it gives bytes: there may be more
  // inside. kReasonBadRecord for what does not decrypt. Needs established(). `into` is not empty.
  [[nodiscard]] Result<size_t> read(Bytes& input, MutableBytes into);
  // Whether the peer said that it sends no more. A connection that ends without it was cut off.
  [[nodiscard]] bool ended() const noexcept { return ended_; }

  // Encrypts as much of `plain` as there is room for; the number of bytes taken. Needs
  // established().
  [[nodiscard]] Result<size_t> write(Bytes plain);
  // Says that no more will be written.
  void close();

  // For the peer, in order. Valid until the next call that is not const.
  [[nodiscard]] Bytes output() const noexcept;
  void consume(size_t sent) noexcept;
  // Gives back what memory an idle session does not need.
  void shrink();

  // After the handshake. "TLSv1.3"; the protocol agreed by ALPN or "".
  [[nodiscard]] std::string_view version() const noexcept;
  [[nodiscard]] std::string alpn() const;
  // The name the client asked for (SNI), or "".
  [[nodiscard]] std::string server_name() const;

 private:
  struct Impl;
  [[nodiscard]] Error failed(std::string_view reason, std::string_view doing);
  std::unique_ptr<Impl> impl_;
  bool established_ = false;
  bool ended_ = false;
};

}  // namespace strata::tls
