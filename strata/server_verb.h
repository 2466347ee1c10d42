// What the verbs that ask the running server have in common: --data, and an answer as text or JSON.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "strata/exit_codes.h"
#include "strata/verbs.h"

namespace strata::roof {

// Asks the server of the data folder that was given, and prints its answer: as JSON if that was
// asked for, else what `text` makes of it.
[[nodiscard]] ExitCode ask_and_print(const std::string& data, std::string_view method,
                                     std::string_view target, std::string_view body, bool json,
                                     const std::function<std::string(const nlohmann::json&)>& text);

// Gives the verb --data, and makes `run` what it does. Arguments has a string `data`.
template <typename Arguments>
void make_server_verb(CLI::App& verb, const std::shared_ptr<Arguments>& arguments,
                      VerbAction& chosen, ExitCode (*run)(const Arguments&)) {
  verb.add_option("--data", arguments->data, "Data folder of the server (or STRATA_DATA)")
      ->type_name("DIR");
  verb.callback(
      [&chosen, arguments, run] { chosen = [arguments, run] { return run(*arguments); }; });
}

// One of the verb's subcommands, made so.
template <typename Arguments>
CLI::App* add_action(CLI::App& verb, const char* name, const char* help,
                     const std::shared_ptr<Arguments>& arguments, VerbAction& chosen,
                     ExitCode (*run)(const Arguments&)) {
  CLI::App* action = verb.add_subcommand(name, help);
  make_server_verb(*action, arguments, chosen, run);
  return action;
}

template <typename Arguments>
void add_json_flag(CLI::App& action, const std::shared_ptr<Arguments>& arguments) {
  action.add_flag("--json", arguments->json, "Print JSON");
}

}  // namespace strata::roof
