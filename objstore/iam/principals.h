// From the directory to principals: who each key stands for and what was granted to them.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "objstore/access/credentials.h"
#include "objstore/iam/state.h"

namespace strata::iam {

// The canonical user id of an account: 64 hex digits that say nothing of it.
[[nodiscard]] std::string canonical_id_of(const State& state, std::string_view account);

[[nodiscard]] std::shared_ptr<const access::Principal> root_principal(const State& state,
                                                                      const std::string& account);
[[nodiscard]] std::shared_ptr<const access::Principal> user_principal(const State& state,
                                                                      const User& user);
[[nodiscard]] std::shared_ptr<const access::Principal> role_principal(const State& state,
                                                                      const Role& role,
                                                                      const std::string& session);
// Null when whom the session is of is gone.
[[nodiscard]] std::shared_ptr<const access::Principal> session_principal(const State& state,
                                                                         const Session& session);

// Whether the ARN of a user, role or session of a role names somebody who is there. Of other forms
// nobody is known, and nobody can be taken for them.
[[nodiscard]] bool is_known_principal(const State& state, std::string_view arn);

using CredentialIndex = std::unordered_map<std::string, std::shared_ptr<const access::Credential>>;
// Every key that may sign, but those of the server's own options. Linear in the directory.
[[nodiscard]] CredentialIndex index_credentials(const State& state);

}  // namespace strata::iam
