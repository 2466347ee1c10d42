// Managed policies and their versions.
#include <algorithm>

#include "common/base/parse.h"
#include "common/codec/text.h"
#include "objstore/iam/aws_policies.h"
#include "objstore/iam/operations.h"
#include "objstore/iam/tags.h"

namespace strata::iam {

namespace {

std::string version_id(uint32_t number) {
  return "v" + std::to_string(number);
}

// Lists leave the tags out.
void write_policy(const ApiCall& call, const ManagedPolicy& policy, std::string_view element,
                  const Tags& tags = {}) {
  const std::string arn = policy_arn(policy);
  call.xml.open(element).element("PolicyName", policy.name).element("PolicyId", policy.id);
  call.xml.element("Arn", arn).element("Path", policy.path);
  call.xml.element("DefaultVersionId", version_id(policy.default_version));
  call.xml.element("AttachmentCount",
                   static_cast<uint64_t>(attachments_of(call.state, call.account(), arn)));
  call.xml.element("PermissionsBoundaryUsageCount", uint64_t{0}).element("IsAttachable", true);
  if (!policy.description.empty()) call.xml.element("Description", policy.description);
  call.xml.element("CreateDate", iso_time(policy.created_ms));
  call.xml.element("UpdateDate", iso_time(policy.updated_ms));
  write_tags(call.xml, tags);
  call.xml.close();
}

void write_version(const ApiCall& call, const ManagedPolicy& policy, const PolicyVersion& version,
                   std::string_view element, bool with_document) {
  call.xml.open(element);
  if (with_document) {
    call.xml.element("Document", codec::uri_encode(version.document.text, true));
  }
  call.xml.element("VersionId", version_id(version.number));
  call.xml.element("IsDefaultVersion", version.number == policy.default_version);
  call.xml.element("CreateDate", iso_time(version.created_ms)).close();
}

Result<uint32_t> need_version(const ApiCall& call, const ManagedPolicy& policy) {
  TRY_ASSIGN(const std::string id, call.need("VersionId", 16));
  const auto number = id.front() == 'v' ? parse_u64(std::string_view(id).substr(1)) : std::nullopt;
  if (!number || *number > UINT32_MAX || policy.find(static_cast<uint32_t>(*number)) == nullptr) {
    return Error(Code::kNotFound, code::kNoSuchEntity,
                 "Policy " + policy_arn(policy) + " version " + id + " does not exist.");
  }
  return static_cast<uint32_t>(*number);
}

// One of the account's own: those of AWS cannot be changed.
Result<ManagedPolicy> need_own_policy(const ApiCall& call) {
  TRY_ASSIGN(ManagedPolicy policy, need_policy(call));
  if (policy.account == "aws") {
    return Error(Code::kPermissionDenied, code::kAccessDenied,
                 "The policy " + policy_arn(policy) + " belongs to AWS and cannot be changed.");
  }
  return policy;
}

}  // namespace

size_t attachments_of(const State& state, const std::string& account, const std::string& arn) {
  size_t count = 0;
  for (const User* user : of_account(state.users, rows::user(account, ""))) {
    count += user->attached.count(arn);
  }
  for (const UserGroup* group : of_account(state.groups, rows::group(account, ""))) {
    count += group->attached.count(arn);
  }
  for (const Role* role : of_account(state.roles, rows::role(account, ""))) {
    count += role->attached.count(arn);
  }
  return count;
}

Status create_policy(ApiCall& call) {
  TRY_ASSIGN(const std::string name, call.need_name("PolicyName", kPolicyNameBytesMax));
  TRY_ASSIGN(std::string path, call.path());
  TRY_ASSIGN(Document document, need_document(call, "PolicyDocument", access::PolicyKind::kIdentity,
                                              kManagedPolicyBytesMax));
  TRY_ASSIGN(Tags tags, stated_tags(call));
  const std::string key = rows::policy(call.account(), name);
  if (call.state.policies.contains(key)) {
    return Error(Code::kAlreadyExists, code::kEntityAlreadyExists,
                 "A policy called " + name + " already exists. Duplicate names are not allowed.");
  }
  if (of_account(call.state.policies, rows::policy(call.account(), "")).size() >= kPoliciesMax) {
    return error(code::kLimitExceeded, "Cannot exceed quota for PoliciesPerAccount: 1500");
  }
  ManagedPolicy policy;
  policy.account = call.account();
  policy.name = name;
  policy.path = std::move(path);
  policy.id = random_id(call.random, "ANPA");
  if (const std::string* text = call.find("Description")) {
    policy.description = text->substr(0, kDescriptionBytesMax);
  }
  policy.created_ms = call.now_ms();
  policy.updated_ms = call.now_ms();
  policy.versions.push_back({1, std::move(document), call.now_ms()});
  policy.tags = std::move(tags);
  write_policy(call, policy, "Policy", policy.tags);
  call.draft->put(std::move(policy));
  return {};
}

Status get_policy(ApiCall& call) {
  TRY_ASSIGN(const ManagedPolicy policy, need_policy(call));
  write_policy(call, policy, "Policy", policy.tags);
  return {};
}

Status list_policies(ApiCall& call) {
  const std::string* scope = call.find("Scope");
  if (scope != nullptr && *scope != "All" && *scope != "AWS" && *scope != "Local") {
    return error(code::kValidationError, "Scope must be All, AWS or Local.");
  }
  const std::string* only_attached = call.find("OnlyAttached");
  const std::string* prefix = call.find("PathPrefix");
  std::vector<const ManagedPolicy*> policies;
  const auto add = [&](const ManagedPolicy& policy) {
    if (prefix != nullptr && !policy.path.starts_with(*prefix)) return;
    if (only_attached != nullptr && *only_attached == "true" &&
        attachments_of(call.state, call.account(), policy_arn(policy)) == 0) {
      return;
    }
    policies.push_back(&policy);
  };
  if (scope == nullptr || *scope != "AWS") {
    for (const ManagedPolicy* policy :
         of_account(call.state.policies, rows::policy(call.account(), ""))) {
      add(*policy);
    }
  }
  if (scope == nullptr || *scope != "Local") {
    for (const ManagedPolicy& policy : aws_policies()) add(policy);
  }
  std::sort(policies.begin(), policies.end(),
            [](const auto* a, const auto* b) { return policy_arn(*a) < policy_arn(*b); });
  std::vector<std::string> names;
  names.reserve(policies.size());
  for (const ManagedPolicy* policy : policies) names.push_back(policy_arn(*policy));
  TRY_ASSIGN(const Page page, page_of(call, names));
  call.xml.open("Policies");
  for (size_t i = page.begin; i < page.end; ++i) write_policy(call, *policies[i], "member");
  call.xml.close();
  write_page_end(call, page, names);
  return {};
}

Status delete_policy(ApiCall& call) {
  TRY_ASSIGN(const ManagedPolicy policy, need_own_policy(call));
  if (attachments_of(call.state, call.account(), policy_arn(policy)) > 0) {
    return Error(Code::kConflict, code::kDeleteConflict,
                 "Cannot delete a policy attached to entities.");
  }
  if (policy.versions.size() > 1) {
    return Error(Code::kConflict, code::kDeleteConflict,
                 "This policy has more than one version. Before you delete a policy, you must "
                 "delete the policy's versions. The default version is deleted with the policy.");
  }
  call.draft->erase(rows::policy(policy.account, policy.name));
  return {};
}

Status create_policy_version(ApiCall& call) {
  TRY_ASSIGN(ManagedPolicy policy, need_own_policy(call));
  if (policy.versions.size() >= kPolicyVersionsMax) {
    return error(code::kLimitExceeded,
                 "A managed policy can have up to 5 versions. Before you create a new version, you "
                 "must delete an existing version.");
  }
  TRY_ASSIGN(Document document, need_document(call, "PolicyDocument", access::PolicyKind::kIdentity,
                                              kManagedPolicyBytesMax));
  PolicyVersion version{++policy.last_version, std::move(document), call.now_ms()};
  const std::string* as_default = call.find("SetAsDefault");
  if (as_default != nullptr && *as_default == "true") policy.default_version = version.number;
  policy.updated_ms = call.now_ms();
  write_version(call, policy, version, "PolicyVersion", false);
  policy.versions.push_back(std::move(version));
  call.draft->put(std::move(policy));
  return {};
}

Status get_policy_version(ApiCall& call) {
  TRY_ASSIGN(const ManagedPolicy policy, need_policy(call));
  TRY_ASSIGN(const uint32_t number, need_version(call, policy));
  write_version(call, policy, *policy.find(number), "PolicyVersion", true);
  return {};
}

Status list_policy_versions(ApiCall& call) {
  TRY_ASSIGN(const ManagedPolicy policy, need_policy(call));
  call.xml.open("Versions");
  for (auto version = policy.versions.rbegin(); version != policy.versions.rend(); ++version) {
    write_version(call, policy, *version, "member", false);
  }
  call.xml.close().element("IsTruncated", false);
  return {};
}

Status delete_policy_version(ApiCall& call) {
  TRY_ASSIGN(ManagedPolicy policy, need_own_policy(call));
  TRY_ASSIGN(const uint32_t number, need_version(call, policy));
  if (number == policy.default_version) {
    return Error(Code::kConflict, code::kDeleteConflict,
                 "Cannot delete the default version of a policy.");
  }
  std::erase_if(policy.versions,
                [&](const PolicyVersion& version) { return version.number == number; });
  policy.updated_ms = call.now_ms();
  call.draft->put(std::move(policy));
  return {};
}

Status set_default_policy_version(ApiCall& call) {
  TRY_ASSIGN(ManagedPolicy policy, need_own_policy(call));
  TRY_ASSIGN(policy.default_version, need_version(call, policy));
  policy.updated_ms = call.now_ms();
  call.draft->put(std::move(policy));
  return {};
}

}  // namespace strata::iam
