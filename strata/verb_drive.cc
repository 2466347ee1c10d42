#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "common/base/parse.h"
#include "strata/control_drives.h"
#include "strata/drive_list.h"
#include "strata/json.h"
#include "strata/server_verb.h"

namespace strata::roof {
namespace {

struct DriveArguments {
  std::string data;
  std::string drive;
  std::string path;
  bool json = false;
};
using SharedDriveArguments = std::shared_ptr<DriveArguments>;

constexpr const char* kDriveFooter =
    "A DRIVE is its id, the first digits of it, or its path, as `strata drive list` shows them.\n"
    "Data moves in the background while the server serves: `strata drive list` shows how far it\n"
    "is, `strata worker rate resync 50M` slows it down. One move at a time; a restart in between\n"
    "goes on with it. docs/drives.md says which of these to use when.\n"
    "Examples:\n"
    "  strata drive list\n"
    "  strata drive add /mnt/disk4/strata\n"
    "  strata drive replace /mnt/disk2/strata /mnt/disk5/strata\n"
    "  strata drive return /mnt/disk2/strata\n"
    "  strata drive drain 3f2a91c0\n"
    "  strata drive accept-loss 3f2a91c0    # of one that is gone, with the only copies of things";

std::string drives_text(const nlohmann::json& answer) {
  std::string out =
      fmt::format("{:<12} {:>10} {:>10}  {:<28} {}\n", "ID", "SIZE", "FREE", "PATH", "STATE");
  for (const nlohmann::json& drive : answer.value("drives", nlohmann::json::array())) {
    const std::string path = drive.value("path", "");
    out += fmt::format("{:<12} {:>10} {:>10}  {:<28} {}\n", drive.value("id", "").substr(0, 12),
                       format_size(drive.value("capacity_bytes", uint64_t{0})),
                       format_size(drive.value("available_bytes", uint64_t{0})),
                       path.empty() ? "-" : path, drive.value("state", ""));
  }
  const uint32_t replicas = answer.value("replicas", 0U);
  out += fmt::format("{} {} of everything", replicas, replicas == 1 ? "copy" : "copies");
  out += answer.value("durability", "strict") == "relaxed"
             ? "; relaxed: a success is flushed within 1 s\n"
             : "\n";
  return out;
}

// An id stays what it is; a path is told to the server as it is from the root.
std::string drive_name(const std::string& given) {
  const bool is_id = given.find_first_not_of("0123456789abcdef") == std::string::npos;
  return is_id ? given : absolute_path(given);
}

ExitCode list_drives(const DriveArguments& arguments) {
  return ask_and_print(arguments.data, "GET", kDrivesPath, "", arguments.json, drives_text);
}

// Asks for it and says what happens now.
ExitCode tell_drive(const DriveArguments& arguments, const nlohmann::json& request,
                    const std::string& what, const char* then = "shows how far it is") {
  const auto text = [&](const nlohmann::json& drives) {
    std::string out = fmt::format("{}; `strata drive list` {}\n", what, then);
    if (drives.value("remembered", false)) {
      out += fmt::format(
          "{} is remembered in the data folder: the next start finds it without "
          "--drive\n",
          request.value("path", ""));
    }
    return out;
  };
  return ask_and_print(arguments.data, "POST", kDrivesPath, dump_json(request), arguments.json,
                       text);
}

ExitCode add_drive(const DriveArguments& arguments) {
  const std::string path = absolute_path(arguments.path);
  return tell_drive(arguments, {{"action", "add"}, {"path", path}}, path + " joins");
}

ExitCode drain_drive(const DriveArguments& arguments) {
  const std::string drive = drive_name(arguments.drive);
  return tell_drive(arguments, {{"action", "drain"}, {"drive", drive}},
                    drive + " is being emptied and leaves when nothing is on it any more");
}

ExitCode replace_drive(const DriveArguments& arguments) {
  const std::string drive = drive_name(arguments.drive);
  const std::string path = absolute_path(arguments.path);
  return tell_drive(arguments, {{"action", "replace"}, {"drive", drive}, {"path", path}},
                    fmt::format("{} takes the place of {}", path, drive));
}

ExitCode return_drive(const DriveArguments& arguments) {
  const std::string path = absolute_path(arguments.path);
  return tell_drive(arguments, {{"action", "return"}, {"path", path}}, path + " comes back");
}

ExitCode accept_loss(const DriveArguments& arguments) {
  const std::string drive = drive_name(arguments.drive);
  return tell_drive(arguments, {{"action", "accept_loss"}, {"drive", drive}},
                    fmt::format("{} is given up, and what only it had is lost", drive),
                    "says what may be done with its place");
}

CLI::App* add_drive_action(CLI::App& verb, const char* name, const char* help,
                           const SharedDriveArguments& arguments, VerbAction& chosen,
                           ExitCode (*run)(const DriveArguments&)) {
  CLI::App* action = add_action(verb, name, help, arguments, chosen, run);
  add_json_flag(*action, arguments);
  return action;
}

}  // namespace

void add_drive_verb(CLI::App& program, VerbAction& chosen) {
  CLI::App* verb = program.add_subcommand(
      "drive",
      "List, add, drain and replace drives, bring them back or give them up, while serving");
  verb->require_subcommand(1);
  verb->footer(kDriveFooter);
  const auto arguments = std::make_shared<DriveArguments>();
  (void)add_drive_action(*verb, "list", "List the drives", arguments, chosen, list_drives);
  CLI::App* add = add_drive_action(*verb, "add", "Make an empty folder one more drive", arguments,
                                   chosen, add_drive);
  add->add_option("PATH", arguments->path, "Folder of the new drive")->required();
  CLI::App* drain =
      add_drive_action(*verb, "drain",
                       "Move everything off a drive, and let it go; also gives up an add "
                       "or replace under way",
                       arguments, chosen, drain_drive);
  drain->add_option("DRIVE", arguments->drive, "Id or path of the drive")->required();
  CLI::App* replace =
      add_drive_action(*verb, "replace", "Fill an empty folder in the place of a drive", arguments,
                       chosen, replace_drive);
  replace->add_option("OLD", arguments->drive, "Id or path of the drive to replace")->required();
  replace->add_option("PATH", arguments->path, "Folder of the new drive")->required();
  CLI::App* back = add_drive_action(
      *verb, "return", "Bring back a drive that was away or out; also gives up its drain",
      arguments, chosen, return_drive);
  back->add_option("PATH", arguments->path, "Folder of the drive")->required();
  CLI::App* loss = add_drive_action(
      *verb, "accept-loss",
      "Say that a drive which is not in service is gone for good: what only it had is lost",
      arguments, chosen, accept_loss);
  loss->add_option("DRIVE", arguments->drive, "Id or path of the drive")->required();
}

}  // namespace strata::roof
