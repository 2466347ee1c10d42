// `strata compare` is a Python package, bench/compare, because all that it does is start other
// programs and read their numbers. This verb finds it and becomes it.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <system_error>

#include "strata/verbs.h"

namespace strata::roof {
namespace {

namespace fs = std::filesystem;

// Debian's own: its packages bring what draws the charts.
constexpr const char* kPython = "/usr/bin/python3";
constexpr const char* kFolderVariable = "STRATA_COMPARE_DIR";
constexpr const char* kPackage = "bench/compare/__main__.py";

fs::path own_program() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error);
}

// The folder that holds the package: what the environment names, the source tree that this program
// was built in (build/PRESET/strata), or where an installation keeps its data. Empty: none has it.
fs::path package_folder(const fs::path& program) {
  const fs::path beside = program.parent_path();
  std::vector<fs::path> candidates;
  if (const char* named = std::getenv(kFolderVariable); named != nullptr && *named != '\0') {
    candidates.emplace_back(named);
  }
  candidates.push_back(beside / "../..");
  candidates.push_back(beside / "../share/strata");
  for (const fs::path& candidate : candidates) {
    std::error_code error;
    if (fs::exists(candidate / kPackage, error)) return fs::canonical(candidate, error);
  }
  return {};
}

// Returns only if it cannot be done.
ExitCode become_comparison(const std::vector<std::string>& arguments) {
  const fs::path program = own_program();
  const fs::path folder = package_folder(program);
  if (folder.empty()) {
    std::cerr << fmt::format(
        "strata: the comparison was not found: it is the folder bench/ of the sources. Copy it to "
        "{}, or name the folder that holds it in {}\n",
        (program.parent_path() / "../share/strata/bench").lexically_normal().string(),
        kFolderVariable);
    return ExitCode::kFailed;
  }
  std::vector<std::string> words = {kPython, "-m", "bench.compare", "--strata", program.string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  if (setenv("PYTHONPATH", folder.c_str(), 1) == 0) execv(kPython, pointers.data());
  const std::error_code error(errno, std::generic_category());
  std::cerr << fmt::format("strata: {} could not be started: {}; it is Debian's package python3\n",
                           kPython, error.message());
  return ExitCode::kFailed;
}

}  // namespace

void add_compare_verb(CLI::App& program, VerbAction& chosen) {
  auto* verb = program.add_subcommand(
      "compare",
      "The storage-choice table by experiment on both halves ('compare --help' says how)");
  // Its options, --help too, are the comparison's own.
  verb->set_help_flag();
  verb->prefix_command();
  verb->callback([&chosen, verb] {
    chosen = [arguments = verb->remaining()] { return become_comparison(arguments); };
  });
}

}  // namespace strata::roof
