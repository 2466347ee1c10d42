#include <CLI/CLI.hpp>
#include <iostream>

#include "strata/verbs.h"
#include "strata/version.h"

namespace strata::roof {

void add_version_verb(CLI::App& program, VerbAction& chosen) {
  CLI::App* verb = program.add_subcommand("version", "Print the version");
  verb->callback([&chosen] {
    chosen = [] {
      std::cout << "strata " << kVersion << '\n';
      return ExitCode::kOk;
    };
  });
}

}  // namespace strata::roof
