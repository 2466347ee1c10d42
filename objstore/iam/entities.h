// What the directory holds: accounts, users, groups, roles, managed policies, sessions.
//
// Plain data; each entity is one row of the store. Limits: IAM's own where it has one. Source: IAM
// user guide, "IAM and STS quotas".
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "objstore/access/policy.h"

namespace strata::iam {

inline constexpr size_t kAccountsMax = 1000;
inline constexpr size_t kUsersMax = 5000;  // of one account, as all below
inline constexpr size_t kGroupsMax = 300;
inline constexpr size_t kRolesMax = 1000;
inline constexpr size_t kPoliciesMax = 1500;
inline constexpr size_t kKeysOfUserMax = 2;
inline constexpr size_t kGroupsOfUserMax = 10;
inline constexpr size_t kAttachedMax = 10;
inline constexpr size_t kPolicyVersionsMax = 5;
inline constexpr size_t kSessionsMax = 10'000;  // live ones, of all accounts
inline constexpr size_t kManagedPolicyBytesMax = 6144;
inline constexpr size_t kUserInlineBytesMax = 2048;  // all inline policies of one together
inline constexpr size_t kGroupInlineBytesMax = 5120;
inline constexpr size_t kRoleInlineBytesMax = 10'240;
inline constexpr size_t kPathBytesMax = 512;
inline constexpr size_t kDescriptionBytesMax = 1000;

// Key and value, in the order given; no key twice, whatever its case (tags.h).
using Tags = std::vector<std::pair<std::string, std::string>>;

// A policy's text and what it means, understood once.
struct Document {
  std::string text;
  std::shared_ptr<const access::Policy> policy;
};

struct AccessKey {
  std::string id;
  std::string secret;  // never logged, sent once when it is made
  bool active = true;
  int64_t created_ms = 0;
};

struct Account {
  std::string id;  // twelve digits
  std::string name;
  std::string canonical_id;  // 64 hex digits
  AccessKey root_key;
  int64_t created_ms = 0;
};

// What users, groups and roles have in common: a name, and policies that are attached to it.
struct Holder {
  std::string account;
  std::string name;
  std::string path = "/";
  std::string id;  // "AIDA...", "AGPA...", "AROA..."
  int64_t created_ms = 0;
  std::map<std::string, Document> inline_policies;  // by name
  std::set<std::string> attached;                   // ARNs of managed policies
};

struct User : Holder {
  Tags tags;
  std::vector<AccessKey> keys;
  std::set<std::string> groups;  // names, in lower case
};

struct UserGroup : Holder {};

struct Role : Holder {
  Tags tags;
  Document trust;
  std::string description;
  uint32_t session_seconds_max = 3600;
};

struct PolicyVersion {
  uint32_t number = 1;  // "v1"
  Document document;
  int64_t created_ms = 0;
};

struct ManagedPolicy {
  std::string account;
  std::string name;
  std::string path = "/";
  std::string id;  // "ANPA..."
  std::string description;
  int64_t created_ms = 0;
  int64_t updated_ms = 0;
  uint32_t default_version = 1;
  uint32_t last_version = 1;            // numbers are not used again
  std::vector<PolicyVersion> versions;  // ascending
  Tags tags;
  [[nodiscard]] const PolicyVersion* find(uint32_t number) const noexcept;
};

struct Session {
  AccessKey key;
  std::string token;
  std::string account;
  std::string role;                // its name; empty: of a user or the root
  std::string user;                // its name; empty with no role: of the root
  std::string holder_id;           // AROA... or AIDA...: a namesake made later is somebody else
  std::string name;                // RoleSessionName
  std::vector<Document> policies;  // what it is narrowed to
  bool narrowed = false;
  Tags tags;  // the role's and those that were passed
  int64_t expires_ms = 0;
};

[[nodiscard]] std::string user_arn(const User& user);
[[nodiscard]] std::string group_arn(const UserGroup& group);
[[nodiscard]] std::string role_arn(const Role& role);
[[nodiscard]] std::string policy_arn(const ManagedPolicy& policy);

}  // namespace strata::iam
