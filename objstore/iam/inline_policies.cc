// Policies that belong to one user, group or role alone.
#include "common/codec/text.h"
#include "objstore/iam/operations.h"

namespace strata::iam {

namespace {

struct Kind {
  std::string_view name_element;
  size_t bytes_max;
};
constexpr Kind kUser{"UserName", kUserInlineBytesMax};
constexpr Kind kGroup{"GroupName", kGroupInlineBytesMax};
constexpr Kind kRole{"RoleName", kRoleInlineBytesMax};

Status put_policy(ApiCall& call, Holder& holder, const Kind& kind) {
  TRY_ASSIGN(const std::string name, call.need_name("PolicyName", kPolicyNameBytesMax));
  size_t others = 0;
  for (const auto& [other, document] : holder.inline_policies) {
    if (other != name) others += document.text.size();
  }
  const size_t left = others < kind.bytes_max ? kind.bytes_max - others : 0;
  TRY_ASSIGN(holder.inline_policies[name],
             need_document(call, "PolicyDocument", access::PolicyKind::kIdentity, left));
  return {};
}

Result<std::map<std::string, Document>::const_iterator> find_inline_policy(const ApiCall& call,
                                                                           const Holder& holder) {
  TRY_ASSIGN(const std::string name, call.need_name("PolicyName", kPolicyNameBytesMax));
  const auto found = holder.inline_policies.find(name);
  if (found == holder.inline_policies.end()) {
    return Error(Code::kNotFound, code::kNoSuchEntity,
                 "The policy with name " + name + " cannot be found for " + holder.name + ".");
  }
  return found;
}

Status get_inline(ApiCall& call, const Holder& holder, const Kind& kind) {
  TRY_ASSIGN(const auto found, find_inline_policy(call, holder));
  call.xml.element(kind.name_element, holder.name).element("PolicyName", found->first);
  call.xml.element("PolicyDocument", codec::uri_encode(found->second.text, true));
  return {};
}

Status list_inline(ApiCall& call, const Holder& holder) {
  std::vector<std::string> names;
  names.reserve(holder.inline_policies.size());
  for (const auto& [name, document] : holder.inline_policies) names.push_back(name);
  TRY_ASSIGN(const Page page, page_of(call, names));
  call.xml.open("PolicyNames");
  for (size_t i = page.begin; i < page.end; ++i) call.xml.element("member", names[i]);
  call.xml.close();
  write_page_end(call, page, names);
  return {};
}

template <typename Entity>
Status delete_inline(ApiCall& call, Entity holder) {
  TRY_ASSIGN(const auto found, find_inline_policy(call, holder));
  holder.inline_policies.erase(found);
  call.draft->put(std::move(holder));
  return {};
}

template <typename Entity>
Status put_inline(ApiCall& call, Entity holder, const Kind& kind) {
  TRY(put_policy(call, holder, kind));
  call.draft->put(std::move(holder));
  return {};
}

}  // namespace

Status put_user_policy(ApiCall& call) {
  TRY_ASSIGN(User user, need_user(call));
  return put_inline(call, std::move(user), kUser);
}
Status get_user_policy(ApiCall& call) {
  TRY_ASSIGN(const User user, need_user(call));
  return get_inline(call, user, kUser);
}
Status list_user_policies(ApiCall& call) {
  TRY_ASSIGN(const User user, need_user(call));
  return list_inline(call, user);
}
Status delete_user_policy(ApiCall& call) {
  TRY_ASSIGN(User user, need_user(call));
  return delete_inline(call, std::move(user));
}
Status put_group_policy(ApiCall& call) {
  TRY_ASSIGN(UserGroup group, need_group(call));
  return put_inline(call, std::move(group), kGroup);
}
Status get_group_policy(ApiCall& call) {
  TRY_ASSIGN(const UserGroup group, need_group(call));
  return get_inline(call, group, kGroup);
}
Status list_group_policies(ApiCall& call) {
  TRY_ASSIGN(const UserGroup group, need_group(call));
  return list_inline(call, group);
}
Status delete_group_policy(ApiCall& call) {
  TRY_ASSIGN(UserGroup group, need_group(call));
  return delete_inline(call, std::move(group));
}
Status put_role_policy(ApiCall& call) {
  TRY_ASSIGN(Role role, need_role(call));
  return put_inline(call, std::move(role), kRole);
}
Status get_role_policy(ApiCall& call) {
  TRY_ASSIGN(const Role role, need_role(call));
  return get_inline(call, role, kRole);
}
Status list_role_policies(ApiCall& call) {
  TRY_ASSIGN(const Role role, need_role(call));
  return list_inline(call, role);
}
Status delete_role_policy(ApiCall& call) {
  TRY_ASSIGN(Role role, need_role(call));
  return delete_inline(call, std::move(role));
}

}  // namespace strata::iam
