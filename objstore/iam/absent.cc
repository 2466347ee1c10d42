// What users and roles have on AWS and nobody has here: passwords, devices, certificates, instance
// profiles. Clients ask for them before they show or delete somebody; the answer is that there is
// none.
#include "objstore/iam/operations.h"

namespace strata::iam {

namespace {

Status none(const ApiCall& call, std::string_view list) {
  call.xml.open(list).close().element("IsTruncated", false);
  return {};
}

Status none_of_user(const ApiCall& call, std::string_view list) {
  if (call.find("UserName") != nullptr) TRY(need_user(call));
  return none(call, list);
}

}  // namespace

Status list_instance_profiles(ApiCall& call) {
  return none(call, "InstanceProfiles");
}

Status list_instance_profiles_for_role(ApiCall& call) {
  TRY(need_role(call));
  return none(call, "InstanceProfiles");
}

Status list_account_aliases(ApiCall& call) {
  return none(call, "AccountAliases");
}

Status list_mfa_devices(ApiCall& call) {
  return none_of_user(call, "MFADevices");
}

Status list_virtual_mfa_devices(ApiCall& call) {
  return none(call, "VirtualMFADevices");
}

Status list_signing_certificates(ApiCall& call) {
  return none_of_user(call, "Certificates");
}

Status list_ssh_public_keys(ApiCall& call) {
  return none_of_user(call, "SSHPublicKeys");
}

Status list_service_specific_credentials(ApiCall& call) {
  if (call.find("UserName") != nullptr) TRY(need_user(call));
  call.xml.open("ServiceSpecificCredentials").close();
  return {};
}

// GetLoginProfile and DeleteLoginProfile alike.
Status no_login_profile(ApiCall& call) {
  TRY_ASSIGN(const User user, need_user_or_caller(call));
  return Error(Code::kNotFound, code::kNoSuchEntity,
               "Login Profile for User " + user.name + " cannot be found.");
}

}  // namespace strata::iam
