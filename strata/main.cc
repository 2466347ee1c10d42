#include "strata/process.h"
#include "strata/verbs.h"

int main(int argc, char** argv) {
  strata::roof::note_program_start(argc > 0 ? argv[0] : "strata");
  std::vector<std::string> arguments(argv + 1, argv + argc);
  return static_cast<int>(strata::roof::run_command_line(std::move(arguments)));
}
