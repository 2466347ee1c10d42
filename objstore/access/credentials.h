// Credentials: the access keys that requests may be signed with, and whom each stands for.
//
// Thread rule: plain data; find() from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "objstore/access/caller.h"

namespace strata::access {

// Bounds of AWS's own key syntax, wide enough for the names that people choose for local servers.
inline constexpr size_t kAccessKeyBytesMin = 3;
inline constexpr size_t kAccessKeyBytesMax = 128;
inline constexpr size_t kSecretBytesMin = 8;
inline constexpr size_t kSecretBytesMax = 128;

struct Credential {
  std::string secret;  // never logged, never sent
  Caller caller;
  // Of a temporary key: what x-amz-security-token has to be, and until when, in milliseconds since
  // 1970. Empty and 0: a key that stays, with which no token may be sent.
  std::string session_token{};
  int64_t expires_ms = 0;
};

// Where signatures look up keys.
class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  // Null for a key that is unknown or switched off. From any thread.
  [[nodiscard]] virtual std::shared_ptr<const Credential> find(
      std::string_view access_key) const = 0;
};

// Whether key and secret lie in the bounds above and hold nothing that a credential scope cannot
// carry ('/', '=', ',' and white space); kInvalidArgument otherwise.
[[nodiscard]] Status check_credential(std::string_view access_key, std::string_view secret);

}  // namespace strata::access
