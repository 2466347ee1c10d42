// Roles: who may become them, and what they then may do.
#include "common/base/parse.h"
#include "common/codec/text.h"
#include "objstore/iam/operations.h"
#include "objstore/iam/tags.h"

namespace strata::iam {

namespace {

constexpr uint64_t kSessionSecondsMin = 3600;
constexpr uint64_t kSessionSecondsMax = 43'200;

// Lists leave the tags out.
void write_role(codec::XmlWriter& xml, const Role& role, std::string_view element,
                const Tags& tags = {}) {
  xml.open(element).element("Path", role.path).element("RoleName", role.name);
  xml.element("RoleId", role.id).element("Arn", role_arn(role));
  xml.element("CreateDate", iso_time(role.created_ms));
  xml.element("AssumeRolePolicyDocument", codec::uri_encode(role.trust.text, true));
  if (!role.description.empty()) xml.element("Description", role.description);
  xml.element("MaxSessionDuration", uint64_t{role.session_seconds_max});
  write_tags(xml, tags);
  xml.close();
}

Status read_settings(const ApiCall& call, Role& role) {
  if (const std::string* text = call.find("Description")) {
    if (text->size() > kDescriptionBytesMax) {
      return error(code::kValidationError, "A description has at most 1000 characters.");
    }
    role.description = *text;
  }
  if (const std::string* text = call.find("MaxSessionDuration")) {
    const auto seconds = parse_u64(*text);
    if (!seconds || *seconds < kSessionSecondsMin || *seconds > kSessionSecondsMax) {
      return error(code::kValidationError, "MaxSessionDuration must be between 3600 and 43200.");
    }
    role.session_seconds_max = static_cast<uint32_t>(*seconds);
  }
  return {};
}

}  // namespace

Status create_role(ApiCall& call) {
  TRY_ASSIGN(const std::string name, call.need_name("RoleName", kRoleNameBytesMax));
  TRY_ASSIGN(std::string path, call.path());
  Role role;
  TRY_ASSIGN(role.trust, need_document(call, "AssumeRolePolicyDocument", access::PolicyKind::kTrust,
                                       access::kTrustPolicyBytesMax));
  TRY(read_settings(call, role));
  TRY_ASSIGN(role.tags, stated_tags(call));
  if (call.state.role(call.account(), name) != nullptr) {
    return Error(Code::kAlreadyExists, code::kEntityAlreadyExists,
                 "Role with name " + name + " already exists.");
  }
  if (of_account(call.state.roles, rows::role(call.account(), "")).size() >= kRolesMax) {
    return error(code::kLimitExceeded, "Cannot exceed quota for RolesPerAccount: 1000");
  }
  role.account = call.account();
  role.name = name;
  role.path = std::move(path);
  role.id = random_id(call.random, "AROA");
  role.created_ms = call.now_ms();
  write_role(call.xml, role, "Role", role.tags);
  call.draft->put(std::move(role));
  return {};
}

Status get_role(ApiCall& call) {
  TRY_ASSIGN(const Role role, need_role(call));
  write_role(call.xml, role, "Role", role.tags);
  return {};
}

Status list_roles(ApiCall& call) {
  const std::string* prefix = call.find("PathPrefix");
  std::vector<const Role*> roles;
  std::vector<std::string> names;
  for (const Role* role : of_account(call.state.roles, rows::role(call.account(), ""))) {
    if (prefix != nullptr && !role->path.starts_with(*prefix)) continue;
    roles.push_back(role);
    names.push_back(ascii_lower(role->name));
  }
  TRY_ASSIGN(const Page page, page_of(call, names));
  call.xml.open("Roles");
  for (size_t i = page.begin; i < page.end; ++i) write_role(call.xml, *roles[i], "member");
  call.xml.close();
  write_page_end(call, page, names);
  return {};
}

Status delete_role(ApiCall& call) {
  TRY_ASSIGN(const Role role, need_role(call));
  if (!role.inline_policies.empty() || !role.attached.empty()) {
    return Error(Code::kConflict, code::kDeleteConflict,
                 role.inline_policies.empty()
                     ? "Cannot delete entity, must detach all policies first."
                     : "Cannot delete entity, must delete policies first.");
  }
  std::vector<std::string> sessions;
  for (const auto& [row, session] : call.state.sessions) {
    if (session->holder_id == role.id) sessions.push_back(row);
  }
  for (const std::string& row : sessions) call.draft->erase(row);
  call.draft->erase(rows::role(role.account, role.name));
  return {};
}

Status update_role(ApiCall& call) {
  TRY_ASSIGN(Role role, need_role(call));
  TRY(read_settings(call, role));
  call.draft->put(std::move(role));
  return {};
}

Status update_role_description(ApiCall& call) {
  TRY_ASSIGN(Role role, need_role(call));
  TRY(read_settings(call, role));
  write_role(call.xml, role, "Role", role.tags);
  call.draft->put(std::move(role));
  return {};
}

Status update_assume_role_policy(ApiCall& call) {
  TRY_ASSIGN(Role role, need_role(call));
  TRY_ASSIGN(role.trust, need_document(call, "PolicyDocument", access::PolicyKind::kTrust,
                                       access::kTrustPolicyBytesMax));
  call.draft->put(std::move(role));
  return {};
}

}  // namespace strata::iam
