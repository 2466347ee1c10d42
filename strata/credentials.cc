#include "strata/credentials.h"

#include <fmt/format.h>

#include <array>

namespace strata::roof {
namespace {

struct PairNames {
  const char* user;
  const char* password;
  std::string_view source;
};
constexpr std::array<PairNames, 2> kForeignPairs = {{
    {"MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD", "MINIO_ROOT_*"},
    {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_*"},
}};

Error half_pair(std::string_view there, std::string_view missing) {
  return Error(Code::kInvalidArgument,
               fmt::format("{} is set but {} is not: set both, or neither", there, missing));
}

// The same rules for every name a pair may come under.
Status check_pair(std::string_view user_name, const std::string& user,
                  std::string_view password_name, const std::string& password) {
  ServeOptions scratch;
  for (const OptionSpec& spec : option_table()) {
    const bool is_user = spec.name == "root-user";
    if (!is_user && spec.name != "root-password") continue;
    const std::array<std::string, 1> values = {is_user ? user : password};
    if (const Status fit = spec.apply(scratch, values); !fit.ok()) {
      return fit.error().with_context(is_user ? user_name : password_name);
    }
  }
  return {};
}

}  // namespace

Result<Credentials> choose_credentials(
    const ServeOptions& options, const std::function<const char*(const char*)>& get_variable) {
  if (!options.root_user.empty() || !options.root_password.empty()) {
    if (options.root_user.empty()) return half_pair("the root password", "STRATA_ROOT_USER");
    if (options.root_password.empty()) return half_pair("the root user", "STRATA_ROOT_PASSWORD");
    return Credentials{options.root_user, options.root_password, false, "STRATA_ROOT_*"};
  }
  for (const PairNames& names : kForeignPairs) {
    const auto text = [&](const char* name) {
      const char* value = get_variable(name);
      return std::string(value == nullptr ? "" : value);
    };
    const std::string user = text(names.user);
    const std::string password = text(names.password);
    if (user.empty() && password.empty()) continue;
    if (user.empty()) return half_pair(names.password, names.user);
    if (password.empty()) return half_pair(names.user, names.password);
    TRY(check_pair(names.user, user, names.password, password));
    return Credentials{user, password, false, names.source};
  }
  if (!options.only_loopback()) {
    return Error(Code::kPermissionDenied,
                 "a listener can be reached from other machines, so the built-in development "
                 "credentials are refused: set STRATA_ROOT_USER and STRATA_ROOT_PASSWORD (for "
                 "example to the output of: openssl rand -hex 20), or listen on 127.0.0.1 only");
  }
  return Credentials{std::string(kDevelopmentUser), std::string(kDevelopmentPassword), true,
                     "built-in development pair"};
}

}  // namespace strata::roof
