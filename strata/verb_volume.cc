// strata volume: show, change and delete volumes. What makes them is verb_create.cc, what moves
// whole images verb_image.cc, what makes block devices of them verb_attach.cc.
#include "strata/verb_volume.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "blockdev/volume/catalog.h"
#include "common/base/parse.h"
#include "strata/control_client.h"
#include "strata/json.h"
#include "strata/server_verb.h"
#include "strata/time_text.h"

namespace strata::roof {
namespace {

constexpr const char* kVolumeFooter =
    "Sizes are bytes or have a unit: 4096, 512M, 10G, 1.5T (powers of 1024).\n"
    "Profiles: gp2, gp3, io2, st1 (as the EBS volume types), local (no limits but those given).\n"
    "Layers, outermost first: meter, read-only, throttle:iops=N, delay:2ms, fault:on=write,...\n"
    "Examples:\n"
    "  strata volume create db 10G --profile gp3\n"
    "  strata volume create copy --from-snapshot db-monday\n"
    "  strata volume create disk 20G --from-image https://example.com/disk.qcow2\n"
    "  strata volume create disk --device /dev/disk/by-id/wwn-0x5000c500a1b2c3d4\n"
    "  strata volume set db --iops 500 --latency 2ms     also while it is used\n"
    "  strata volume set db --layer meter --layer fault:on=write,probability=0.01\n"
    "  strata volume attach db --mkfs ext4 --mount /mnt/db\n"
    "  strata volume export db --vhost-user /run/db.sock  a virtual machine's disk\n"
    "  strata volume list --json\n"
    "  strata volume delete db";

std::string rate_text(uint64_t rate, uint64_t baseline, bool bytes) {
  const auto text = [bytes](uint64_t n) { return bytes ? format_size(n) : std::to_string(n); };
  if (rate == 0) return "no limit";
  return baseline == 0 ? text(rate)
                       : fmt::format("{} in bursts, {} after", text(rate), text(baseline));
}

std::string meter_text(const nlohmann::json& meter) {
  std::string out;
  for (const auto& [kind, seen] : meter.items()) {
    out += fmt::format(
        "  {:<8} {} requests, {} errors, {}, mean {} us, p50 <= {} us, p99 <= {} us\n", kind,
        seen.value("requests", uint64_t{0}), seen.value("errors", uint64_t{0}),
        format_size(seen.value("bytes", uint64_t{0})), seen.value("mean_us", uint64_t{0}),
        seen.value("p50_us", uint64_t{0}), seen.value("p99_us", uint64_t{0}));
  }
  return out;
}

std::string volume_text(const nlohmann::json& volume) {
  const nlohmann::json limits = volume.value("limits", nlohmann::json::object());
  const std::string writer = volume.value("writer", "");
  std::string out = fmt::format(
      "name       {}\nsize       {}\nallocated  {}\nclients    {}{}\ncreated    {}\n"
      "id         {}\nimage      {}\nprofile    {}\niops       {}\nthroughput {}\nlatency    {}\n",
      volume.value("name", ""), format_size(volume.value("size_bytes", uint64_t{0})),
      format_size(volume.value("allocated_bytes", uint64_t{0})), volume.value("clients", 0U),
      writer.empty() ? "" : ", writer: " + writer, utc_time(volume.value("created_ms", int64_t{0})),
      volume.value("id", ""), volume.value("image_path", ""), volume.value("profile", ""),
      rate_text(limits.value("iops", uint64_t{0}), limits.value("iops_baseline", uint64_t{0}),
                false),
      rate_text(limits.value("throughput", uint64_t{0}),
                limits.value("throughput_baseline", uint64_t{0}), true),
      limits.value("latency", ""));
  const auto device = volume.value("device", nlohmann::json::object());
  if (!device.empty()) out += fmt::format("device     {}\n", device.value("identity", ""));
  for (const nlohmann::json& layer : volume.value("layers", nlohmann::json::array())) {
    out += fmt::format("layer      {}\n", layer.get<std::string>());
  }
  if (limits.value("iops_baseline", uint64_t{0}) != 0 && volume.contains("iops_credit")) {
    out += fmt::format("credits    {} I/O left for bursts\n",
                       volume.value("iops_credit", uint64_t{0}));
  }
  if (const uint64_t faults = volume.value("faults", uint64_t{0}); faults != 0) {
    out += fmt::format("faults     {} requests hit\n", faults);
  }
  return out + meter_text(volume.value("meter", nlohmann::json::object()));
}

std::string volumes_text(const nlohmann::json& answer) {
  const nlohmann::json volumes = answer.value("volumes", nlohmann::json::array());
  if (volumes.empty()) return "no volumes; make one with: strata volume create NAME SIZE\n";
  std::string out = fmt::format("{:<24} {:>12} {:>12} {:>8}  {}\n", "NAME", "SIZE", "ALLOCATED",
                                "CLIENTS", "PROFILE");
  for (const nlohmann::json& volume : volumes) {
    out += fmt::format("{:<24} {:>12} {:>12} {:>8}  {}\n", volume.value("name", ""),
                       format_size(volume.value("size_bytes", uint64_t{0})),
                       format_size(volume.value("allocated_bytes", uint64_t{0})),
                       volume.value("clients", 0U), volume.value("profile", ""));
  }
  return out;
}

ExitCode list_volumes(const VolumeArguments& arguments) {
  return ask_and_print(arguments.data, "GET", "/v1/volumes", "", arguments.json, volumes_text);
}

ExitCode show_volume(const VolumeArguments& arguments) {
  return ask_and_print(arguments.data, "GET", volume_target(arguments.name), "", arguments.json,
                       volume_text);
}

ExitCode set_volume(const VolumeArguments& arguments) {
  const Result<nlohmann::json> request = volume_limits(arguments);
  if (!request.ok()) return report_usage(request.error());
  if (request->empty()) {
    return report_usage(
        Error(Code::kInvalidArgument,
              "say what to set: --profile, --iops, --throughput, --latency, --layer"));
  }
  return ask_and_print(arguments.data, "POST", volume_target(arguments.name) + "/set",
                       dump_json(*request), arguments.json, volume_text);
}

ExitCode resize_volume(const VolumeArguments& arguments) {
  const Result<uint64_t> size = parse_size(arguments.size);
  if (!size.ok()) return report_usage(size.error());
  const nlohmann::json request = {{"size_bytes", *size}};
  return ask_and_print(arguments.data, "POST", volume_target(arguments.name) + "/resize",
                       dump_json(request), arguments.json, volume_text);
}

ExitCode rename_volume(const VolumeArguments& arguments) {
  const nlohmann::json request = {{"to", arguments.other}};
  return ask_and_print(arguments.data, "POST", volume_target(arguments.name) + "/rename",
                       dump_json(request), arguments.json, volume_text);
}

ExitCode delete_volume(const VolumeArguments& arguments) {
  const Result<nlohmann::json> answer =
      ask_server(find_data_folder(arguments.data), "DELETE", volume_target(arguments.name), "");
  if (!answer.ok()) return report(answer.error());
  std::cout << fmt::format("volume {} is deleted\n", arguments.name);
  return ExitCode::kOk;
}

std::string fsck_text(const nlohmann::json& answer) {
  std::string out;
  for (const nlohmann::json& one : answer.value("findings", nlohmann::json::array())) {
    out += fmt::format("{}{}\n", one.value("what", ""),
                       one.value("repaired", false) ? ": repaired" : "");
  }
  return out + (answer.value("clean", false) ? "clean\n" : "NOT CLEAN\n");
}

ExitCode fsck_volume(const VolumeArguments& arguments) {
  nlohmann::json request;
  request["repair"] = arguments.repair;
  request["read"] = arguments.read;
  constexpr std::chrono::hours kLong{24};
  const Result<nlohmann::json> answer =
      ask_server(find_data_folder(arguments.data), "POST", volume_target(arguments.name) + "/fsck",
                 dump_json(request), arguments.read ? kLong : kAnswerTimeout);
  if (!answer.ok()) return report(answer.error());
  const ExitCode printed = print_answer(*answer, [&](const nlohmann::json& value) {
    return arguments.json ? dump_json(value, 2) + "\n" : fsck_text(value);
  });
  if (printed != ExitCode::kOk) return printed;
  return answer->value("clean", false) ? ExitCode::kOk : ExitCode::kFailed;
}

// A name goes into a request's path: what no volume can be called is a wrong usage.
std::string check_name(const std::string& name) {
  const Status good = volume::check_volume_name(name);
  return good.ok() ? std::string() : good.error().message;
}

void add_making(CLI::App& verb, const SharedVolumeArguments& arguments, VerbAction& chosen) {
  add_create_action(verb, arguments, chosen);
  CLI::App* list = add_action(verb, "list", "List the volumes", arguments, chosen, list_volumes);
  add_json_flag(*list, arguments);
  CLI::App* show = add_action(verb, "show", "Show one volume", arguments, chosen, show_volume);
  add_volume_name(*show, arguments);
  add_json_flag(*show, arguments);
}

void add_changing(CLI::App& verb, const SharedVolumeArguments& arguments, VerbAction& chosen) {
  CLI::App* set =
      add_action(verb, "set", "Change a volume's limits and layers, also while it is used",
                 arguments, chosen, set_volume);
  add_volume_name(*set, arguments);
  add_volume_limits(*set, arguments);
  add_json_flag(*set, arguments);
  CLI::App* resize = add_action(verb, "resize", "Make a volume larger, also while it is used",
                                arguments, chosen, resize_volume);
  add_volume_name(*resize, arguments);
  resize->add_option("SIZE", arguments->size, "The new size")->required();
  add_json_flag(*resize, arguments);
  CLI::App* rename = add_action(verb, "rename", "Give a volume that nobody uses another name",
                                arguments, chosen, rename_volume);
  add_volume_name(*rename, arguments);
  rename->add_option("NEW", arguments->other, "The new name")
      ->required()
      ->check(CLI::Validator(check_name, "", "volume name"));
  add_json_flag(*rename, arguments);
  CLI::App* remove = add_action(verb, "delete", "Delete a volume and all its data", arguments,
                                chosen, delete_volume);
  add_volume_name(*remove, arguments);
  CLI::App* check = add_action(verb, "fsck", "Check a volume's files; exit status 1 if not clean",
                               arguments, chosen, fsck_volume);
  add_volume_name(*check, arguments);
  check->add_flag("--repair", arguments->repair, "Repair what cannot lose data");
  check->add_flag("--read", arguments->read, "Read every byte of the image");
  add_json_flag(*check, arguments);
}

}  // namespace

std::string volume_target(const std::string& name) {
  return "/v1/volumes/" + name;
}

void add_volume_name(CLI::App& action, const SharedVolumeArguments& arguments) {
  action.add_option("NAME", arguments->name, "Name of the volume")
      ->required()
      ->check(CLI::Validator(check_name, "", "volume name"));
}

void add_volume_verb(CLI::App& program, VerbAction& chosen) {
  CLI::App* verb =
      program.add_subcommand("volume", "Block volumes: make, limit, attach, copy, delete");
  verb->require_subcommand(1);
  verb->footer(kVolumeFooter);
  const auto arguments = std::make_shared<VolumeArguments>();
  add_making(*verb, arguments, chosen);
  add_changing(*verb, arguments, chosen);
  add_image_actions(*verb, arguments, chosen);
  add_export_actions(*verb, arguments, chosen);
  add_attach_actions(*verb, arguments, chosen);
}

}  // namespace strata::roof
