// The one evaluator: may this principal do this action to this resource?
//
// In AWS's order: an explicit deny anywhere ends it; else, inside one account, either the
// resource's policy or the principal's own has to allow it; between accounts both have to. A
// session policy takes away from what identity policies allow, and from what a resource's policy
// allows to the user or role; not from what it allows to the very session. Source: IAM user guide,
// "Policy evaluation logic". Thread rule: pure functions on plain data.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "objstore/access/principal.h"

namespace strata::access {

// What is asked: an action ("s3:GetObject") on a resource ("arn:aws:s3:::bucket/key").
struct Question {
  std::string_view action;
  std::string_view resource;
  const Context* context = nullptr;  // never null when policies are asked
};

// What the owner of the resource says of it.
struct ResourceSide {
  std::string_view account;             // whose it is
  const NamedPolicy* policy = nullptr;  // null: none
  bool policy_may_allow = true;         // false: only its denials count
  bool acl_allows = false;
  bool acl_allows_everyone = false;  // because of AllUsers or AuthenticatedUsers
  // Whoever owns a bucket can always mend its policy: its root is not bound by it.
  bool owner_root_is_exempt = false;
  bool restrict_public = false;  // RestrictPublicBuckets, and the policy is public
};

struct Decision {
  bool allowed = false;
  std::string_view reason;                    // static: which rule decided
  std::string policy;                         // the policy that did, if one did
  std::string statement;                      // and its statement
  [[nodiscard]] std::string explain() const;  // all of it as a sentence
};

// The lines of an explanation, one for each statement that was looked at.
using Trace = std::vector<std::string>;

[[nodiscard]] Decision evaluate(const Principal& principal, const Question& question,
                                const ResourceSide& side, Trace* trace = nullptr);

// What a single policy says, with the statement that says it.
enum class Says : uint8_t { kNothing, kAllow, kDeny };
// How a principal was named: by account only (its administrators decide further), or itself.
enum class Named : uint8_t { kNot, kAccount, kItself, kSession };
struct PolicyAnswer {
  Says says = Says::kNothing;
  Named named = Named::kNot;  // the closest of the allowing statements
  size_t statement = 0;
};
[[nodiscard]] PolicyAnswer ask_policy(const NamedPolicy& policy, const Principal& principal,
                                      const Question& question, Trace* trace = nullptr);

}  // namespace strata::access
