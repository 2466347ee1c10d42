// Policy: a policy document, understood.
//
// The parser is strict: what it does not know it refuses, because a condition that is passed over
// would allow too much. Source: IAM user guide, "JSON policy element reference"; Amazon S3 user
// guide, "Policies and permissions in Amazon S3". Thread rule: immutable once parsed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "objstore/access/condition.h"
#include "objstore/access/pattern.h"

namespace strata::access {

inline constexpr size_t kBucketPolicyBytesMax = 20 * kKiB;  // S3's
inline constexpr size_t kPolicyBytesMax = 20 * kKiB;        // of any document; callers have less
inline constexpr size_t kSessionPolicyBytesMax = 2048;      // STS's
inline constexpr size_t kTrustPolicyBytesMax = 4096;
inline constexpr int kPolicyDepthMax = 12;
inline constexpr size_t kStatementsMax = 1000;
inline constexpr size_t kPolicyValuesMax = 4000;  // strings in one list

// The reason of every refusal of a document; a wire has its own word (MalformedPolicy,
// MalformedPolicyDocument).
inline constexpr std::string_view kMalformedPolicy = "malformed_policy";

enum class Effect : uint8_t { kAllow, kDeny };

// Where a document is used decides what it must and may hold.
enum class PolicyKind : uint8_t {
  kIdentity,  // of a user, group, role or session: no principal, resources needed
  kBucket,    // a principal and resources
  kTrust      // of a role: a principal, no resources
};

// Whom a statement speaks of.
struct PrincipalSet {
  bool everyone = false;               // "*" or {"AWS": "*"}
  std::vector<std::string> accounts;   // twelve digits, from ids and arn:aws:iam::ID:root
  std::vector<std::string> arns;       // of users, roles and sessions
  std::vector<std::string> canonical;  // canonical user ids
  std::vector<std::string> services;   // and federated providers: nobody here, but well-formed
};

struct Statement {
  std::string sid;
  Effect effect = Effect::kDeny;
  std::optional<PrincipalSet> principal;
  bool not_principal = false;
  std::vector<Pattern> actions;
  bool not_action = false;
  std::vector<Pattern> resources;
  bool not_resource = false;
  std::vector<Condition> conditions;
};

struct Policy {
  std::string id;
  std::vector<Statement> statements;
  bool reads_object_tags = false;  // some condition or variable names s3:ExistingObjectTag/...
};

// kInvalidArgument/kMalformedPolicy with a sentence as AWS words it.
[[nodiscard]] Result<Policy> parse_policy(std::string_view text, PolicyKind kind);

// How a statement is called in explanations: its Sid, or "statement 2".
[[nodiscard]] std::string statement_name(const Policy& policy, size_t index);

// A policy and where it is attached, for decisions and their explanations.
struct NamedPolicy {
  std::string name;  // "inline policy NAME of user NAME"
  std::shared_ptr<const Policy> policy;
};

[[nodiscard]] Error malformed_policy(std::string text);

}  // namespace strata::access
