// Users as whoever runs the server makes them, in one step: with a key and with policies.
// Everything finer is IAM's own calls.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/base/result.h"
#include "common/io/clock.h"
#include "objstore/iam/directory.h"

namespace strata::iam {

struct NewUser {
  std::string account;
  std::string name;
  std::vector<std::string> policies;      // ARNs, or names: of the account, or of AWS's own
  std::optional<std::string> access_key;  // both or neither: chosen by the server otherwise
  std::optional<std::string> secret;
};

// The user with its one key. kInvalidArgument, kAlreadyExists for a name or key that is taken,
// kNotFound for a policy that is not there, kTooLarge past IAM's limits.
[[nodiscard]] async::Task<Result<User>> make_user(Directory& directory, NewUser wanted,
                                                  io::WallTime now, RandomSource& random);

// With its keys, its policies and its place in groups. kNotFound.
[[nodiscard]] async::Task<Status> remove_user(Directory& directory, std::string account,
                                              std::string name);

}  // namespace strata::iam
