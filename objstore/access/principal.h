// Principal: who somebody is and what was granted to them, resolved once for each key, so that a
// request only looks.
//
// Thread rule: immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "objstore/access/policy.h"

namespace strata::access {

enum class CallerKind : uint8_t {
  kAnonymous,  // sent no credentials
  kUser,       // a user of an account, or a session of one
  kRole,       // a session of a role
  kRoot        // an account itself
};

struct Principal {
  CallerKind kind = CallerKind::kAnonymous;
  std::string account;       // twelve digits; empty for the anonymous one
  std::string canonical_id;  // of the account
  std::string arn;       // arn:aws:iam::ID:root, ...:user/NAME, arn:aws:sts::ID:assumed-role/R/S
  std::string role_arn;  // of the role that a session is of
  std::string user_id;   // aws:userid: the account, AIDA..., or AROA...:SESSION
  std::string username;  // aws:username: of users only
  std::vector<std::pair<std::string, std::string>> tags;  // aws:PrincipalTag/KEY
  std::vector<NamedPolicy> policies;                      // of a user and its groups, or of a role
  // What a session was narrowed to; empty and not `narrowed`: nothing was taken away.
  std::vector<NamedPolicy> session_policies;
  bool narrowed = false;
  int64_t token_issued_ms = 0;  // of a session: aws:TokenIssueTime
};

// The value of a tag, whatever the case of its key; null if there is none.
[[nodiscard]] const std::string* principal_tag(const Principal& who, std::string_view key);

// The canonical user id that stands for an account, 64 hex digits: says nothing of the account.
// Of the anonymous user: AWS's own well-known id.
inline constexpr std::string_view kAnonymousCanonicalId = "65a011a29cdf8ec533ec3d1ccaae921c";

}  // namespace strata::access
