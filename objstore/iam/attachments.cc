// Managed policies attached to users, groups and roles.
#include "common/base/parse.h"
#include "objstore/iam/operations.h"

namespace strata::iam {

namespace {

// A user, group or role, and which of them it is.
struct HolderOf {
  std::string_view kind;
  const Holder* entity = nullptr;
};

template <typename Entity>
Status attach(ApiCall& call, Entity holder) {
  TRY_ASSIGN(const ManagedPolicy policy, need_policy(call));
  if (!holder.attached.contains(policy_arn(policy)) && holder.attached.size() >= kAttachedMax) {
    return error(code::kLimitExceeded, "Cannot exceed quota for PoliciesPerUser: 10");
  }
  holder.attached.insert(policy_arn(policy));
  call.draft->put(std::move(holder));
  return {};
}

template <typename Entity>
Status detach(ApiCall& call, Entity holder) {
  TRY_ASSIGN(const std::string arn, call.need("PolicyArn", kArnBytesMax));
  if (holder.attached.erase(arn) == 0) {
    return Error(Code::kNotFound, code::kNoSuchEntity,
                 "Policy " + arn + " was not found attached to " + holder.name + ".");
  }
  call.draft->put(std::move(holder));
  return {};
}

Status list_attached(ApiCall& call, const Holder& holder) {
  const std::string* prefix = call.find("PathPrefix");
  std::vector<std::string> arns;
  for (const std::string& arn : holder.attached) {
    const ManagedPolicy* policy = call.state.policy_by_arn(arn);
    if (policy == nullptr) continue;
    if (prefix == nullptr || policy->path.starts_with(*prefix)) arns.push_back(arn);
  }
  TRY_ASSIGN(const Page page, page_of(call, arns));
  call.xml.open("AttachedPolicies");
  for (size_t i = page.begin; i < page.end; ++i) {
    const std::string name = arns[i].substr(arns[i].rfind('/') + 1);
    call.xml.open("member").element("PolicyName", name).element("PolicyArn", arns[i]).close();
  }
  call.xml.close();
  write_page_end(call, page, arns);
  return {};
}

}  // namespace

Status attach_user_policy(ApiCall& call) {
  TRY_ASSIGN(User user, need_user(call));
  return attach(call, std::move(user));
}
Status detach_user_policy(ApiCall& call) {
  TRY_ASSIGN(User user, need_user(call));
  return detach(call, std::move(user));
}
Status list_attached_user_policies(ApiCall& call) {
  TRY_ASSIGN(const User user, need_user(call));
  return list_attached(call, user);
}
Status attach_group_policy(ApiCall& call) {
  TRY_ASSIGN(UserGroup group, need_group(call));
  return attach(call, std::move(group));
}
Status detach_group_policy(ApiCall& call) {
  TRY_ASSIGN(UserGroup group, need_group(call));
  return detach(call, std::move(group));
}
Status list_attached_group_policies(ApiCall& call) {
  TRY_ASSIGN(const UserGroup group, need_group(call));
  return list_attached(call, group);
}
Status attach_role_policy(ApiCall& call) {
  TRY_ASSIGN(Role role, need_role(call));
  return attach(call, std::move(role));
}
Status detach_role_policy(ApiCall& call) {
  TRY_ASSIGN(Role role, need_role(call));
  return detach(call, std::move(role));
}
Status list_attached_role_policies(ApiCall& call) {
  TRY_ASSIGN(const Role role, need_role(call));
  return list_attached(call, role);
}

Status list_entities_for_policy(ApiCall& call) {
  TRY_ASSIGN(const ManagedPolicy policy, need_policy(call));
  const std::string* filter = call.find("EntityFilter");
  const std::string* usage = call.find("PolicyUsageFilter");
  const std::string* prefix = call.find("PathPrefix");
  std::vector<HolderOf> holders;
  const auto collect = [&](std::string_view kind, const auto& entities) {
    if ((filter != nullptr && *filter != kind) ||
        (usage != nullptr && *usage == "PermissionsBoundary")) {
      return;
    }
    for (const auto* entity : entities) {
      if (!entity->attached.contains(policy_arn(policy))) continue;
      if (prefix != nullptr && !entity->path.starts_with(*prefix)) continue;
      holders.push_back({kind, entity});
    }
  };
  const State& state = call.state;
  collect("Group", of_account(state.groups, rows::group(call.account(), "")));
  collect("Role", of_account(state.roles, rows::role(call.account(), "")));
  collect("User", of_account(state.users, rows::user(call.account(), "")));
  std::vector<std::string> names;
  names.reserve(holders.size());
  for (const HolderOf& holder : holders) {
    names.push_back(std::string(holder.kind) + "/" + ascii_lower(holder.entity->name));
  }
  TRY_ASSIGN(const Page page, page_of(call, names));
  for (const std::string kind : {"Group", "User", "Role"}) {
    call.xml.open("Policy" + kind + "s");
    for (size_t i = page.begin; i < page.end; ++i) {
      if (holders[i].kind != kind) continue;
      call.xml.open("member").element(kind + "Name", holders[i].entity->name);
      call.xml.element(kind + "Id", holders[i].entity->id).close();
    }
    call.xml.close();
  }
  write_page_end(call, page, names);
  return {};
}

}  // namespace strata::iam
