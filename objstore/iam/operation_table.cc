#include "objstore/iam/operation_table.h"

namespace strata::iam {

namespace {

constexpr QueryOperation kOperations[] = {
    {"CreateUser", QueryService::kIam, true, true, Target::kUser, false, create_user},
    {"GetUser", QueryService::kIam, false, true, Target::kUserOrCaller, false, get_user},
    {"ListUsers", QueryService::kIam, false, true, Target::kAccount, false, list_users},
    {"UpdateUser", QueryService::kIam, true, false, Target::kUser, false, update_user},
    {"DeleteUser", QueryService::kIam, true, false, Target::kUser, false, delete_user},
    {"GetAccountSummary", QueryService::kIam, false, true, Target::kAccount, false,
     get_account_summary},
    {"CreateAccessKey", QueryService::kIam, true, true, Target::kUserOrCaller, false,
     create_access_key},
    {"ListAccessKeys", QueryService::kIam, false, true, Target::kUserOrCaller, false,
     list_access_keys},
    {"UpdateAccessKey", QueryService::kIam, true, false, Target::kUserOrCaller, false,
     update_access_key},
    {"DeleteAccessKey", QueryService::kIam, true, false, Target::kUserOrCaller, false,
     delete_access_key},
    {"CreateGroup", QueryService::kIam, true, true, Target::kGroup, false, create_group},
    {"GetGroup", QueryService::kIam, false, true, Target::kGroup, false, get_group},
    {"ListGroups", QueryService::kIam, false, true, Target::kAccount, false, list_groups},
    {"UpdateGroup", QueryService::kIam, true, false, Target::kGroup, false, update_group},
    {"DeleteGroup", QueryService::kIam, true, false, Target::kGroup, false, delete_group},
    {"AddUserToGroup", QueryService::kIam, true, false, Target::kGroup, false, add_user_to_group},
    {"RemoveUserFromGroup", QueryService::kIam, true, false, Target::kGroup, false,
     remove_user_from_group},
    {"ListGroupsForUser", QueryService::kIam, false, true, Target::kUser, false,
     list_groups_for_user},
    {"PutUserPolicy", QueryService::kIam, true, false, Target::kUser, false, put_user_policy},
    {"GetUserPolicy", QueryService::kIam, false, true, Target::kUser, false, get_user_policy},
    {"ListUserPolicies", QueryService::kIam, false, true, Target::kUser, false, list_user_policies},
    {"DeleteUserPolicy", QueryService::kIam, true, false, Target::kUser, false, delete_user_policy},
    {"AttachUserPolicy", QueryService::kIam, true, false, Target::kUser, false, attach_user_policy},
    {"DetachUserPolicy", QueryService::kIam, true, false, Target::kUser, false, detach_user_policy},
    {"ListAttachedUserPolicies", QueryService::kIam, false, true, Target::kUser, false,
     list_attached_user_policies},
    {"PutGroupPolicy", QueryService::kIam, true, false, Target::kGroup, false, put_group_policy},
    {"GetGroupPolicy", QueryService::kIam, false, true, Target::kGroup, false, get_group_policy},
    {"ListGroupPolicies", QueryService::kIam, false, true, Target::kGroup, false,
     list_group_policies},
    {"DeleteGroupPolicy", QueryService::kIam, true, false, Target::kGroup, false,
     delete_group_policy},
    {"AttachGroupPolicy", QueryService::kIam, true, false, Target::kGroup, false,
     attach_group_policy},
    {"DetachGroupPolicy", QueryService::kIam, true, false, Target::kGroup, false,
     detach_group_policy},
    {"ListAttachedGroupPolicies", QueryService::kIam, false, true, Target::kGroup, false,
     list_attached_group_policies},
    {"PutRolePolicy", QueryService::kIam, true, false, Target::kRole, false, put_role_policy},
    {"GetRolePolicy", QueryService::kIam, false, true, Target::kRole, false, get_role_policy},
    {"ListRolePolicies", QueryService::kIam, false, true, Target::kRole, false, list_role_policies},
    {"DeleteRolePolicy", QueryService::kIam, true, false, Target::kRole, false, delete_role_policy},
    {"AttachRolePolicy", QueryService::kIam, true, false, Target::kRole, false, attach_role_policy},
    {"DetachRolePolicy", QueryService::kIam, true, false, Target::kRole, false, detach_role_policy},
    {"ListAttachedRolePolicies", QueryService::kIam, false, true, Target::kRole, false,
     list_attached_role_policies},
    {"ListEntitiesForPolicy", QueryService::kIam, false, true, Target::kPolicy, false,
     list_entities_for_policy},
    {"CreatePolicy", QueryService::kIam, true, true, Target::kAccount, false, create_policy},
    {"GetPolicy", QueryService::kIam, false, true, Target::kPolicy, false, get_policy},
    {"ListPolicies", QueryService::kIam, false, true, Target::kAccount, false, list_policies},
    {"DeletePolicy", QueryService::kIam, true, false, Target::kPolicy, false, delete_policy},
    {"CreatePolicyVersion", QueryService::kIam, true, true, Target::kPolicy, false,
     create_policy_version},
    {"GetPolicyVersion", QueryService::kIam, false, true, Target::kPolicy, false,
     get_policy_version},
    {"ListPolicyVersions", QueryService::kIam, false, true, Target::kPolicy, false,
     list_policy_versions},
    {"DeletePolicyVersion", QueryService::kIam, true, false, Target::kPolicy, false,
     delete_policy_version},
    {"SetDefaultPolicyVersion", QueryService::kIam, true, false, Target::kPolicy, false,
     set_default_policy_version},
    {"CreateRole", QueryService::kIam, true, true, Target::kRole, false, create_role},
    {"GetRole", QueryService::kIam, false, true, Target::kRole, false, get_role},
    {"ListRoles", QueryService::kIam, false, true, Target::kAccount, false, list_roles},
    {"DeleteRole", QueryService::kIam, true, false, Target::kRole, false, delete_role},
    {"UpdateRole", QueryService::kIam, true, true, Target::kRole, false, update_role},
    {"UpdateRoleDescription", QueryService::kIam, true, true, Target::kRole, false,
     update_role_description},
    {"UpdateAssumeRolePolicy", QueryService::kIam, true, false, Target::kRole, false,
     update_assume_role_policy},
    {"TagUser", QueryService::kIam, true, false, Target::kUser, false, tag_user},
    {"UntagUser", QueryService::kIam, true, false, Target::kUser, false, untag_user},
    {"ListUserTags", QueryService::kIam, false, true, Target::kUser, false, list_user_tags},
    {"TagRole", QueryService::kIam, true, false, Target::kRole, false, tag_role},
    {"UntagRole", QueryService::kIam, true, false, Target::kRole, false, untag_role},
    {"ListRoleTags", QueryService::kIam, false, true, Target::kRole, false, list_role_tags},
    {"TagPolicy", QueryService::kIam, true, false, Target::kPolicy, false, tag_policy},
    {"UntagPolicy", QueryService::kIam, true, false, Target::kPolicy, false, untag_policy},
    {"ListPolicyTags", QueryService::kIam, false, true, Target::kPolicy, false, list_policy_tags},
    {"ListInstanceProfiles", QueryService::kIam, false, true, Target::kAccount, false,
     list_instance_profiles},
    {"ListInstanceProfilesForRole", QueryService::kIam, false, true, Target::kRole, false,
     list_instance_profiles_for_role},
    {"ListAccountAliases", QueryService::kIam, false, true, Target::kAccount, false,
     list_account_aliases},
    {"ListMFADevices", QueryService::kIam, false, true, Target::kUserOrCaller, false,
     list_mfa_devices},
    {"ListVirtualMFADevices", QueryService::kIam, false, true, Target::kAccount, false,
     list_virtual_mfa_devices},
    {"ListSigningCertificates", QueryService::kIam, false, true, Target::kUserOrCaller, false,
     list_signing_certificates},
    {"ListSSHPublicKeys", QueryService::kIam, false, true, Target::kUserOrCaller, false,
     list_ssh_public_keys},
    {"ListServiceSpecificCredentials", QueryService::kIam, false, true, Target::kUserOrCaller,
     false, list_service_specific_credentials},
    {"GetLoginProfile", QueryService::kIam, false, true, Target::kUserOrCaller, false,
     no_login_profile},
    {"DeleteLoginProfile", QueryService::kIam, false, false, Target::kUserOrCaller, false,
     no_login_profile},
    {"GetCallerIdentity", QueryService::kSts, false, true, Target::kAccount, true,
     get_caller_identity},
    {"AssumeRole", QueryService::kSts, true, true, Target::kRoleArn, true, assume_role},
    {"GetSessionToken", QueryService::kSts, true, true, Target::kAccount, true, get_session_token},
};

std::string_view parameter(const Parameters& parameters, std::string_view name) {
  const auto found = parameters.find(name);
  return found == parameters.end() ? std::string_view() : std::string_view(found->second);
}

// The ARN of a name with the path of the entity that has it, or, before there is one, of the path
// that it is to have.
std::string arn_of(const access::Caller& caller, std::string_view type, std::string_view path,
                   std::string_view name) {
  std::string arn = "arn:aws:iam::" + caller.account + ":";
  arn.append(type).append(path.empty() ? "/" : path).append(name);
  return arn;
}

std::string_view path_of(const Holder* holder, const Parameters& parameters) {
  return holder != nullptr ? std::string_view(holder->path) : parameter(parameters, "Path");
}

}  // namespace

std::span<const QueryOperation> query_operations() noexcept {
  return kOperations;
}

const QueryOperation* find_operation(std::string_view name, QueryService service) {
  for (const QueryOperation& operation : kOperations) {
    if (operation.name == name && operation.service == service) return &operation;
  }
  return nullptr;
}

std::string resource_of(const QueryOperation& operation, const access::Caller& caller,
                        const Parameters& parameters, const State& state) {
  const std::string& account = caller.account;
  switch (operation.target) {
    case Target::kUser:
    case Target::kUserOrCaller: {
      std::string_view name = parameter(parameters, "UserName");
      if (name.empty()) name = caller.principal->username;
      return arn_of(caller, "user", path_of(state.user(account, name), parameters), name);
    }
    case Target::kGroup: {
      const std::string_view name = parameter(parameters, "GroupName");
      return arn_of(caller, "group", path_of(state.group(account, name), parameters), name);
    }
    case Target::kRole: {
      const std::string_view name = parameter(parameters, "RoleName");
      return arn_of(caller, "role", path_of(state.role(account, name), parameters), name);
    }
    case Target::kPolicy:
      return std::string(parameter(parameters, "PolicyArn"));
    case Target::kRoleArn:
      return std::string(parameter(parameters, "RoleArn"));
    case Target::kAccount:
      break;
  }
  return "*";
}

const Tags* tags_of_resource(const QueryOperation& operation, const access::Caller& caller,
                             const Parameters& parameters, const State& state) {
  switch (operation.target) {
    case Target::kUser:
    case Target::kUserOrCaller: {
      std::string_view name = parameter(parameters, "UserName");
      if (name.empty()) name = caller.principal->username;
      const User* user = state.user(caller.account, name);
      return user == nullptr ? nullptr : &user->tags;
    }
    case Target::kRole: {
      const Role* role = state.role(caller.account, parameter(parameters, "RoleName"));
      return role == nullptr ? nullptr : &role->tags;
    }
    case Target::kPolicy: {
      const ManagedPolicy* policy = state.policy_by_arn(parameter(parameters, "PolicyArn"));
      return policy == nullptr ? nullptr : &policy->tags;
    }
    default:
      return nullptr;
  }
}

}  // namespace strata::iam
