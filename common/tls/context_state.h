// What a Context holds, inside this room only.
#pragma once

#include "common/tls/context.h"
#include "common/tls/openssl_handles.h"

namespace strata::tls {

struct ContextState {
  ContextHandle handle;
  bool is_server = false;
  PskKeys psk;               // a server's
  std::string psk_identity;  // a client's
  std::string psk_key;
  std::string server_name;
  bool checks_server = false;
  std::string alpn;  // length-prefixed names, as TLS writes them
  std::optional<int64_t> expires;
};

}  // namespace strata::tls
