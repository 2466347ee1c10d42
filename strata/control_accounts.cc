#include "strata/control_accounts.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "objstore/iam/accounts.h"
#include "objstore/iam/user_admin.h"
#include "strata/control_access.h"
#include "strata/json.h"

namespace strata::roof {
namespace {

ControlAnswer access_answer(const Result<nlohmann::json>& result, int status = 200) {
  if (!result.ok()) return control_error(result.error());
  return {status, dump_json(*result)};
}

ControlAnswer access_answer(const Status& status) {
  return status.ok() ? ControlAnswer{200, "{}"} : control_error(status.error());
}

// What follows the prefix of a route: "/-/alice" gives "-" and "alice".
struct PathRest {
  std::string first;
  std::string second;
};
PathRest rest_of(const std::string& path, std::string_view prefix) {
  PathRest rest;
  if (path.size() <= prefix.size() + 1) return rest;
  const std::string tail = path.substr(prefix.size() + 1);
  const size_t slash = tail.find('/');
  rest.first = tail.substr(0, slash);
  if (slash != std::string::npos) rest.second = tail.substr(slash + 1);
  return rest;
}

Error wrong_access_method(const std::string& path, std::string_view methods) {
  return Error(Code::kUnsupported, fmt::format("{} takes {}", path, methods));
}

template <typename Wanted>
Status read_keys(const nlohmann::json& request, Wanted& wanted) {
  if (request.contains("access_key")) {
    TRY_ASSIGN(wanted.access_key, json_string(request, "access_key"));
  }
  if (request.contains("secret")) {
    TRY_ASSIGN(wanted.secret, json_string(request, "secret"));
  }
  return {};
}

nlohmann::json account_json(const iam::Account& account) {
  return {{"id", account.id},
          {"name", account.name},
          {"canonical_id", account.canonical_id},
          {"created_ms", account.created_ms}};
}

Result<nlohmann::json> make_account(const AccessGround& ground, const std::string& text) {
  TRY_ASSIGN(const nlohmann::json request, parse_json(text, kJsonRequestBytesMax));
  iam::NewAccount wanted;
  TRY_ASSIGN(wanted.name, json_string(request, "name"));
  TRY(read_keys(request, wanted));
  TRY_ASSIGN(const iam::Account account,
             ground.loops.run(iam::create_account(ground.directory, std::move(wanted),
                                                  ground.clock.wall_now(), ground.random)));
  nlohmann::json out = account_json(account);
  out["access_key"] = account.root_key.id;
  out["secret"] = account.root_key.secret;
  return out;
}

Status delete_account(const AccessGround& ground, const std::string& name) {
  const auto account = iam::find_account(*ground.directory.state(), name);
  if (!account) return Error(Code::kNotFound, "there is no account " + name);
  TRY_ASSIGN(const std::vector<object::BucketInfo> buckets,
             ground.loops.run(ground.objects.list_buckets()));
  for (const object::BucketInfo& bucket : buckets) {
    if (bucket.owner != account->id) continue;
    return Error(Code::kConflict,
                 fmt::format("the account owns the bucket {}: delete it first", bucket.name));
  }
  TRY(ground.loops.run(iam::delete_account(ground.directory, account->id)));
  return {};
}

nlohmann::json accounts_json(const iam::Directory& directory) {
  nlohmann::json out;
  out["accounts"] = nlohmann::json::array();
  out["accounts"].push_back({{"id", directory.owner_account()},
                             {"name", "(the server's own keys)"},
                             {"canonical_id", directory.canonical_id(directory.owner_account())},
                             {"created_ms", 0}});
  const auto state = directory.state();
  for (const auto& [row, account] : state->accounts) {
    out["accounts"].push_back(account_json(*account));
  }
  return out;
}

nlohmann::json user_json(const iam::User& user) {
  nlohmann::json out = {{"name", user.name},
                        {"arn", iam::user_arn(user)},
                        {"created_ms", user.created_ms},
                        {"policies", user.attached},
                        {"groups", user.groups}};
  out["access_keys"] = nlohmann::json::array();
  for (const iam::AccessKey& key : user.keys) out["access_keys"].push_back(key.id);
  return out;
}

Result<nlohmann::json> make_user(const AccessGround& ground, const std::string& account,
                                 const std::string& text) {
  TRY_ASSIGN(const nlohmann::json request, parse_json(text, kJsonRequestBytesMax));
  iam::NewUser wanted;
  wanted.account = account;
  TRY_ASSIGN(wanted.name, json_string(request, "name"));
  TRY(read_keys(request, wanted));
  for (const nlohmann::json& policy : request.value("policies", nlohmann::json::array())) {
    if (!policy.is_string()) return Error(Code::kInvalidArgument, "a policy is a text");
    wanted.policies.push_back(policy.get<std::string>());
  }
  TRY_ASSIGN(const iam::User user,
             ground.loops.run(iam::make_user(ground.directory, std::move(wanted),
                                             ground.clock.wall_now(), ground.random)));
  nlohmann::json out = user_json(user);
  out["access_key"] = user.keys.at(0).id;
  out["secret"] = user.keys.at(0).secret;
  return out;
}

nlohmann::json users_json(const iam::Directory& directory, const std::string& account) {
  nlohmann::json out;
  out["users"] = nlohmann::json::array();
  const auto state = directory.state();
  for (const iam::User* user : iam::of_account(state->users, iam::rows::user(account, ""))) {
    out["users"].push_back(user_json(*user));
  }
  return out;
}

}  // namespace

Result<std::string> account_id(const iam::Directory& directory, const std::string& name) {
  if (name == "-" || name == directory.owner_account()) return directory.owner_account();
  const auto found = iam::find_account(*directory.state(), name);
  if (!found) return Error(Code::kNotFound, "there is no account " + name);
  return found->id;
}

ControlRoute accounts_route(AccessGround ground) {
  return [ground](const std::string& method, const std::string& path, const std::string& body) {
    const std::string name = rest_of(path, kAccountsPath).first;
    if (name.empty() && method == "GET") {
      return ControlAnswer{200, dump_json(accounts_json(ground.directory))};
    }
    if (name.empty() && method == "POST") return access_answer(make_account(ground, body), 201);
    if (!name.empty() && method == "DELETE") return access_answer(delete_account(ground, name));
    return control_error(
        wrong_access_method(path, name.empty() ? std::string_view("GET and POST") : "DELETE"));
  };
}

ControlRoute users_route(AccessGround ground) {
  return [ground](const std::string& method, const std::string& path, const std::string& body) {
    const PathRest rest = rest_of(path, kUsersPath);
    const Result<std::string> account = account_id(ground.directory, rest.first);
    if (!account.ok()) return control_error(account.error());
    if (rest.second.empty() && method == "GET") {
      return ControlAnswer{200, dump_json(users_json(ground.directory, *account))};
    }
    if (rest.second.empty() && method == "POST") {
      return access_answer(make_user(ground, *account, body), 201);
    }
    if (!rest.second.empty() && method == "DELETE") {
      return access_answer(
          ground.loops.run(iam::remove_user(ground.directory, *account, rest.second)));
    }
    return control_error(wrong_access_method(
        path, rest.second.empty() ? std::string_view("GET and POST") : "DELETE"));
  };
}

}  // namespace strata::roof
