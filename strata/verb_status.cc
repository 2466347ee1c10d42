#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "strata/control_client.h"
#include "strata/json.h"
#include "strata/server_status.h"
#include "strata/verbs.h"

namespace strata::roof {
namespace {

struct StatusArguments {
  std::string data;
  bool json = false;
};

ExitCode show_status(const StatusArguments& arguments) {
  const Result<nlohmann::json> answer =
      ask_server(find_data_folder(arguments.data), "GET", "/v1/status", "");
  if (!answer.ok()) return report(answer.error());
  return print_answer(*answer, [&](const nlohmann::json& status) {
    return arguments.json ? dump_json(status, 2) + "\n" : status_text(status);
  });
}

}  // namespace

void add_status_verb(CLI::App& program, VerbAction& chosen) {
  CLI::App* verb = program.add_subcommand("status", "Show what the running server is and does");
  verb->footer(
      "Examples:\n"
      "  strata status\n"
      "  strata status --data /srv/strata --json");
  const auto arguments = std::make_shared<StatusArguments>();
  verb->add_option("--data", arguments->data, "Data folder of the server (or STRATA_DATA)")
      ->type_name("DIR");
  verb->add_flag("--json", arguments->json, "Print JSON");
  verb->callback(
      [&chosen, arguments] { chosen = [arguments] { return show_status(*arguments); }; });
}

}  // namespace strata::roof
