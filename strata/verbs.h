// The verbs of the command line: one table, one file a verb.
//
// To add a verb, write verb_NAME.cc with a function add_NAME_verb, declare it here and add its line
// to the table in verbs.cc.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "strata/exit_codes.h"

namespace CLI {
class App;
}

namespace strata::roof {

// What the chosen verb does once the whole command line has been parsed. Errors are printed by the
// verb, to standard error, and say what to do.
using VerbAction = std::function<ExitCode()>;

// Describes the verb to the parser. Its callback stores what to do into `chosen`, which outlives
// the parsing.
using AddVerb = void (*)(CLI::App& program, VerbAction& chosen);

void add_serve_verb(CLI::App& program, VerbAction& chosen);
void add_status_verb(CLI::App& program, VerbAction& chosen);
void add_volume_verb(CLI::App& program, VerbAction& chosen);
void add_snapshot_verb(CLI::App& program, VerbAction& chosen);
void add_drive_verb(CLI::App& program, VerbAction& chosen);
void add_key_verb(CLI::App& program, VerbAction& chosen);
void add_worker_verb(CLI::App& program, VerbAction& chosen);
void add_scrub_verb(CLI::App& program, VerbAction& chosen);
void add_account_verb(CLI::App& program, VerbAction& chosen);
void add_user_verb(CLI::App& program, VerbAction& chosen);
void add_explain_access_verb(CLI::App& program, VerbAction& chosen);
void add_verify_verb(CLI::App& program, VerbAction& chosen);
void add_compare_verb(CLI::App& program, VerbAction& chosen);
void add_durability_verb(CLI::App& program, VerbAction& chosen);
void add_inspect_verb(CLI::App& program, VerbAction& chosen);
void add_version_verb(CLI::App& program, VerbAction& chosen);

// Parses the arguments (without the program's name) and runs the verb they name.
[[nodiscard]] ExitCode run_command_line(std::vector<std::string> arguments);

}  // namespace strata::roof
