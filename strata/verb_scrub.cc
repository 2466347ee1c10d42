#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "common/base/parse.h"
#include "strata/control_scrub.h"
#include "strata/server_verb.h"
#include "strata/time_text.h"

namespace strata::roof {
namespace {

struct ScrubArguments {
  std::string data;
  bool json = false;
};

constexpr const char* kScrubFooter =
    "The scrub reads every copy of everything on every drive and replaces bad ones from good "
    "ones.\n"
    "Its pace follows --scrub-period of `strata serve`; 'start' does a pass now, at the rate set\n"
    "with `strata worker rate scrub RATE`. docs/workers.md says what it finds and what it does.\n"
    "Examples:\n"
    "  strata scrub start\n"
    "  strata scrub status --json";

std::string when(const nlohmann::json& progress, const char* name) {
  const auto ms = progress.value(name, int64_t{0});
  return ms == 0 ? "never" : utc_time(ms);
}

std::string scrub_text(const nlohmann::json& answer) {
  const nlohmann::json worker = answer.value("worker", nlohmann::json::object());
  const nlohmann::json progress = worker.value("progress", nlohmann::json::object());
  const nlohmann::json verified = answer.value("verified", nlohmann::json::object());
  const auto period = answer.value("period_ms", int64_t{0});
  std::string out = fmt::format(
      "state      {}{}\nperiod     {}\npass       began {}, last one ended {}\n"
      "read       {} of about {} in this pass\nfindings   {} in this pass\n"
      "verified   {} records, {} small blobs, {} blob files since the start\n",
      worker.value("state", ""),
      progress.value("note", "").empty() ? std::string() : ": " + progress.value("note", ""),
      period == 0 ? "only when asked" : duration_text(period), when(progress, "pass_started_ms"),
      when(progress, "pass_finished_ms"), format_size(progress.value("done", uint64_t{0})),
      format_size(progress.value("total", uint64_t{0})), progress.value("findings", uint64_t{0}),
      verified.value("records", uint64_t{0}), verified.value("small_blobs", uint64_t{0}),
      verified.value("blob_files", uint64_t{0}));
  const nlohmann::json findings = answer.value("findings", nlohmann::json::object());
  for (const auto& [kind, count] : findings.items()) {
    if (count.get<uint64_t>() > 0) {
      out += fmt::format("found      {} {} since the start\n", count.get<uint64_t>(), kind);
    }
  }
  if (const auto failed = answer.value("failed", uint64_t{0}); failed > 0) {
    out += fmt::format("           {} repairs could not be done; the log says why\n", failed);
  }
  return out;
}

ExitCode start_scrub(const ScrubArguments& arguments) {
  return ask_and_print(arguments.data, "POST", kScrubPath, "", arguments.json, scrub_text);
}

ExitCode print_scrub(const ScrubArguments& arguments) {
  return ask_and_print(arguments.data, "GET", kScrubPath, "", arguments.json, scrub_text);
}

}  // namespace

void add_scrub_verb(CLI::App& program, VerbAction& chosen) {
  CLI::App* verb = program.add_subcommand("scrub", "Verify every copy of everything now");
  verb->require_subcommand(1);
  verb->footer(kScrubFooter);
  const auto arguments = std::make_shared<ScrubArguments>();
  for (CLI::App* action :
       {add_action(*verb, "start", "Begin a pass now, or hurry the one under way", arguments,
                   chosen, start_scrub),
        add_action(*verb, "status", "Where it stands and what it found", arguments, chosen,
                   print_scrub)}) {
    add_json_flag(*action, arguments);
  }
}

}  // namespace strata::roof
