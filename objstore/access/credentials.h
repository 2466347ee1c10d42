// Credentials: the access keys that requests may be signed with, and whom each stands for.
//
// Thread rule: filled before the servers start; after that find() from any thread.
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

class Credentials {
 public:
  // kInvalidArgument for a key or secret outside the bounds above, or a key with characters that a
  // credential scope cannot carry ('/', '=', ',' and white space); kAlreadyExists for a key that is
  // taken; kTooLarge past kCredentialsMax.
  [[nodiscard]] Status add(std::string access_key, std::string secret, Caller caller);
  // Null for an unknown key. The pointer lives as long as this.
  [[nodiscard]] const Credential* find(std::string_view access_key) const noexcept;

 private:
  std::map<std::string, Credential, std::less<>> by_key_;
};

}  // namespace strata::access
