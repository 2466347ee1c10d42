// strata volume create: a volume of zeroes, of a snapshot, of an image, or on a block device.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "common/base/parse.h"
#include "strata/control_client.h"
#include "strata/control_snapshots.h"
#include "strata/json.h"
#include "strata/server_verb.h"
#include "strata/verb_volume.h"

namespace strata::roof {
namespace {

Result<nlohmann::json> ask_snapshots(const VolumeArguments& arguments, const char* action,
                                     nlohmann::json request) {
  request["action"] = action;
  request["name"] = arguments.from_snapshot;
  if (!arguments.place.empty()) request["place"] = arguments.place;
  return ask_server(find_data_folder(arguments.data), "POST", kSnapshotsPath, dump_json(request));
}

// Size and limits of a volume that has just been made. One that cannot have them is not what was
// asked for, and goes again.
Status finish(const VolumeArguments& arguments, const nlohmann::json& limits, uint64_t grow_to) {
  const std::string data = find_data_folder(arguments.data);
  const std::string target = volume_target(arguments.name);
  const auto change = [&](const char* action, const nlohmann::json& request) -> Status {
    const auto done = ask_server(data, "POST", target + action, dump_json(request));
    if (done.ok()) return {};
    (void)ask_server(data, "DELETE", target, "");
    return done.error();
  };
  if (grow_to != 0) TRY(change("/resize", {{"size_bytes", grow_to}}));
  return limits.empty() ? Status() : change("/set", limits);
}

Status create_from_snapshot(const VolumeArguments& arguments, const nlohmann::json& limits,
                            std::optional<uint64_t> size) {
  TRY_ASSIGN(const nlohmann::json snapshot,
             ask_snapshots(arguments, "show", nlohmann::json::object()));
  const auto least = snapshot.value("size_bytes", uint64_t{0});
  if (size && *size < least) {
    return Error(Code::kInvalidArgument,
                 fmt::format("the snapshot is of {}, more than the {} that the volume is to have",
                             format_size(least), format_size(*size)));
  }
  TRY(ask_snapshots(arguments, "restore", {{"volume", arguments.name}}));
  return finish(arguments, limits, size && *size > least ? *size : 0);
}

Status create_from_image(const VolumeArguments& arguments, const nlohmann::json& limits) {
  TRY(import_image(arguments, arguments.from_image));
  return finish(arguments, limits, 0);
}

// How long the look at a device may take that must be blank: it may be a slow one.
constexpr std::chrono::minutes kDeviceTimeout{5};

Status create_on_device(const VolumeArguments& arguments, nlohmann::json request) {
  request["name"] = arguments.name;
  request["device"] = arguments.device;
  request["adopt"] = arguments.adopt;
  TRY(ask_server(find_data_folder(arguments.data), "POST", "/v1/volumes", dump_json(request),
                 kDeviceTimeout));
  return {};
}

Status create_blank(const VolumeArguments& arguments, nlohmann::json request, uint64_t size) {
  request["name"] = arguments.name;
  request["size_bytes"] = size;
  TRY(ask_server(find_data_folder(arguments.data), "POST", "/v1/volumes", dump_json(request)));
  return {};
}

Status create_now(const VolumeArguments& arguments, const nlohmann::json& limits,
                  std::optional<uint64_t> size) {
  if (!arguments.from_snapshot.empty()) return create_from_snapshot(arguments, limits, size);
  if (!arguments.from_image.empty()) return create_from_image(arguments, limits);
  if (!arguments.device.empty()) return create_on_device(arguments, limits);
  return create_blank(arguments, limits, *size);
}

ExitCode create_volume(const VolumeArguments& arguments) {
  std::optional<uint64_t> size;
  if (!arguments.size.empty()) {
    const Result<uint64_t> parsed = parse_size(arguments.size);
    if (!parsed.ok()) return report_usage(parsed.error());
    size = *parsed;
  } else if (arguments.from_snapshot.empty() && arguments.from_image.empty() &&
             arguments.device.empty()) {
    return report_usage(
        Error(Code::kInvalidArgument,
              "say how large the volume is to be, as in 10G, or what it is made from: "
              "--from-snapshot, --from-image, --device"));
  }
  const Result<nlohmann::json> limits = volume_limits(arguments);
  if (!limits.ok()) return report_usage(limits.error());
  const Status made = create_now(arguments, *limits, size);
  if (!made.ok()) return report(made.error());
  const Result<nlohmann::json> shown =
      ask_server(find_data_folder(arguments.data), "GET", volume_target(arguments.name), "");
  if (!shown.ok()) return report(shown.error());
  std::string more;
  if (!arguments.from_snapshot.empty()) {
    more = "; its data is fetched when it is read, and in the background";
  } else if (!arguments.device.empty()) {
    more = fmt::format("; it is {}, from the first byte on", arguments.device);
  }
  std::cout << fmt::format("volume {} of {} is ready{}\n", arguments.name,
                           format_size(shown->value("size_bytes", uint64_t{0})), more);
  return ExitCode::kOk;
}

}  // namespace

void add_volume_limits(CLI::App& action, const SharedVolumeArguments& arguments) {
  action.add_option("--profile", arguments->profile, "gp2, gp3, io2, st1 or local");
  action.add_option("--iops", arguments->iops,
                    "I/O a second in units of 256 KiB; 0: the profile's");
  action.add_option("--throughput", arguments->throughput,
                    "Bytes a second, as in 125M; 0: the profile's");
  action.add_option("--latency", arguments->latency,
                    "As in 2ms, 500us/4ms (median/99th percentile), 0 or profile");
  action.add_option("--layer", arguments->layers, "A layer, outermost first; none removes all")
      ->allow_extra_args(false);
}

Result<nlohmann::json> volume_limits(const VolumeArguments& arguments) {
  nlohmann::json request = nlohmann::json::object();
  if (!arguments.profile.empty()) request["profile"] = arguments.profile;
  if (arguments.iops) request["iops"] = *arguments.iops;
  if (!arguments.throughput.empty()) {
    TRY_ASSIGN(const uint64_t bytes, parse_size(arguments.throughput));
    request["throughput"] = bytes;
  }
  if (!arguments.latency.empty()) request["latency"] = arguments.latency;
  if (!arguments.layers.empty()) {
    request["layers"] = nlohmann::json::array();
    // `none` is the empty list.
    for (const std::string& layer : arguments.layers) {
      if (layer != "none") request["layers"].push_back(layer);
    }
  }
  return request;
}

ExitCode report_usage(const Error& error) {
  std::cerr << "strata: " << error.message << '\n';
  return ExitCode::kUsage;
}

void add_create_action(CLI::App& verb, const SharedVolumeArguments& arguments, VerbAction& chosen) {
  CLI::App* create = add_action(
      verb, "create", "Make a volume: full of zeroes, of a snapshot, of an image, on a disk",
      arguments, chosen, create_volume);
  add_volume_name(*create, arguments);
  CLI::Option* size =
      create->add_option("SIZE", arguments->size,
                         "Size, as in 512M or 10G; of a snapshot or an image: if larger than that");
  add_volume_limits(*create, arguments);
  CLI::Option* snapshot =
      create->add_option("--from-snapshot", arguments->from_snapshot, "Name of a snapshot");
  create
      ->add_option("--from-place", arguments->place,
                   "Where the snapshot is, if not in this server's own object half")
      ->type_name("URL")
      ->needs(snapshot);
  CLI::Option* image = create->add_option("--from-image", arguments->from_image,
                                          "A raw or qcow2 image: a file, or a URL (http, https)");
  image->excludes(snapshot);
  create
      ->add_option("--format", arguments->format, "Of the image: raw, qcow2, or auto: as it looks")
      ->check(CLI::IsMember({"auto", "raw", "qcow2"}))
      ->needs(image);
  CLI::Option* device =
      create->add_option("--device", arguments->device,
                         "A block device of the host that the volume is to be, all of it; it must "
                         "be blank and nobody may use it");
  device->type_name("PATH")->excludes(snapshot)->excludes(image)->excludes(size);
  create
      ->add_flag("--adopt", arguments->adopt,
                 "What is on the device becomes the volume's: it need not be blank")
      ->needs(device);
}

}  // namespace strata::roof
