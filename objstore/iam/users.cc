// Users, and how many of everything there are.
#include "objstore/iam/operations.h"
#include "objstore/iam/tags.h"

namespace strata::iam {

namespace {

// Lists leave the tags out.
void write_user(codec::XmlWriter& xml, const User& user, std::string_view element,
                const Tags& tags = {}) {
  xml.open(element).element("Path", user.path).element("UserName", user.name);
  xml.element("UserId", user.id).element("Arn", user_arn(user));
  xml.element("CreateDate", iso_time(user.created_ms));
  write_tags(xml, tags);
  xml.close();
}

Error user_exists(const std::string& name) {
  return {Code::kAlreadyExists, code::kEntityAlreadyExists,
          "User with name " + name + " already exists."};
}

}  // namespace

Status create_user(ApiCall& call) {
  TRY_ASSIGN(const std::string name, call.need_name("UserName", kUserNameBytesMax));
  TRY_ASSIGN(std::string path, call.path());
  TRY_ASSIGN(Tags tags, stated_tags(call));
  if (call.state.user(call.account(), name) != nullptr) return user_exists(name);
  if (of_account(call.state.users, rows::user(call.account(), "")).size() >= kUsersMax) {
    return error(code::kLimitExceeded, "Cannot exceed quota for UsersPerAccount: 5000");
  }
  User user;
  user.account = call.account();
  user.name = name;
  user.path = std::move(path);
  user.id = random_id(call.random, "AIDA");
  user.created_ms = call.now_ms();
  user.tags = std::move(tags);
  write_user(call.xml, user, "User", user.tags);
  call.draft->put(std::move(user));
  return {};
}

Status get_user(ApiCall& call) {
  if (call.find("UserName") == nullptr && call.caller.kind == access::CallerKind::kRoot) {
    const Account* account = call.state.account(call.account());
    call.xml.open("User").element("UserId", call.account());
    call.xml.element("Arn", call.caller.principal->arn);
    call.xml.element("CreateDate", iso_time(account == nullptr ? 0 : account->created_ms)).close();
    return {};
  }
  TRY_ASSIGN(const User user, need_user_or_caller(call));
  write_user(call.xml, user, "User", user.tags);
  return {};
}

Status list_users(ApiCall& call) {
  const std::string* prefix = call.find("PathPrefix");
  std::vector<const User*> users;
  std::vector<std::string> names;
  const std::string all = rows::user(call.account(), "");
  for (const User* user : of_account(call.state.users, all)) {
    if (prefix != nullptr && !user->path.starts_with(*prefix)) continue;
    users.push_back(user);
    names.push_back(rows::user("", user->name));
  }
  TRY_ASSIGN(const Page page, page_of(call, names));
  call.xml.open("Users");
  for (size_t i = page.begin; i < page.end; ++i) write_user(call.xml, *users[i], "member");
  call.xml.close();
  write_page_end(call, page, names);
  return {};
}

Status update_user(ApiCall& call) {
  TRY_ASSIGN(User user, need_user(call));
  const std::string old_key = rows::user(user.account, user.name);
  if (const std::string* path = call.find("NewPath")) {
    if (path->empty() || path->front() != '/' || path->back() != '/' ||
        path->size() > kPathBytesMax) {
      return error(code::kValidationError,
                   "The specified value for newPath is invalid. It must begin and end with /.");
    }
    user.path = *path;
  }
  if (call.find("NewUserName") != nullptr) {
    TRY_ASSIGN(const std::string name, call.need_name("NewUserName", kUserNameBytesMax));
    const std::string new_key = rows::user(user.account, name);
    if (new_key != old_key && call.state.user(user.account, name) != nullptr) {
      return user_exists(name);
    }
    user.name = name;
    if (new_key != old_key) {
      // Its sessions go on under the new name.
      std::vector<Session> renamed;
      for (const auto& [row, session] : call.state.sessions) {
        if (session->holder_id != user.id) continue;
        renamed.push_back(*session);
        renamed.back().user = name;
      }
      for (Session& session : renamed) call.draft->put(std::move(session));
      call.draft->erase(old_key);
    }
  }
  call.draft->put(std::move(user));
  return {};
}

Status delete_user(ApiCall& call) {
  TRY_ASSIGN(const User user, need_user(call));
  std::string_view what;
  if (!user.keys.empty()) what = "access keys";
  if (!user.groups.empty()) what = "its groups";
  if (!user.inline_policies.empty()) what = "policies";
  if (!user.attached.empty()) what = "attached policies";
  if (!what.empty()) {
    return Error(Code::kConflict, code::kDeleteConflict,
                 "Cannot delete entity, must remove " + std::string(what) + " first.");
  }
  call.draft->erase(rows::user(user.account, user.name));
  std::vector<std::string> sessions;
  for (const auto& [row, session] : call.state.sessions) {
    if (session->holder_id == user.id) sessions.push_back(row);
  }
  for (const std::string& row : sessions) call.draft->erase(row);
  return {};
}

Status get_account_summary(ApiCall& call) {
  const State& state = call.state;
  const std::string& account = call.account();
  const auto entry = [&](std::string_view key, size_t value) {
    call.xml.open("entry").element("key", key).element("value", static_cast<uint64_t>(value));
    call.xml.close();
  };
  call.xml.open("SummaryMap");
  entry("Users", of_account(state.users, rows::user(account, "")).size());
  entry("UsersQuota", kUsersMax);
  entry("Groups", of_account(state.groups, rows::group(account, "")).size());
  entry("GroupsQuota", kGroupsMax);
  entry("Roles", of_account(state.roles, rows::role(account, "")).size());
  entry("RolesQuota", kRolesMax);
  entry("Policies", of_account(state.policies, rows::policy(account, "")).size());
  entry("PoliciesQuota", kPoliciesMax);
  entry("PolicySizeQuota", kManagedPolicyBytesMax);
  entry("UserPolicySizeQuota", kUserInlineBytesMax);
  entry("GroupPolicySizeQuota", kGroupInlineBytesMax);
  entry("AccessKeysPerUserQuota", kKeysOfUserMax);
  entry("GroupsPerUserQuota", kGroupsOfUserMax);
  entry("AttachedPoliciesPerUserQuota", kAttachedMax);
  entry("VersionsPerPolicyQuota", kPolicyVersionsMax);
  call.xml.close();
  return {};
}

}  // namespace strata::iam
