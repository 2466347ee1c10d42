#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "strata/control_access.h"
#include "strata/json.h"
#include "strata/server_verb.h"

namespace strata::roof {
namespace {

struct ExplainArguments {
  std::string data;
  std::string user;
  std::string action;
  std::string resource;
  std::string account = "-";
  bool json = false;
};

constexpr const char* kExplainAccessFooter =
    "Shows every statement that was looked at, and the one that decided. Conditions see who asks;\n"
    "what only a request has (an address, a header) counts as absent.\n"
    "Examples:\n"
    "  strata explain-access alice s3:GetObject photos/2026/cat.jpg\n"
    "  strata explain-access role/backup s3:PutObject arn:aws:s3:::backups/db\n"
    "  strata explain-access anonymous s3:ListBucket photos";

std::string answer_text(const nlohmann::json& answer) {
  std::string out;
  for (const nlohmann::json& line : answer.value("trace", nlohmann::json::array())) {
    out += fmt::format("  {}\n", line.get<std::string>());
  }
  return out + answer.value("decision", "") + "\n";
}

ExitCode explain_access(const ExplainArguments& arguments) {
  const nlohmann::json request = {{"user", arguments.user},
                                  {"action", arguments.action},
                                  {"resource", arguments.resource},
                                  {"account", arguments.account}};
  return ask_and_print(arguments.data, "POST", kExplainAccessPath, dump_json(request),
                       arguments.json, answer_text);
}

}  // namespace

void add_explain_access_verb(CLI::App& program, VerbAction& chosen) {
  CLI::App* verb =
      program.add_subcommand("explain-access", "Say why somebody may do something, or may not");
  verb->footer(kExplainAccessFooter);
  const auto arguments = std::make_shared<ExplainArguments>();
  make_server_verb(*verb, arguments, chosen, explain_access);
  verb->add_option("USER", arguments->user, "A user, role/NAME, root or anonymous")->required();
  verb->add_option("ACTION", arguments->action, "As policies name it: s3:GetObject")->required();
  verb->add_option("RESOURCE", arguments->resource, "bucket, bucket/key or an ARN")->required();
  verb->add_option("--account", arguments->account,
                   "Account of the user; the server's own keys' otherwise");
  add_json_flag(*verb, arguments);
}

}  // namespace strata::roof
