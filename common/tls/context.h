// Context: what the TLS sessions of one listener (or one client) share.
//
// Thread rule: immutable once made; shared by sessions on any threads.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/tls/psk.h"

namespace strata::tls {

inline constexpr size_t kPemBytesMax = kMiB;
inline constexpr size_t kAlpnNameBytesMax = 255;
inline constexpr size_t kAlpnNamesMax = 8;

// PEM texts: the certificate first, then those between it and the root; the key without a
// passphrase.
struct Identity {
  std::string certificate_pem;
  std::string private_key_pem;
};

struct ServerOptions {
  std::optional<Identity> identity;  // absent: pre-shared keys only
  PskKeys psk;                       // empty: certificates only
  // Protocols in the order of preference. A client that offers others only is refused; one that
  // offers none is served.
  std::vector<std::string> alpn;
  // Not empty: a client must show a certificate that one of these signed (PEM).
  std::string client_ca_pem;
};

struct ClientOptions {
  std::string ca_pem;       // who may vouch for the server; empty: nobody is checked
  std::string server_name;  // asked for (SNI) and, with ca_pem, expected in the certificate
  std::optional<Identity> identity;
  std::string psk_identity;  // with psk_key: a pre-shared key instead of certificates
  std::string psk_key;       // raw
  std::vector<std::string> alpn;
};

struct ContextState;

class Context {
 public:
  // kInvalidArgument says which of the texts is wrong and how: not PEM, a key with a passphrase, a
  // key that is not the certificate's, neither identity nor keys.
  [[nodiscard]] static Result<std::shared_ptr<const Context>> server(ServerOptions options);
  [[nodiscard]] static Result<std::shared_ptr<const Context>> client(ClientOptions options);

  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // The end of the identity's validity, in seconds since 1970; absent without an identity.
  [[nodiscard]] std::optional<int64_t> expires() const noexcept;

 private:
  friend class Session;
  explicit Context(std::unique_ptr<ContextState> state);
  std::unique_ptr<ContextState> state_;
};

}  // namespace strata::tls
