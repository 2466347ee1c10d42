#include "objstore/iam/principals.h"

#include "common/codec/text.h"
#include "common/digest/checksum.h"
#include "objstore/access/policy_syntax.h"

namespace strata::iam {

namespace {

std::string policy_of(std::string_view what, std::string_view name, std::string_view whose) {
  std::string text(what);
  text += name;
  text += " of ";
  text += whose;
  return text;
}

void add_policies(const State& state, const Holder& holder, const std::string& whose,
                  std::vector<access::NamedPolicy>& into) {
  for (const auto& [name, document] : holder.inline_policies) {
    into.push_back({policy_of("inline policy ", name, whose), document.policy});
  }
  for (const std::string& arn : holder.attached) {
    const ManagedPolicy* policy = state.policy_by_arn(arn);
    if (policy == nullptr) continue;
    const PolicyVersion* version = policy->find(policy->default_version);
    if (version == nullptr) continue;
    into.push_back({policy_of("policy ", arn, whose), version->document.policy});
  }
}

std::shared_ptr<access::Principal> make(const State& state, access::CallerKind kind,
                                        const std::string& account) {
  auto principal = std::make_shared<access::Principal>();
  principal->kind = kind;
  principal->account = account;
  principal->canonical_id = canonical_id_of(state, account);
  return principal;
}

std::shared_ptr<access::Principal> make_user(const State& state, const User& user) {
  auto principal = make(state, access::CallerKind::kUser, user.account);
  principal->arn = user_arn(user);
  principal->user_id = user.id;
  principal->username = user.name;
  principal->tags = user.tags;
  add_policies(state, user, "user " + user.name, principal->policies);
  for (const std::string& name : user.groups) {
    const UserGroup* group = state.group(user.account, name);
    if (group != nullptr) {
      add_policies(state, *group, "group " + group->name, principal->policies);
    }
  }
  return principal;
}

std::shared_ptr<access::Principal> make_root(const State& state, const std::string& account) {
  auto principal = make(state, access::CallerKind::kRoot, account);
  principal->arn = "arn:aws:iam::" + account + ":root";
  principal->user_id = account;
  return principal;
}

std::shared_ptr<access::Principal> make_role(const State& state, const Role& role,
                                             const std::string& session) {
  auto principal = make(state, access::CallerKind::kRole, role.account);
  principal->arn = "arn:aws:sts::" + role.account + ":assumed-role/" + role.name + "/" + session;
  principal->role_arn = role_arn(role);
  principal->user_id = role.id + ":" + session;
  principal->tags = role.tags;
  add_policies(state, role, "role " + role.name, principal->policies);
  return principal;
}

void add(CredentialIndex& index, const AccessKey& key,
         std::shared_ptr<const access::Principal> who) {
  if (!key.active || who == nullptr) return;
  auto credential = std::make_shared<access::Credential>();
  credential->secret = key.secret;
  credential->caller = access::Caller::of(std::move(who));
  index[key.id] = std::move(credential);
}

}  // namespace

std::string canonical_id_of(const State& state, std::string_view account) {
  if (const Account* known = state.account(account)) return known->canonical_id;
  return codec::to_hex(digest::sha256(as_bytes("canonical user of " + std::string(account))));
}

std::shared_ptr<const access::Principal> root_principal(const State& state,
                                                        const std::string& account) {
  return make_root(state, account);
}

std::shared_ptr<const access::Principal> user_principal(const State& state, const User& user) {
  return make_user(state, user);
}

std::shared_ptr<const access::Principal> role_principal(const State& state, const Role& role,
                                                        const std::string& session) {
  return make_role(state, role, session);
}

std::shared_ptr<const access::Principal> session_principal(const State& state,
                                                           const Session& session) {
  std::shared_ptr<access::Principal> principal;
  if (!session.role.empty()) {
    const Role* role = state.role(session.account, session.role);
    if (role == nullptr || role->id != session.holder_id) return nullptr;
    principal = make_role(state, *role, session.name);
  } else if (!session.user.empty()) {
    const User* user = state.user(session.account, session.user);
    if (user == nullptr || user->id != session.holder_id) return nullptr;
    principal = make_user(state, *user);
  } else {
    principal = make_root(state, session.account);
  }
  // Those of a role's session are what they were when it began.
  if (!session.role.empty()) principal->tags = session.tags;
  principal->narrowed = session.narrowed;
  principal->token_issued_ms = session.key.created_ms;
  for (size_t i = 0; i < session.policies.size(); ++i) {
    principal->session_policies.push_back(
        {"session policy " + std::to_string(i + 1), session.policies[i].policy});
  }
  return principal;
}

bool is_known_principal(const State& state, std::string_view arn) {
  const auto parsed = access::parse_principal_arn(arn);
  if (!parsed) return false;
  if (parsed->root) return true;
  const size_t type = arn.rfind(':') + 1;
  const std::string_view rest = arn.substr(type);
  constexpr std::string_view kSession = "assumed-role/";
  if (rest.starts_with(kSession)) {
    const std::string_view name = rest.substr(kSession.size());
    return state.role(parsed->account, name.substr(0, name.find('/'))) != nullptr;
  }
  const std::string_view name = rest.substr(rest.rfind('/') + 1);
  if (rest.starts_with("user/")) {
    const User* user = state.user(parsed->account, name);
    return user != nullptr && user_arn(*user) == arn;
  }
  if (rest.starts_with("role/")) {
    const Role* role = state.role(parsed->account, name);
    return role != nullptr && role_arn(*role) == arn;
  }
  return true;
}

CredentialIndex index_credentials(const State& state) {
  CredentialIndex index;
  for (const auto& [row, account] : state.accounts) {
    add(index, account->root_key, make_root(state, account->id));
  }
  for (const auto& [row, user] : state.users) {
    if (user->keys.empty()) continue;
    const auto principal = make_user(state, *user);
    for (const AccessKey& key : user->keys) add(index, key, principal);
  }
  for (const auto& [row, session] : state.sessions) {
    auto principal = session_principal(state, *session);
    if (principal == nullptr) continue;
    auto credential = std::make_shared<access::Credential>();
    credential->secret = session->key.secret;
    credential->caller = access::Caller::of(std::move(principal));
    credential->session_token = session->token;
    credential->expires_ms = session->expires_ms;
    index[session->key.id] = std::move(credential);
  }
  return index;
}

}  // namespace strata::iam
