// The files that a listener's TLS is made of.
#pragma once

#include <string>

namespace strata::roof {

// Paths; an empty one is not used. The certificate and its key, both or neither; who signs clients'
// certificates; pre-shared keys.
struct TlsFiles {
  std::string certificate;
  std::string key;
  std::string client_ca;
  std::string psk;
};

}  // namespace strata::roof
