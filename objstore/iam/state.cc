#include "objstore/iam/state.h"

#include "common/base/parse.h"
#include "objstore/iam/aws_policies.h"
#include "objstore/iam/entity_codec.h"

namespace strata::iam {

namespace {

constexpr char kAccountKind = 'a';
constexpr char kUserKind = 'u';
constexpr char kGroupKind = 'g';
constexpr char kRoleKind = 'r';
constexpr char kPolicyKind = 'p';
constexpr char kSessionKind = 's';

std::string key_of(char kind, std::string_view account, std::string_view name) {
  std::string key(1, kind);
  key += '/';
  key += account;
  key += '/';
  return key + ascii_lower(name);
}

template <typename Entity>
const Entity* find_in(const Table<Entity>& table, std::string_view key) {
  const auto found = table.find(key);
  return found == table.end() ? nullptr : found->second.get();
}

template <typename Entity>
Status load_into(Table<Entity>& table, std::string_view key, std::string_view value) {
  auto entity = std::make_shared<Entity>();
  TRY(decode(value, *entity));
  table[std::string(key)] = std::move(entity);
  return {};
}

template <typename Entity>
std::optional<std::string> encoded(const Table<Entity>& table, const std::string& key) {
  const auto found = table.find(key);
  if (found == table.end()) return std::nullopt;
  return encode(*found->second);
}

}  // namespace

namespace rows {
std::string account(std::string_view id) {
  return std::string(1, kAccountKind) + "/" + std::string(id);
}
std::string user(std::string_view account, std::string_view name) {
  return key_of(kUserKind, account, name);
}
std::string group(std::string_view account, std::string_view name) {
  return key_of(kGroupKind, account, name);
}
std::string role(std::string_view account, std::string_view name) {
  return key_of(kRoleKind, account, name);
}
std::string policy(std::string_view account, std::string_view name) {
  return key_of(kPolicyKind, account, name);
}
std::string session(std::string_view access_key) {
  return std::string(1, kSessionKind) + "/" + std::string(access_key);
}
}  // namespace rows

const Account* State::account(std::string_view id) const {
  return find_in(accounts, rows::account(id));
}
const User* State::user(std::string_view account, std::string_view name) const {
  return find_in(users, rows::user(account, name));
}
const UserGroup* State::group(std::string_view account, std::string_view name) const {
  return find_in(groups, rows::group(account, name));
}
const Role* State::role(std::string_view account, std::string_view name) const {
  return find_in(roles, rows::role(account, name));
}

const ManagedPolicy* State::policy_by_arn(std::string_view arn) const {
  if (const ManagedPolicy* aws = aws_policy(arn)) return aws;
  // arn:aws:iam::ACCOUNT:policy/PATH/NAME
  constexpr std::string_view kIam = "arn:aws:iam::";
  if (!arn.starts_with(kIam)) return nullptr;
  const size_t colon = arn.find(':', kIam.size());
  const size_t slash = arn.rfind('/');
  if (colon == std::string_view::npos || slash == std::string_view::npos) return nullptr;
  const ManagedPolicy* policy = find_in(
      policies, rows::policy(arn.substr(kIam.size(), colon - kIam.size()), arn.substr(slash + 1)));
  return policy != nullptr && policy_arn(*policy) == arn ? policy : nullptr;
}

bool State::key_is_taken(std::string_view access_key) const {
  if (sessions.contains(rows::session(access_key))) return true;
  for (const auto& [row, account] : accounts) {
    if (account->root_key.id == access_key) return true;
  }
  for (const auto& [row, user] : users) {
    for (const AccessKey& key : user->keys) {
      if (key.id == access_key) return true;
    }
  }
  return false;
}

void State::put(Account entity) {
  const std::string key = rows::account(entity.id);
  touched_.insert(key);
  accounts[key] = std::make_shared<const Account>(std::move(entity));
}
void State::put(User entity) {
  const std::string key = rows::user(entity.account, entity.name);
  touched_.insert(key);
  users[key] = std::make_shared<const User>(std::move(entity));
}
void State::put(UserGroup entity) {
  const std::string key = rows::group(entity.account, entity.name);
  touched_.insert(key);
  groups[key] = std::make_shared<const UserGroup>(std::move(entity));
}
void State::put(Role entity) {
  const std::string key = rows::role(entity.account, entity.name);
  touched_.insert(key);
  roles[key] = std::make_shared<const Role>(std::move(entity));
}
void State::put(ManagedPolicy entity) {
  const std::string key = rows::policy(entity.account, entity.name);
  touched_.insert(key);
  policies[key] = std::make_shared<const ManagedPolicy>(std::move(entity));
}
void State::put(Session entity) {
  const std::string key = rows::session(entity.key.id);
  touched_.insert(key);
  sessions[key] = std::make_shared<const Session>(std::move(entity));
}

void State::erase(const std::string& row_key) {
  touched_.insert(row_key);
  accounts.erase(row_key);
  users.erase(row_key);
  groups.erase(row_key);
  roles.erase(row_key);
  policies.erase(row_key);
  sessions.erase(row_key);
}

Status State::load(std::string_view row_key, std::string_view value) {
  switch (row_key.empty() ? '\0' : row_key.front()) {
    case kAccountKind:
      return load_into(accounts, row_key, value);
    case kUserKind:
      return load_into(users, row_key, value);
    case kGroupKind:
      return load_into(groups, row_key, value);
    case kRoleKind:
      return load_into(roles, row_key, value);
    case kPolicyKind:
      return load_into(policies, row_key, value);
    case kSessionKind:
      return load_into(sessions, row_key, value);
    default:
      return Error(Code::kCorrupt, "a row of the directory has an unknown kind");
  }
}

std::vector<std::pair<std::string, std::optional<std::string>>> State::take_changes() {
  std::vector<std::pair<std::string, std::optional<std::string>>> changes;
  for (const std::string& key : touched_) {
    std::optional<std::string> value;
    switch (key.front()) {
      case kAccountKind:
        value = encoded(accounts, key);
        break;
      case kUserKind:
        value = encoded(users, key);
        break;
      case kGroupKind:
        value = encoded(groups, key);
        break;
      case kRoleKind:
        value = encoded(roles, key);
        break;
      case kPolicyKind:
        value = encoded(policies, key);
        break;
      default:
        value = encoded(sessions, key);
        break;
    }
    changes.emplace_back(key, std::move(value));
  }
  touched_.clear();
  return changes;
}

}  // namespace strata::iam
