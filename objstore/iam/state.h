// State: the whole directory at one moment, and a draft of the next.
//
// A state that others can see is never changed: a change copies it (the tables hold pointers),
// edits the copy, and the copy becomes visible once its rows are durable.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "objstore/iam/entities.h"

namespace strata::iam {

// Entities by row key, in order.
template <typename Entity>
using Table = std::map<std::string, std::shared_ptr<const Entity>, std::less<>>;

// The keys of rows: a letter for the kind, the account, the name in lower case, parted by '/'.
namespace rows {
[[nodiscard]] std::string account(std::string_view id);
[[nodiscard]] std::string user(std::string_view account, std::string_view name);
[[nodiscard]] std::string group(std::string_view account, std::string_view name);
[[nodiscard]] std::string role(std::string_view account, std::string_view name);
[[nodiscard]] std::string policy(std::string_view account, std::string_view name);
[[nodiscard]] std::string session(std::string_view access_key);
}  // namespace rows

class State {
 public:
  Table<Account> accounts;
  Table<User> users;
  Table<UserGroup> groups;
  Table<Role> roles;
  Table<ManagedPolicy> policies;
  Table<Session> sessions;

  [[nodiscard]] const Account* account(std::string_view id) const;
  [[nodiscard]] const User* user(std::string_view account, std::string_view name) const;
  [[nodiscard]] const UserGroup* group(std::string_view account, std::string_view name) const;
  [[nodiscard]] const Role* role(std::string_view account, std::string_view name) const;
  // Of the account, or one that AWS keeps for everybody; by ARN.
  [[nodiscard]] const ManagedPolicy* policy_by_arn(std::string_view arn) const;
  // "" is nobody's key.
  [[nodiscard]] bool key_is_taken(std::string_view access_key) const;

  // Edits of a draft. put() replaces the entity of the same row key.
  void put(Account entity);
  void put(User entity);
  void put(UserGroup entity);
  void put(Role entity);
  void put(ManagedPolicy entity);
  void put(Session entity);
  void erase(const std::string& row_key);

  // Reads a row that a change has written. kCorrupt for anything else.
  [[nodiscard]] Status load(std::string_view row_key, std::string_view value);

  // What the edits touched since the copy was made: the value to write, or nullopt to delete.
  [[nodiscard]] std::vector<std::pair<std::string, std::optional<std::string>>> take_changes();

 private:
  std::set<std::string> touched_;
};

// The entities of one account, in the order of their names.
template <typename Entity>
[[nodiscard]] std::vector<const Entity*> of_account(const Table<Entity>& table,
                                                    const std::string& prefix) {
  std::vector<const Entity*> found;
  for (auto at = table.lower_bound(prefix); at != table.end() && at->first.starts_with(prefix);
       ++at) {
    found.push_back(at->second.get());
  }
  return found;
}

}  // namespace strata::iam
