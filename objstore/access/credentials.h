// Credentials: the access keys that requests may be signed with, and whom each stands for.
//
// Thread rule: Credentials is filled before the servers start; after that find() from any thread.
#pragma once

#include <map>
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
inline constexpr size_t kCredentialsMax = 10'000;

struct Credential {
  std::string secret;  // never logged, never sent
  Caller caller;
};

// Whether key and secret lie in the bounds above and hold nothing that a credential scope cannot
// carry ('/', '=', ',' and white space); kInvalidArgument otherwise.
[[nodiscard]] Status check_credential(std::string_view access_key, std::string_view secret);

// A fixed set of them.
class Credentials {
 public:
  // As check_credential; kAlreadyExists for a key that is taken; kTooLarge past kCredentialsMax.
  [[nodiscard]] Status add(std::string access_key, std::string secret, Caller caller);
  // Null for an unknown key. The pointer lives as long as this.
  [[nodiscard]] const Credential* find(std::string_view access_key) const noexcept;

 private:
  std::map<std::string, Credential, std::less<>> by_key_;
};

}  // namespace strata::access
