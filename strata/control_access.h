// Access's part of the control socket: why somebody may do something or may not, accounts, users.
//
//   POST   /v1/explain-access   {"user": "alice", "action": "s3:GetObject", "resource":
//   "bucket/key"}
//                               {"allowed": true, "decision": "allowed: ...", "trace": ["..."]}
//   GET    /v1/accounts         {"accounts": [account ...]}
//   POST   /v1/accounts         {"name": "team", "access_key": "...", "secret": "..."}: 201, the
//                               account with its keys
//   DELETE /v1/accounts/NAME    deletes an account that owns no bucket
//   GET    /v1/users/ACCOUNT         {"users": [user ...]}
//   POST   /v1/users/ACCOUNT         {"name": "alice", "policies": ["..."], keys}: 201, the user
//   DELETE /v1/users/ACCOUNT/NAME    deletes it with its keys
//
// `user`: a user's name, "role/NAME", "root" or "anonymous"; with "account" of another account than
// the first. `resource`: an ARN, s3://bucket/key, or bucket/key. ACCOUNT is a name, a number, or
// "-": the account of the server's own keys.
#pragma once

#include "common/base/random.h"
#include "common/io/clock.h"
#include "objstore/iam/directory.h"
#include "objstore/object/object_store.h"
#include "strata/control_api.h"
#include "strata/loop_threads.h"

namespace strata::roof {

inline constexpr const char* kExplainAccessPath = "/v1/explain-access";
inline constexpr const char* kAccountsPath = "/v1/accounts";
inline constexpr const char* kUsersPath = "/v1/users";

// What the routes work with; all outlive them.
struct AccessGround {
  iam::Directory& directory;
  object::ObjectStore& objects;
  LoopThreads& loops;
  const io::Clock& clock;
  RandomSource& random;
};

[[nodiscard]] ControlRoute explain_access_route(AccessGround ground);
[[nodiscard]] ControlRoute accounts_route(AccessGround ground);
[[nodiscard]] ControlRoute users_route(AccessGround ground);

}  // namespace strata::roof
