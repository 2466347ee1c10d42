// Groups and their members.
#include "common/base/parse.h"
#include "objstore/iam/operations.h"

namespace strata::iam {

namespace {

void write_group(codec::XmlWriter& xml, const UserGroup& group, std::string_view element) {
  xml.open(element).element("Path", group.path).element("GroupName", group.name);
  xml.element("GroupId", group.id).element("Arn", group_arn(group));
  xml.element("CreateDate", iso_time(group.created_ms)).close();
}

std::vector<const User*> members_of(const ApiCall& call, const UserGroup& group) {
  std::vector<const User*> members;
  const std::string name = ascii_lower(group.name);
  for (const User* user : of_account(call.state.users, rows::user(call.account(), ""))) {
    if (user->groups.contains(name)) members.push_back(user);
  }
  return members;
}

Status write_groups(ApiCall& call, const std::vector<const UserGroup*>& groups) {
  std::vector<std::string> names;
  names.reserve(groups.size());
  for (const UserGroup* group : groups) names.push_back(ascii_lower(group->name));
  TRY_ASSIGN(const Page page, page_of(call, names));
  call.xml.open("Groups");
  for (size_t i = page.begin; i < page.end; ++i) write_group(call.xml, *groups[i], "member");
  call.xml.close();
  write_page_end(call, page, names);
  return {};
}

}  // namespace

Status create_group(ApiCall& call) {
  TRY_ASSIGN(const std::string name, call.need_name("GroupName", kGroupNameBytesMax));
  TRY_ASSIGN(std::string path, call.path());
  if (call.state.group(call.account(), name) != nullptr) {
    return Error(Code::kAlreadyExists, code::kEntityAlreadyExists,
                 "Group with name " + name + " already exists.");
  }
  if (of_account(call.state.groups, rows::group(call.account(), "")).size() >= kGroupsMax) {
    return error(code::kLimitExceeded, "Cannot exceed quota for GroupsPerAccount: 300");
  }
  UserGroup group;
  group.account = call.account();
  group.name = name;
  group.path = std::move(path);
  group.id = random_id(call.random, "AGPA");
  group.created_ms = call.now_ms();
  write_group(call.xml, group, "Group");
  call.draft->put(std::move(group));
  return {};
}

Status get_group(ApiCall& call) {
  TRY_ASSIGN(const UserGroup group, need_group(call));
  const std::vector<const User*> members = members_of(call, group);
  std::vector<std::string> names;
  names.reserve(members.size());
  for (const User* user : members) names.push_back(ascii_lower(user->name));
  TRY_ASSIGN(const Page page, page_of(call, names));
  write_group(call.xml, group, "Group");
  call.xml.open("Users");
  for (size_t i = page.begin; i < page.end; ++i) {
    const User& user = *members[i];
    call.xml.open("member").element("Path", user.path).element("UserName", user.name);
    call.xml.element("UserId", user.id).element("Arn", user_arn(user));
    call.xml.element("CreateDate", iso_time(user.created_ms)).close();
  }
  call.xml.close();
  write_page_end(call, page, names);
  return {};
}

Status list_groups(ApiCall& call) {
  const std::string* prefix = call.find("PathPrefix");
  std::vector<const UserGroup*> groups;
  for (const UserGroup* group : of_account(call.state.groups, rows::group(call.account(), ""))) {
    if (prefix == nullptr || group->path.starts_with(*prefix)) groups.push_back(group);
  }
  return write_groups(call, groups);
}

Status update_group(ApiCall& call) {
  TRY_ASSIGN(UserGroup group, need_group(call));
  const std::string old_name = group.name;
  if (call.find("NewPath") != nullptr) {
    TRY_ASSIGN(group.path, call.path("NewPath"));
  }
  if (call.find("NewGroupName") != nullptr) {
    TRY_ASSIGN(group.name, call.need_name("NewGroupName", kGroupNameBytesMax));
  }
  const std::string old_key = ascii_lower(old_name);
  const std::string new_key = ascii_lower(group.name);
  if (new_key != old_key) {
    if (call.state.group(call.account(), group.name) != nullptr) {
      return Error(Code::kAlreadyExists, code::kEntityAlreadyExists,
                   "Group with name " + group.name + " already exists.");
    }
    UserGroup named_before = group;
    named_before.name = old_name;
    for (const User* member : members_of(call, named_before)) {
      User user = *member;
      user.groups.erase(old_key);
      user.groups.insert(new_key);
      call.draft->put(std::move(user));
    }
    call.draft->erase(rows::group(group.account, old_name));
  }
  call.draft->put(std::move(group));
  return {};
}

Status delete_group(ApiCall& call) {
  TRY_ASSIGN(const UserGroup group, need_group(call));
  std::string_view what;
  if (!members_of(call, group).empty()) what = "users in group";
  if (!group.inline_policies.empty()) what = "policies";
  if (!group.attached.empty()) what = "attached policies";
  if (!what.empty()) {
    return Error(Code::kConflict, code::kDeleteConflict,
                 "Cannot delete entity, must remove " + std::string(what) + " first.");
  }
  call.draft->erase(rows::group(group.account, group.name));
  return {};
}

Status add_user_to_group(ApiCall& call) {
  TRY_ASSIGN(const UserGroup group, need_group(call));
  TRY_ASSIGN(User user, need_user(call));
  if (user.groups.size() >= kGroupsOfUserMax) {
    return error(code::kLimitExceeded, "Cannot exceed quota for GroupsPerUser: 10");
  }
  user.groups.insert(ascii_lower(group.name));
  call.draft->put(std::move(user));
  return {};
}

Status remove_user_from_group(ApiCall& call) {
  TRY_ASSIGN(const UserGroup group, need_group(call));
  TRY_ASSIGN(User user, need_user(call));
  if (user.groups.erase(ascii_lower(group.name)) == 0) {
    return Error(Code::kNotFound, code::kNoSuchEntity,
                 "User " + user.name + " is not in group " + group.name + ".");
  }
  call.draft->put(std::move(user));
  return {};
}

Status list_groups_for_user(ApiCall& call) {
  TRY_ASSIGN(const User user, need_user(call));
  std::vector<const UserGroup*> groups;
  for (const std::string& name : user.groups) {
    const UserGroup* group = call.state.group(user.account, name);
    if (group != nullptr) groups.push_back(group);
  }
  return write_groups(call, groups);
}

}  // namespace strata::iam
