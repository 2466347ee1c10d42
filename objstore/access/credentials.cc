#include "objstore/access/credentials.h"

#include <algorithm>
#include <utility>

namespace strata::access {

namespace {
bool fits_in_a_scope(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte < 0x7f && c != '/' && c != '=' && c != ',';
}
}  // namespace

Status check_credential(std::string_view access_key, std::string_view secret) {
  if (access_key.size() < kAccessKeyBytesMin || access_key.size() > kAccessKeyBytesMax) {
    return Error(Code::kInvalidArgument,
                 "an access key has 3 to 128 characters: choose another access key");
  }
  if (!std::all_of(access_key.begin(), access_key.end(), fits_in_a_scope)) {
    return Error(Code::kInvalidArgument,
                 "an access key has no spaces, '/', '=' or ',' and only ASCII: choose another");
  }
  if (secret.size() < kSecretBytesMin || secret.size() > kSecretBytesMax) {
    return Error(Code::kInvalidArgument,
                 "a secret key has 8 to 128 characters: choose another secret key");
  }
  return {};
}

}  // namespace strata::access
