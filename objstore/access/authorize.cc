#include "objstore/access/authorize.h"

#include <algorithm>
#include <iterator>

namespace strata::access {

namespace {

struct AclRule {
  std::string_view action;
  Permission permission;
  bool object;  // the object's list is asked, else the bucket's
};

// Which permission of a list stands for which actions.
constexpr AclRule kAclRules[] = {
    {"s3:ListBucket", Permission::kRead, false},
    {"s3:ListBucketVersions", Permission::kRead, false},
    {"s3:ListBucketMultipartUploads", Permission::kRead, false},
    {"s3:PutObject", Permission::kWrite, false},
    {"s3:DeleteObject", Permission::kWrite, false},
    {"s3:AbortMultipartUpload", Permission::kWrite, false},
    {"s3:ListMultipartUploadParts", Permission::kWrite, false},
    {"s3:GetBucketAcl", Permission::kReadAcp, false},
    {"s3:PutBucketAcl", Permission::kWriteAcp, false},
    {"s3:GetObject", Permission::kRead, true},
    {"s3:GetObjectVersion", Permission::kRead, true},
    {"s3:GetObjectAttributes", Permission::kRead, true},
    {"s3:GetObjectVersionAttributes", Permission::kRead, true},
    {"s3:GetObjectAcl", Permission::kReadAcp, true},
    {"s3:GetObjectVersionAcl", Permission::kReadAcp, true},
    {"s3:PutObjectAcl", Permission::kWriteAcp, true},
    {"s3:PutObjectVersionAcl", Permission::kWriteAcp, true},
};

const AclRule* rule_of(std::string_view action) noexcept {
  for (const AclRule& rule : kAclRules) {
    if (rule.action == action) return &rule;
  }
  return nullptr;
}

void ask_acl(const Principal& principal, const AclRule& rule, const BucketSide& side,
             ResourceSide& answer) {
  const std::optional<Acl>& acl =
      rule.object ? (side.object != nullptr ? side.object->acl : std::nullopt) : side.access.acl;
  if (!acl) return;
  const bool signed_in = principal.kind != CallerKind::kAnonymous;
  if (!side.access.block.ignore_public_acls) {
    answer.acl_allows_everyone = grants_to_everyone(*acl, rule.permission, signed_in);
  }
  answer.acl_allows = grants_to(*acl, rule.permission, principal.canonical_id);
}

bool is_policy_action(std::string_view action) noexcept {
  return action == "s3:GetBucketPolicy" || action == "s3:PutBucketPolicy" ||
         action == "s3:DeleteBucketPolicy";
}

void say(Trace* trace, std::string line) {
  if (trace != nullptr) trace->push_back(std::move(line));
}

}  // namespace

// What belongs to an object's owner and not to its bucket's, beside what the lists speak of.
bool is_about_object(std::string_view action) noexcept {
  constexpr std::string_view kOthers[] = {
      "s3:GetObjectTagging",        "s3:GetObjectVersionTagging", "s3:PutObjectTagging",
      "s3:PutObjectVersionTagging", "s3:DeleteObjectTagging",     "s3:DeleteObjectVersionTagging",
      "s3:GetObjectRetention",      "s3:GetObjectLegalHold",
  };
  const AclRule* const rule = rule_of(action);
  if (rule != nullptr) return rule->object;
  return std::find(std::begin(kOthers), std::end(kOthers), action) != std::end(kOthers);
}

std::string Resource::arn() const {
  if (bucket.empty()) return "arn:aws:s3:::*";
  std::string text = "arn:aws:s3:::";
  text += bucket;
  if (!key.empty()) {
    text += '/';
    text += key;
  }
  return text;
}

bool needs_object(const BucketAccess& access, std::string_view action) noexcept {
  return access.acls_count() && is_about_object(action);
}

Decision authorize(const Caller& caller, std::string_view action, const Resource& resource,
                   const Context& context, const BucketSide& side, Trace* trace) {
  ResourceSide answer;
  answer.account = side.owner;
  if (side.access.policy.policy != nullptr) answer.policy = &side.access.policy;
  answer.restrict_public =
      side.access.block.restrict_public_buckets && side.access.policy_is_public;
  answer.owner_root_is_exempt = is_policy_action(action);
  if (side.access.acls_count()) {
    const bool foreign = side.object != nullptr && !side.object->owner.empty() &&
                         side.object->owner != side.owner && is_about_object(action);
    if (foreign) {
      say(trace, "the object belongs to account " + side.object->owner +
                     ": the bucket's policy can deny but not allow");
      answer.account = side.object->owner;
      answer.policy_may_allow = false;
    }
    const AclRule* const rule = rule_of(action);
    if (rule != nullptr) {
      ask_acl(*caller.principal, *rule, side, answer);
      say(trace,
          std::string("the access control list of the ") + (rule->object ? "object" : "bucket") +
              (answer.acl_allows || answer.acl_allows_everyone ? " grants " : " does not grant ") +
              std::string(permission_name(rule->permission)));
    }
  }
  const std::string arn = resource.arn();
  return evaluate(*caller.principal, {action, arn, &context}, answer, trace);
}

Decision authorize_own(const Caller& caller, std::string_view action, std::string_view arn,
                       const Context& context, Trace* trace) {
  ResourceSide side;
  side.account = caller.account;
  return evaluate(*caller.principal, {action, arn, &context}, side, trace);
}

}  // namespace strata::access
