#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "common/base/parse.h"
#include "common/worker/settings.h"
#include "strata/control_workers.h"
#include "strata/json.h"
#include "strata/server_verb.h"
#include "strata/time_text.h"

namespace strata::roof {
namespace {

struct WorkerArguments {
  std::string data;
  std::string name;
  std::string rate;
  bool json = false;
};
using SharedWorkerArguments = std::shared_ptr<WorkerArguments>;

constexpr const char* kWorkerFooter =
    "A rate is bytes a second with a unit, as in 512K or 20M; 'none' lifts the limit, 'default'\n"
    "goes back to the built-in one. Pauses and rates survive a restart. docs/workers.md says what\n"
    "each worker does.\n"
    "Examples:\n"
    "  strata worker list\n"
    "  strata worker rate scrub 20M\n"
    "  strata worker pause resync";

std::string worker_rate_text(const nlohmann::json& worker) {
  const auto rate = worker.value("rate", uint64_t{0});
  return rate == 0 ? "none" : format_size(rate) + "/s";
}

// "idle, next in 59 min" or "failed 3 times: the reason".
std::string state_text(const nlohmann::json& worker) {
  std::string text = worker.value("state", "");
  const auto failures = worker.value("failures", uint64_t{0});
  if (failures > 0) {
    text += fmt::format(" ({} in a row): {}", failures, worker.value("reason", ""));
  }
  if (text != "running" && worker.contains("next_ms") && worker["next_ms"].is_number()) {
    text += ", next in " + duration_text(worker["next_ms"].get<int64_t>());
  }
  return text;
}

std::string workers_text(const nlohmann::json& answer) {
  std::string out =
      fmt::format("{:<12} {:>12} {:>10}  {}\n", "WORKER", "RATE", "FINDINGS", "STATE");
  for (const nlohmann::json& worker : answer.value("workers", nlohmann::json::array())) {
    const nlohmann::json progress = worker.value("progress", nlohmann::json::object());
    out += fmt::format("{:<12} {:>12} {:>10}  {}\n", worker.value("name", ""),
                       worker_rate_text(worker), progress.value("findings", uint64_t{0}),
                       state_text(worker));
    if (const std::string note = progress.value("note", ""); !note.empty()) {
      out += fmt::format("{:<12} {}\n", "", note);
    }
  }
  return out;
}

ExitCode print_workers(const WorkerArguments& arguments) {
  return ask_and_print(arguments.data, "GET", kWorkersPath, "", arguments.json, workers_text);
}

ExitCode print_told_worker(const WorkerArguments& arguments, const nlohmann::json& request) {
  return ask_and_print(arguments.data, "POST", fmt::format("{}/{}", kWorkersPath, arguments.name),
                       dump_json(request), false, [&](const nlohmann::json& worker) {
                         return fmt::format("worker {}: {}, rate {}\n", arguments.name,
                                            state_text(worker), worker_rate_text(worker));
                       });
}

ExitCode start_worker(const WorkerArguments& arguments) {
  return print_told_worker(arguments, {{"action", "start"}});
}
ExitCode pause_worker(const WorkerArguments& arguments) {
  return print_told_worker(arguments, {{"action", "pause"}});
}
ExitCode resume_worker(const WorkerArguments& arguments) {
  return print_told_worker(arguments, {{"action", "resume"}});
}

ExitCode set_rate(const WorkerArguments& arguments) {
  nlohmann::json request;
  request["action"] = "rate";
  if (arguments.rate == "none") {
    request["rate"] = 0;
  } else if (arguments.rate != "default") {
    const Result<uint64_t> rate = parse_size(arguments.rate);
    if (!rate.ok() || *rate == 0) {
      std::cerr << "strata: '" << arguments.rate
                << "' is not a rate: bytes a second as in 20M, 'none' or 'default'\n";
      return ExitCode::kUsage;
    }
    request["rate"] = *rate;
  }
  return print_told_worker(arguments, request);
}

// A name goes into a request's path: what no worker can be called is a wrong usage.
std::string check_worker_name(const std::string& name) {
  return worker::is_worker_name(name) ? std::string() : "'" + name + "' is not a worker's name";
}

void add_worker_name(CLI::App& action, const SharedWorkerArguments& arguments) {
  action.add_option("NAME", arguments->name, "Name of the worker")
      ->required()
      ->check(CLI::Validator(check_worker_name, "", "worker name"));
}

}  // namespace

void add_worker_verb(CLI::App& program, VerbAction& chosen) {
  CLI::App* verb = program.add_subcommand("worker", "List and control the background workers");
  verb->require_subcommand(1);
  verb->footer(kWorkerFooter);
  const auto arguments = std::make_shared<WorkerArguments>();
  CLI::App* list =
      add_action(*verb, "list", "What each worker is doing", arguments, chosen, print_workers);
  add_json_flag(*list, arguments);
  add_worker_name(*add_action(*verb, "start", "Begin a pass now, or hurry the one under way",
                              arguments, chosen, start_worker),
                  arguments);
  add_worker_name(*add_action(*verb, "pause", "Stop after the current step, until resumed",
                              arguments, chosen, pause_worker),
                  arguments);
  add_worker_name(
      *add_action(*verb, "resume", "Go on after a pause", arguments, chosen, resume_worker),
      arguments);
  CLI::App* rate = add_action(*verb, "rate", "Limit the bytes a second it may read and write",
                              arguments, chosen, set_rate);
  add_worker_name(*rate, arguments);
  rate->add_option("RATE", arguments->rate, "As in 20M; 'none' or 'default'")->required();
}

}  // namespace strata::roof
