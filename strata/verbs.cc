#include "strata/verbs.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <iostream>

#include "strata/version.h"

namespace strata::roof {
namespace {

// The order in which --help shows them.
constexpr auto kVerbs = std::to_array<AddVerb>({
    add_serve_verb,
    add_status_verb,
    add_volume_verb,
    add_snapshot_verb,
    add_drive_verb,
    add_key_verb,
    add_worker_verb,
    add_scrub_verb,
    add_verify_verb,
    add_account_verb,
    add_user_verb,
    add_explain_access_verb,
    add_compare_verb,
    add_inspect_verb,
    add_durability_verb,
    add_version_verb,
});

constexpr const char* kFooter =
    "Examples:\n"
    "  strata serve                          everything on 127.0.0.1, data in ./strata-data\n"
    "  strata status                         what the server of ./strata-data is doing\n"
    "  strata volume create db 10G           a volume, served as the NBD export 'db'\n"
    "  strata help serve                     the options of one verb\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 wrong usage or configuration, 3 no server answers,\n"
    "4 the data folder is in use by another server.";

// `strata help VERB` is `strata VERB --help`, and `strata help` is `strata --help`.
void rewrite_help(std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments.front() != "help") return;
  arguments.erase(arguments.begin());
  arguments.emplace_back("--help");
}

}  // namespace

ExitCode run_command_line(std::vector<std::string> arguments) {
  VerbAction chosen;
  CLI::App program("Strata: your own S3 and your own block volumes, in one program.", "strata");
  program.set_version_flag("--version", std::string("strata ") + std::string(kVersion));
  program.require_subcommand(1);
  program.footer(kFooter);
  for (const AddVerb add : kVerbs) add(program, chosen);
  program.add_subcommand("help", "Show the options of a verb: strata help VERB");
  rewrite_help(arguments);
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  try {
    program.parse(arguments);
  } catch (const CLI::CallForHelp& request) {
    (void)program.exit(request);
    return ExitCode::kOk;
  } catch (const CLI::CallForVersion& request) {
    (void)program.exit(request);
    return ExitCode::kOk;
  } catch (const CLI::ParseError& error) {
    std::cerr << "strata: " << error.what() << "\nTry: strata --help\n";
    return ExitCode::kUsage;
  }
  return chosen ? chosen() : ExitCode::kUsage;
}

}  // namespace strata::roof
