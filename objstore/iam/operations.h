// The operations of IAM and STS, one function each, in one file per family. Each writes the content
// of its Result element.
#pragma once

#include "objstore/iam/api_call.h"

namespace strata::iam {

using OperationFunction = Status (*)(ApiCall& call);

// users.cc
[[nodiscard]] Status create_user(ApiCall& call);
[[nodiscard]] Status get_user(ApiCall& call);
[[nodiscard]] Status list_users(ApiCall& call);
[[nodiscard]] Status update_user(ApiCall& call);
[[nodiscard]] Status delete_user(ApiCall& call);
[[nodiscard]] Status get_account_summary(ApiCall& call);

// access_keys.cc
[[nodiscard]] Status create_access_key(ApiCall& call);
[[nodiscard]] Status list_access_keys(ApiCall& call);
[[nodiscard]] Status update_access_key(ApiCall& call);
[[nodiscard]] Status delete_access_key(ApiCall& call);

// groups.cc
[[nodiscard]] Status create_group(ApiCall& call);
[[nodiscard]] Status get_group(ApiCall& call);
[[nodiscard]] Status list_groups(ApiCall& call);
[[nodiscard]] Status update_group(ApiCall& call);
[[nodiscard]] Status delete_group(ApiCall& call);
[[nodiscard]] Status add_user_to_group(ApiCall& call);
[[nodiscard]] Status remove_user_from_group(ApiCall& call);
[[nodiscard]] Status list_groups_for_user(ApiCall& call);

// inline_policies.cc
[[nodiscard]] Status put_user_policy(ApiCall& call);
[[nodiscard]] Status get_user_policy(ApiCall& call);
[[nodiscard]] Status list_user_policies(ApiCall& call);
[[nodiscard]] Status delete_user_policy(ApiCall& call);
[[nodiscard]] Status put_group_policy(ApiCall& call);
[[nodiscard]] Status get_group_policy(ApiCall& call);
[[nodiscard]] Status list_group_policies(ApiCall& call);
[[nodiscard]] Status delete_group_policy(ApiCall& call);
[[nodiscard]] Status put_role_policy(ApiCall& call);
[[nodiscard]] Status get_role_policy(ApiCall& call);
[[nodiscard]] Status list_role_policies(ApiCall& call);
[[nodiscard]] Status delete_role_policy(ApiCall& call);

// attachments.cc
[[nodiscard]] Status attach_user_policy(ApiCall& call);
[[nodiscard]] Status detach_user_policy(ApiCall& call);
[[nodiscard]] Status list_attached_user_policies(ApiCall& call);
[[nodiscard]] Status attach_group_policy(ApiCall& call);
[[nodiscard]] Status detach_group_policy(ApiCall& call);
[[nodiscard]] Status list_attached_group_policies(ApiCall& call);
[[nodiscard]] Status attach_role_policy(ApiCall& call);
[[nodiscard]] Status detach_role_policy(ApiCall& call);
[[nodiscard]] Status list_attached_role_policies(ApiCall& call);
[[nodiscard]] Status list_entities_for_policy(ApiCall& call);

// managed_policies.cc
[[nodiscard]] Status create_policy(ApiCall& call);
[[nodiscard]] Status get_policy(ApiCall& call);
[[nodiscard]] Status list_policies(ApiCall& call);
[[nodiscard]] Status delete_policy(ApiCall& call);
[[nodiscard]] Status create_policy_version(ApiCall& call);
[[nodiscard]] Status get_policy_version(ApiCall& call);
[[nodiscard]] Status list_policy_versions(ApiCall& call);
[[nodiscard]] Status delete_policy_version(ApiCall& call);
[[nodiscard]] Status set_default_policy_version(ApiCall& call);
// How many users, groups and roles a policy is attached to.
[[nodiscard]] size_t attachments_of(const State& state, const std::string& account,
                                    const std::string& arn);

// tags.cc
[[nodiscard]] Status tag_user(ApiCall& call);
[[nodiscard]] Status untag_user(ApiCall& call);
[[nodiscard]] Status list_user_tags(ApiCall& call);
[[nodiscard]] Status tag_role(ApiCall& call);
[[nodiscard]] Status untag_role(ApiCall& call);
[[nodiscard]] Status list_role_tags(ApiCall& call);
[[nodiscard]] Status tag_policy(ApiCall& call);
[[nodiscard]] Status untag_policy(ApiCall& call);
[[nodiscard]] Status list_policy_tags(ApiCall& call);

// absent.cc
[[nodiscard]] Status list_instance_profiles(ApiCall& call);
[[nodiscard]] Status list_instance_profiles_for_role(ApiCall& call);
[[nodiscard]] Status list_account_aliases(ApiCall& call);
[[nodiscard]] Status list_mfa_devices(ApiCall& call);
[[nodiscard]] Status list_virtual_mfa_devices(ApiCall& call);
[[nodiscard]] Status list_signing_certificates(ApiCall& call);
[[nodiscard]] Status list_ssh_public_keys(ApiCall& call);
[[nodiscard]] Status list_service_specific_credentials(ApiCall& call);
[[nodiscard]] Status no_login_profile(ApiCall& call);

// roles.cc
[[nodiscard]] Status create_role(ApiCall& call);
[[nodiscard]] Status get_role(ApiCall& call);
[[nodiscard]] Status list_roles(ApiCall& call);
[[nodiscard]] Status delete_role(ApiCall& call);
[[nodiscard]] Status update_role(ApiCall& call);
[[nodiscard]] Status update_role_description(ApiCall& call);
[[nodiscard]] Status update_assume_role_policy(ApiCall& call);

// sts.cc
[[nodiscard]] Status get_caller_identity(ApiCall& call);
[[nodiscard]] Status assume_role(ApiCall& call);
[[nodiscard]] Status get_session_token(ApiCall& call);

}  // namespace strata::iam
