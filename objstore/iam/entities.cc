#include "objstore/iam/entities.h"

namespace strata::iam {

namespace {

std::string arn(const std::string& account, std::string_view type, const std::string& path,
                const std::string& name) {
  std::string text = "arn:aws:iam::" + account + ":";
  text += type;
  return text + path + name;
}

}  // namespace

const PolicyVersion* ManagedPolicy::find(uint32_t number) const noexcept {
  for (const PolicyVersion& version : versions) {
    if (version.number == number) return &version;
  }
  return nullptr;
}

std::string user_arn(const User& user) {
  return arn(user.account, "user", user.path, user.name);
}
std::string group_arn(const UserGroup& group) {
  return arn(group.account, "group", group.path, group.name);
}
std::string role_arn(const Role& role) {
  return arn(role.account, "role", role.path, role.name);
}
std::string policy_arn(const ManagedPolicy& policy) {
  return arn(policy.account, "policy", policy.path, policy.name);
}

}  // namespace strata::iam
