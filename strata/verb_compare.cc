#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "bench/comparison.h"
#include "bench/report.h"
#include "strata/verbs.h"

namespace strata::roof {
namespace {

constexpr uint32_t kQuickRuntimeSeconds = 5;

// One line that is rewritten on a terminal, a line each elsewhere.
void show_progress(const std::string& what, double done) {
  const bool terminal = isatty(STDERR_FILENO) != 0;
  std::cerr << fmt::format("{}[{:3.0f}%] {}{}", terminal ? "\r\033[K" : "", done * 100, what,
                           terminal ? "" : "\n")
            << std::flush;
}

ExitCode run(const bench::CompareOptions& options) {
  const Result<bench::Comparison> outcome = bench::compare(options, show_progress);
  if (isatty(STDERR_FILENO) != 0) std::cerr << "\r\033[K";
  if (!outcome.ok()) {
    std::cerr << "strata: " << outcome.error().message << "\n";
    return outcome.error().code == Code::kInvalidArgument ? ExitCode::kUsage : ExitCode::kFailed;
  }
  std::cout << bench::render_table(*outcome)
            << fmt::format("\nTook {:.0f} s. Report and fio's raw JSON: {}\n",
                           outcome->elapsed_seconds, options.folder);
  return ExitCode::kOk;
}

}  // namespace

void add_compare_verb(CLI::App& program, VerbAction& chosen) {
  auto* verb = program.add_subcommand(
      "compare", "Run the same fio jobs on objects, on a volume and on the raw file");
  auto options = std::make_shared<bench::CompareOptions>();
  auto quick = std::make_shared<bool>(false);
  options->folder = "strata-compare";
  verb->add_flag("--quick", *quick, "One run of 5 s for each job: ends within two minutes");
  verb->add_option("--runtime", options->runtime_seconds, "Seconds of each measurement (1 to 600)")
      ->capture_default_str();
  verb->add_option("--runs", options->runs, "Interleaved runs; medians are shown (1 to 25)")
      ->capture_default_str();
  verb->add_option("--out", options->folder, "Where the report and the raw data go")
      ->capture_default_str();
  verb->add_option("--fio", options->fio,
                   "The fio to use; it needs the engines http, nbd and io_uring");
  verb->footer(
      "Starts a server of its own on loopback, with its data under --out, and removes it at the "
      "end.\n"
      "Needs about 3 GiB of free space there.");
  verb->callback([&chosen, options, quick] {
    if (*quick) {
      options->runtime_seconds = kQuickRuntimeSeconds;
      options->runs = 1;
    }
    chosen = [options] { return run(*options); };
  });
}

}  // namespace strata::roof
