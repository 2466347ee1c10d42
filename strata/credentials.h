// Which access key and secret the server's owner has.
//
// In this order: root_user and root_password from STRATA_ROOT_USER and STRATA_ROOT_PASSWORD or from
// the configuration file; MINIO_ROOT_USER and MINIO_ROOT_PASSWORD; AWS_ACCESS_KEY_ID and
// AWS_SECRET_ACCESS_KEY; and, only while no TCP listener leaves this machine, a built-in pair.
#pragma once

#include <functional>
#include <string>

#include "common/base/result.h"
#include "strata/options.h"

namespace strata::roof {

inline constexpr std::string_view kDevelopmentUser = "strata";
inline constexpr std::string_view kDevelopmentPassword = "strata-secret";

struct Credentials {
  std::string user;
  std::string password;     // secret: printed only if built_in
  bool built_in = false;    // the development pair, which everybody knows
  std::string_view source;  // which names they came from, for the start-up lines
};

// kInvalidArgument if only one half of a pair is set or if it is unfit; kPermissionDenied if none
// is set and a listener can be reached from another machine. Messages never hold a secret.
[[nodiscard]] Result<Credentials> choose_credentials(
    const ServeOptions& options, const std::function<const char*(const char*)>& get_variable);

}  // namespace strata::roof
