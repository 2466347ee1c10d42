#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "strata/control_access.h"
#include "strata/json.h"
#include "strata/server_verb.h"

namespace strata::roof {
namespace {

struct AccountArguments {
  std::string data;
  std::string name;
  std::string account = "-";
  std::string access_key;
  std::string secret;
  std::vector<std::string> policies;
  bool json = false;
};
using SharedAccountArguments = std::shared_ptr<AccountArguments>;

constexpr const char* kAccountFooter =
    "An account has its own buckets and users; nobody of another may touch them until a policy or\n"
    "an access control list says so. The keys that the server was started with are an account "
    "too.\n"
    "The secret key is shown once, here.\n"
    "Examples:\n"
    "  strata account create team-b\n"
    "  strata account create team-b --access-key TEAMB --secret-key a-long-secret\n"
    "  strata account delete team-b";

constexpr const char* kUserFooter =
    "A user may do what its policies allow, and nothing else. A POLICY is an ARN or a name, as in\n"
    "AdministratorAccess, AmazonS3FullAccess, AmazonS3ReadOnlyAccess. Everything finer is IAM's\n"
    "own calls, on the S3 port: docs/access.md.\n"
    "Examples:\n"
    "  strata user create alice --policy AmazonS3ReadOnlyAccess\n"
    "  strata user create bob --account team-b --policy AdministratorAccess\n"
    "  strata user delete alice";

// Names go into a request's path.
std::string check_account_name(const std::string& name) {
  const bool good = !name.empty() && name.size() <= 64 && name != "-" &&
                    name.find_first_not_of(
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                        "0123456789+=,.@_-") == std::string::npos;
  return good ? std::string() : "a name has 1 to 64 letters, digits and +=,.@_-";
}

nlohmann::json new_request(const AccountArguments& arguments) {
  nlohmann::json request = {{"name", arguments.name}};
  if (!arguments.access_key.empty()) request["access_key"] = arguments.access_key;
  if (!arguments.secret.empty()) request["secret"] = arguments.secret;
  return request;
}

std::string credentials_text(const nlohmann::json& made) {
  return fmt::format("access key  {}\nsecret key  {}\n", made.value("access_key", ""),
                     made.value("secret", ""));
}

std::string account_text(const nlohmann::json& made) {
  return fmt::format("account     {}\nnumber      {}\ncanonical   {}\n", made.value("name", ""),
                     made.value("id", ""), made.value("canonical_id", "")) +
         credentials_text(made);
}

std::string user_text(const nlohmann::json& made) {
  return fmt::format("user        {}\n", made.value("arn", "")) + credentials_text(made);
}

std::string accounts_text(const nlohmann::json& answer) {
  std::string out = fmt::format("{:<14} {}\n", "NUMBER", "NAME");
  for (const nlohmann::json& account : answer.value("accounts", nlohmann::json::array())) {
    out += fmt::format("{:<14} {}\n", account.value("id", ""), account.value("name", ""));
  }
  return out;
}

std::string joined(const nlohmann::json& list) {
  std::string out;
  for (const nlohmann::json& one : list) {
    if (!out.empty()) out += ", ";
    out += one.get<std::string>();
  }
  return out.empty() ? "-" : out;
}

std::string users_text(const nlohmann::json& answer) {
  const nlohmann::json users = answer.value("users", nlohmann::json::array());
  if (users.empty()) return "no users; make one with: strata user create NAME\n";
  std::string out = fmt::format("{:<24} {:<44} {}\n", "NAME", "ACCESS KEYS", "POLICIES");
  for (const nlohmann::json& user : users) {
    out += fmt::format("{:<24} {:<44} {}\n", user.value("name", ""),
                       joined(user.value("access_keys", nlohmann::json::array())),
                       joined(user.value("policies", nlohmann::json::array())));
  }
  return out;
}

std::string users_target(const AccountArguments& arguments) {
  return std::string(kUsersPath) + "/" + arguments.account;
}

ExitCode create_account(const AccountArguments& arguments) {
  return ask_and_print(arguments.data, "POST", kAccountsPath, dump_json(new_request(arguments)),
                       arguments.json, account_text);
}

ExitCode list_accounts(const AccountArguments& arguments) {
  return ask_and_print(arguments.data, "GET", kAccountsPath, "", arguments.json, accounts_text);
}

ExitCode remove_account(const AccountArguments& arguments) {
  return ask_and_print(arguments.data, "DELETE", std::string(kAccountsPath) + "/" + arguments.name,
                       "", arguments.json, [&](const nlohmann::json&) {
                         return fmt::format("account {} is deleted\n", arguments.name);
                       });
}

ExitCode create_user(const AccountArguments& arguments) {
  nlohmann::json request = new_request(arguments);
  request["policies"] = arguments.policies;
  return ask_and_print(arguments.data, "POST", users_target(arguments), dump_json(request),
                       arguments.json, user_text);
}

ExitCode list_users(const AccountArguments& arguments) {
  return ask_and_print(arguments.data, "GET", users_target(arguments), "", arguments.json,
                       users_text);
}

ExitCode delete_user(const AccountArguments& arguments) {
  return ask_and_print(
      arguments.data, "DELETE", users_target(arguments) + "/" + arguments.name, "", arguments.json,
      [&](const nlohmann::json&) { return fmt::format("user {} is deleted\n", arguments.name); });
}

void add_account_name(CLI::App& action, const SharedAccountArguments& arguments, const char* what) {
  action.add_option("NAME", arguments->name, what)
      ->required()
      ->check(CLI::Validator(check_account_name, "", "name"));
}

void add_keys(CLI::App& action, const SharedAccountArguments& arguments) {
  CLI::Option* key = action.add_option("--access-key", arguments->access_key,
                                       "Access key; chosen by the server otherwise");
  CLI::Option* secret = action.add_option("--secret-key", arguments->secret, "Its secret key");
  key->needs(secret);
  secret->needs(key);
}

CLI::App* add_json_action(CLI::App& verb, const char* name, const char* help,
                          const SharedAccountArguments& arguments, VerbAction& chosen,
                          ExitCode (*run)(const AccountArguments&)) {
  CLI::App* action = add_action(verb, name, help, arguments, chosen, run);
  add_json_flag(*action, arguments);
  return action;
}

}  // namespace

void add_account_verb(CLI::App& program, VerbAction& chosen) {
  CLI::App* verb = program.add_subcommand("account", "Accounts: make, list, delete");
  verb->require_subcommand(1);
  verb->footer(kAccountFooter);
  const auto arguments = std::make_shared<AccountArguments>();
  CLI::App* create = add_json_action(*verb, "create", "Make an account and its root keys",
                                     arguments, chosen, create_account);
  add_account_name(*create, arguments, "Name of the account");
  add_keys(*create, arguments);
  (void)add_json_action(*verb, "list", "List the accounts", arguments, chosen, list_accounts);
  CLI::App* remove = add_json_action(*verb, "delete", "Delete an account that owns no bucket",
                                     arguments, chosen, remove_account);
  add_account_name(*remove, arguments, "Name or number of the account");
}

void add_user_verb(CLI::App& program, VerbAction& chosen) {
  CLI::App* verb = program.add_subcommand("user", "Users of an account: make, list, delete");
  verb->require_subcommand(1);
  verb->footer(kUserFooter);
  const auto arguments = std::make_shared<AccountArguments>();
  CLI::App* create =
      add_json_action(*verb, "create", "Make a user with a key", arguments, chosen, create_user);
  add_account_name(*create, arguments, "Name of the user");
  add_keys(*create, arguments);
  create->add_option("--policy", arguments->policies, "A policy that it gets; may be repeated")
      ->allow_extra_args(false);
  CLI::App* list = add_json_action(*verb, "list", "List the users", arguments, chosen, list_users);
  CLI::App* remove = add_json_action(*verb, "delete", "Delete a user with its keys", arguments,
                                     chosen, delete_user);
  add_account_name(*remove, arguments, "Name of the user");
  for (CLI::App* action : {create, list, remove}) {
    action->add_option("--account", arguments->account,
                       "Account; the server's own keys' otherwise");
  }
}

}  // namespace strata::roof
