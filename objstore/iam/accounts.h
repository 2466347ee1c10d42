// Accounts: made and deleted by whoever runs the server, not over the wire.
#pragma once

#include <optional>
#include <string>

#include "common/base/random.h"
#include "common/base/result.h"
#include "common/io/clock.h"
#include "objstore/iam/directory.h"

namespace strata::iam {

inline constexpr size_t kAccountNameBytesMax = 64;

struct NewAccount {
  std::string name;                       // letters, digits and +=,.@_-; nobody else's
  std::optional<std::string> access_key;  // both or neither: chosen by the server otherwise
  std::optional<std::string> secret;
};

// kInvalidArgument, kAlreadyExists for a name or key that is taken, kTooLarge past kAccountsMax.
[[nodiscard]] async::Task<Result<Account>> create_account(Directory& directory, NewAccount wanted,
                                                          io::WallTime now, RandomSource& random);

// By name or id, with its users, groups, roles, policies and sessions. The caller has made sure
// that it owns no bucket. kNotFound.
[[nodiscard]] async::Task<Result<Account>> delete_account(Directory& directory,
                                                          std::string name_or_id);

// By name or id; nullopt if there is none.
[[nodiscard]] std::optional<Account> find_account(const State& state, std::string_view name_or_id);

}  // namespace strata::iam
