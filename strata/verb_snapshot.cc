#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "common/base/parse.h"
#include "strata/control_client.h"
#include "strata/control_snapshots.h"
#include "strata/json.h"
#include "strata/server_verb.h"
#include "strata/time_text.h"

namespace strata::roof {
namespace {

struct SnapshotArguments {
  std::string data;
  std::string name;
  std::string other;
  std::string volume;
  std::string place;
  std::string rate;
  bool wait = false;
  bool no_wait = false;
  bool json = false;
};
using SharedSnapshotArguments = std::shared_ptr<SnapshotArguments>;

constexpr std::chrono::milliseconds kLook{200};
constexpr const char* kSnapshotFooter =
    "Snapshots are kept in the bucket strata-snapshots of the server's own object half, or in any\n"
    "S3 bucket: --to 's3://BUCKET/PREFIX?endpoint=http://HOST:PORT', with the credentials in the\n"
    "server's AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. docs/snapshots.md says more.\n"
    "Examples:\n"
    "  strata snapshot create db --name db-monday\n"
    "  strata snapshot restore db-monday db-copy\n"
    "  strata snapshot diff db-monday db-tuesday\n"
    "  nbdcopy nbd://127.0.0.1/snap:db-monday monday.img";

nlohmann::json request_of(const SnapshotArguments& arguments, const char* action) {
  nlohmann::json request = {{"action", action}};
  if (!arguments.place.empty()) request["place"] = arguments.place;
  if (!arguments.name.empty()) request["name"] = arguments.name;
  return request;
}

Result<nlohmann::json> ask(const SnapshotArguments& arguments, const nlohmann::json& request) {
  return ask_server(find_data_folder(arguments.data), "POST", kSnapshotsPath, dump_json(request));
}

ExitCode ask_for(const SnapshotArguments& arguments, const nlohmann::json& request,
                 const std::function<std::string(const nlohmann::json&)>& text) {
  return ask_and_print(arguments.data, "POST", kSnapshotsPath, dump_json(request), arguments.json,
                       text);
}

void show_progress(const nlohmann::json& job) {
  if (isatty(STDERR_FILENO) == 0) return;
  const auto done = job.value("done_bytes", uint64_t{0});
  const auto total = job.value("total_bytes", uint64_t{0});
  std::cerr << fmt::format("\r{}: {} of {}   ", job.value("what", ""), format_size(done),
                           total == 0 ? "?" : format_size(total))
            << std::flush;
}

// Begins a job and, unless told otherwise, waits for its end.
ExitCode run_job(const SnapshotArguments& arguments, const nlohmann::json& request) {
  const Result<nlohmann::json> begun = ask(arguments, request);
  if (!begun.ok()) return report(begun.error());
  const auto id = begun->value("job", uint64_t{0});
  if (arguments.no_wait) {
    std::cout << fmt::format("job {} has begun\n", id);
    return ExitCode::kOk;
  }
  for (;;) {
    const Result<nlohmann::json> job = ask(arguments, {{"action", "job"}, {"job", id}});
    if (!job.ok()) return report(job.error());
    show_progress(*job);
    if (!job->value("ended", false)) {
      std::this_thread::sleep_for(kLook);
      continue;
    }
    if (isatty(STDERR_FILENO) != 0) std::cerr << '\n';
    if (job->value("failed", true)) {
      std::cerr << "strata: " << job->value("message", "") << '\n';
      return ExitCode::kFailed;
    }
    if (arguments.json) {
      std::cout << dump_json(*job, 2) << '\n';
    } else {
      std::cout << job->value("message", "") << '\n';
    }
    return ExitCode::kOk;
  }
}

ExitCode create_snapshot(const SnapshotArguments& arguments) {
  nlohmann::json request = request_of(arguments, "create");
  request["volume"] = arguments.volume;
  if (!arguments.rate.empty()) {
    const Result<uint64_t> rate = parse_size(arguments.rate);
    if (!rate.ok()) {
      std::cerr << "strata: " << rate.error().message << '\n';
      return ExitCode::kUsage;
    }
    request["rate"] = *rate;
  }
  return run_job(arguments, request);
}

std::string snapshots_text(const nlohmann::json& answer) {
  const nlohmann::json all = answer.value("snapshots", nlohmann::json::array());
  if (all.empty()) return "no snapshots; make one with: strata snapshot create VOLUME\n";
  std::string out = fmt::format("{:<32} {:<20} {:>10} {:>10} {:>10}  {}\n", "NAME", "VOLUME",
                                "SIZE", "DATA", "NEW", "CREATED");
  for (const nlohmann::json& one : all) {
    out += fmt::format("{:<32} {:<20} {:>10} {:>10} {:>10}  {}\n", one.value("name", ""),
                       one.value("volume", ""), format_size(one.value("size_bytes", uint64_t{0})),
                       format_size(one.value("data_bytes", uint64_t{0})),
                       format_size(one.value("new_bytes", uint64_t{0})),
                       utc_time(one.value("created_ms", int64_t{0})));
  }
  return out;
}

std::string snapshot_text(const nlohmann::json& one) {
  return fmt::format(
      "name       {}\nvolume     {} ({})\nsize       {}\ndata       {} that is not zeroes\n"
      "new        {} stored for it\ncreated    {}\nid         {}\nparent     {}\n",
      one.value("name", ""), one.value("volume", ""), one.value("volume_id", ""),
      format_size(one.value("size_bytes", uint64_t{0})),
      format_size(one.value("data_bytes", uint64_t{0})),
      format_size(one.value("new_bytes", uint64_t{0})),
      utc_time(one.value("created_ms", int64_t{0})), one.value("id", ""),
      one.value("parent_id", "").empty() ? "none" : one.value("parent_id", ""));
}

ExitCode list_snapshots(const SnapshotArguments& arguments) {
  return ask_for(arguments, request_of(arguments, "list"), snapshots_text);
}

ExitCode show_snapshot(const SnapshotArguments& arguments) {
  return ask_for(arguments, request_of(arguments, "show"), snapshot_text);
}

ExitCode delete_snapshot(const SnapshotArguments& arguments) {
  return ask_for(arguments, request_of(arguments, "delete"), [&](const nlohmann::json&) {
    return fmt::format(
        "snapshot {} is deleted; what only it needed is collected in the "
        "background\n",
        arguments.name);
  });
}

ExitCode diff_snapshots(const SnapshotArguments& arguments) {
  nlohmann::json request = request_of(arguments, "diff");
  request["from"] = arguments.name;
  request["to"] = arguments.other;
  return ask_for(arguments, request, [](const nlohmann::json& answer) {
    std::string out;
    for (const nlohmann::json& range : answer.value("ranges", nlohmann::json::array())) {
      out += fmt::format("{:>20} {:>16}\n", range.value("offset", uint64_t{0}),
                         range.value("length", uint64_t{0}));
    }
    out += fmt::format("{} changed{}\n", format_size(answer.value("changed_bytes", uint64_t{0})),
                       answer.value("complete", true) ? "" : "; the first ranges only are listed");
    return out;
  });
}

nlohmann::json hydration_of(const nlohmann::json& answer, const std::string& volume) {
  for (const nlohmann::json& one : answer.value("volumes", nlohmann::json::array())) {
    if (one.value("volume", "") == volume) return one;
  }
  return nullptr;
}

ExitCode wait_for_hydration(const SnapshotArguments& arguments) {
  for (;;) {
    const Result<nlohmann::json> answer = ask(arguments, {{"action", "hydration"}});
    if (!answer.ok()) return report(answer.error());
    const nlohmann::json one = hydration_of(*answer, arguments.volume);
    if (one.is_null()) break;
    const auto total = one.value("total_bytes", uint64_t{0});
    show_progress({{"what", "fetched"},
                   {"done_bytes", total - one.value("absent_bytes", uint64_t{0})},
                   {"total_bytes", total}});
    std::this_thread::sleep_for(kLook);
  }
  if (isatty(STDERR_FILENO) != 0) std::cerr << '\n';
  std::cout << fmt::format("all of volume {} is in its image\n", arguments.volume);
  return ExitCode::kOk;
}

ExitCode restore_snapshot(const SnapshotArguments& arguments) {
  nlohmann::json request = request_of(arguments, "restore");
  request["volume"] = arguments.volume;
  const ExitCode made = ask_for(arguments, request, [&](const nlohmann::json& volume) {
    return fmt::format(
        "volume {} of {} is ready; its data is fetched when it is read, and in the "
        "background\n",
        volume.value("name", ""), format_size(volume.value("size_bytes", uint64_t{0})));
  });
  return made == ExitCode::kOk && arguments.wait ? wait_for_hydration(arguments) : made;
}

ExitCode verify_snapshot(const SnapshotArguments& arguments) {
  return run_job(arguments, request_of(arguments, "verify"));
}

ExitCode collect_chunks(const SnapshotArguments& arguments) {
  return run_job(arguments, request_of(arguments, "collect"));
}

ExitCode show_hydration(const SnapshotArguments& arguments) {
  return ask_for(arguments, request_of(arguments, "hydration"), [](const nlohmann::json& answer) {
    const nlohmann::json all = answer.value("volumes", nlohmann::json::array());
    if (all.empty()) return std::string("every volume is all in its image\n");
    std::string out =
        fmt::format("{:<24} {:<32} {:>10} {:>10}\n", "VOLUME", "SNAPSHOT", "FETCHED", "OF");
    for (const nlohmann::json& one : all) {
      const auto total = one.value("total_bytes", uint64_t{0});
      out += fmt::format(
          "{:<24} {:<32} {:>10} {:>10}\n", one.value("volume", ""), one.value("snapshot", ""),
          format_size(total - one.value("absent_bytes", uint64_t{0})), format_size(total));
    }
    return out;
  });
}

CLI::App* add_snapshot_action(CLI::App& verb, const char* name, const char* help,
                              const SharedSnapshotArguments& arguments, VerbAction& chosen,
                              ExitCode (*run)(const SnapshotArguments&), bool named) {
  CLI::App* action = add_action(verb, name, help, arguments, chosen, run);
  add_json_flag(*action, arguments);
  action->add_option("--from", arguments->place, "Where the snapshots are, if not here")
      ->type_name("URL");
  if (named) action->add_option("NAME", arguments->name, "Name of the snapshot")->required();
  return action;
}

void add_create(CLI::App& verb, const SharedSnapshotArguments& arguments, VerbAction& chosen) {
  CLI::App* create = add_action(verb, "create", "Take a snapshot of a volume, now", arguments,
                                chosen, create_snapshot);
  add_json_flag(*create, arguments);
  create->add_option("VOLUME", arguments->volume, "Name of the volume")->required();
  create->add_option("--name", arguments->name, "Name of the snapshot; else VOLUME and the time");
  create->add_option("--to", arguments->place, "Another bucket to keep it in")->type_name("URL");
  create->add_option("--rate", arguments->rate, "Bytes a second to copy at most, as in 50M");
  create->add_flag("--no-wait", arguments->no_wait, "Do not wait for its end");
}

}  // namespace

void add_snapshot_verb(CLI::App& program, VerbAction& chosen) {
  CLI::App* verb = program.add_subcommand(
      "snapshot", "Take, list, compare, verify, restore and delete snapshots of volumes");
  verb->require_subcommand(1);
  verb->footer(kSnapshotFooter);
  const auto arguments = std::make_shared<SnapshotArguments>();
  add_create(*verb, arguments, chosen);
  (void)add_snapshot_action(*verb, "list", "List the snapshots", arguments, chosen, list_snapshots,
                            false);
  (void)add_snapshot_action(*verb, "show", "Show one snapshot", arguments, chosen, show_snapshot,
                            true);
  (void)add_snapshot_action(*verb, "delete", "Delete a snapshot, and what only it needs", arguments,
                            chosen, delete_snapshot, true);
  CLI::App* restore =
      add_snapshot_action(*verb, "restore", "Make a volume of a snapshot; it can be used at once",
                          arguments, chosen, restore_snapshot, true);
  restore->add_option("VOLUME", arguments->volume, "Name of the new volume")->required();
  restore->add_flag("--wait", arguments->wait, "Wait until all of it has been fetched");
  CLI::App* diff = add_snapshot_action(*verb, "diff", "List where two snapshots differ", arguments,
                                       chosen, diff_snapshots, true);
  diff->add_option("OTHER", arguments->other, "Name of the later snapshot")->required();
  (void)add_snapshot_action(*verb, "verify", "Read every chunk of a snapshot and check it",
                            arguments, chosen, verify_snapshot, true);
  (void)add_snapshot_action(*verb, "gc", "Remove the chunks that no snapshot needs", arguments,
                            chosen, collect_chunks, false);
  (void)add_snapshot_action(*verb, "hydration", "Restored volumes that are still being fetched",
                            arguments, chosen, show_hydration, false);
}

}  // namespace strata::roof
