#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "strata/durability_report.h"
#include "strata/json.h"
#include "strata/verbs.h"

namespace strata::roof {
namespace {

struct Question {
  DurabilityArguments question;
  bool json = false;
  bool table = false;
};

ExitCode run_durability(const Question& arguments) {
  const Result<DurabilityQuestion> question = parse_durability(arguments.question);
  if (!question.ok()) {
    std::cerr << "strata: " << question.error().message << "\n";
    return ExitCode::kUsage;
  }
  if (arguments.table) {
    std::cout << durability_table(question->model);
    return ExitCode::kOk;
  }
  const DurabilityAnswer answer = answer_durability(*question);
  std::cout << (arguments.json ? dump_json(durability_json(answer), 2) + "\n"
                               : durability_text(answer));
  return ExitCode::kOk;
}

void add_model_options(CLI::App& verb, DurabilityArguments& into) {
  const auto option = [&](const char* name, std::string& value, const char* type,
                          const char* help) {
    verb.add_option(name, value, help)->type_name(type)->capture_default_str();
  };
  option("--drives", into.drives, "N", "Drives in the machine (1 to 64)");
  option("--replicas", into.replicas, "R", "Copies of each object (1 to 8)");
  option("--afr", into.afr, "SHARE", "Failures of a drive a year, as in 1.5% or 0.015");
  option("--capacity", into.capacity, "SIZE", "Bytes on a drive");
  option("--rebuild-rate", into.rebuild_rate, "SIZE/s", "Speed of one drive in a repair");
  option("--detection-time", into.detection_time, "TIME",
         "From the failure to the begin of the repair, as in 1h: a spare must be fetched too");
  option("--repair", into.repair, "HOW",
         "replace: one new drive is filled; spread: the drives that are left take shares");
  option("--scrub-period", into.scrub_period, "TIME",
         "Time in which a scrub reads everything once");
  option("--latent-error-rate", into.latent_error_rate, "RATE",
         "Bits that become unreadable, a bit stored and year");
  option("--objects", into.objects, "N", "Objects of equal size that fill the drives");
  option("--machine-afr", into.machine_afr, "SHARE",
         "Events a year that take all drives at once: fire, theft, a power supply");
}

}  // namespace

void add_durability_verb(CLI::App& program, VerbAction& chosen) {
  CLI::App* verb = program.add_subcommand(
      "durability", "Reckon how likely it is to lose an object within a year");
  verb->footer(
      "Examples:\n"
      "  strata durability --drives 6 --replicas 3 --afr 1.5% --capacity 4TB\n"
      "  strata durability --table\n"
      "What the numbers mean: docs/durability.md");
  const auto arguments = std::make_shared<Question>();
  DurabilityArguments& question = arguments->question;
  add_model_options(*verb, question);
  const auto option = [&](const char* name, std::string& value, const char* type,
                          const char* help) {
    verb->add_option(name, value, help)->type_name(type)->capture_default_str();
  };
  option("--weibull-shape", question.weibull_shape, "K",
         "Monte Carlo: how the failure rate changes with age; 1: not, 2: it grows with age");
  option(
      "--repair-time", question.repair_time, "HOW",
      "Monte Carlo: repairs and scrubs 'fixed' in length, or 'exponential' as in the closed form");
  option("--trials", question.trials, "N", "Monte Carlo: simulated years (100 to 10000000)");
  option("--seed", question.seed, "N", "Monte Carlo: the same seed gives the same numbers");
  verb->add_flag("--table", arguments->table,
                 "Print nines (a given object / any) for 1 to 4 copies and several repair times");
  verb->add_flag("--json", arguments->json, "Print JSON");
  verb->callback(
      [&chosen, arguments] { chosen = [arguments] { return run_durability(*arguments); }; });
}

}  // namespace strata::roof
