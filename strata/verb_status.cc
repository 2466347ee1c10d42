#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "strata/server_status.h"
#include "strata/server_verb.h"

namespace strata::roof {
namespace {

struct StatusArguments {
  std::string data;
  bool json = false;
};

ExitCode show_status(const StatusArguments& arguments) {
  return ask_and_print(arguments.data, "GET", "/v1/status", "", arguments.json, status_text);
}

}  // namespace

void add_status_verb(CLI::App& program, VerbAction& chosen) {
  CLI::App* verb = program.add_subcommand("status", "Show what the running server is and does");
  verb->footer(
      "Examples:\n"
      "  strata status\n"
      "  strata status --data /srv/strata --json");
  const auto arguments = std::make_shared<StatusArguments>();
  make_server_verb(*verb, arguments, chosen, show_status);
  add_json_flag(*verb, arguments);
}

}  // namespace strata::roof
