#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "blockdev/volume/catalog.h"
#include "common/base/parse.h"
#include "strata/control_client.h"
#include "strata/json.h"
#include "strata/server_verb.h"
#include "strata/time_text.h"

namespace strata::roof {
namespace {

struct VolumeArguments {
  std::string data;
  std::string name;
  std::string size;
  bool json = false;
};
using Arguments = std::shared_ptr<VolumeArguments>;

constexpr const char* kFooter =
    "Sizes are bytes or have a unit: 4096, 512M, 10G, 1.5T (powers of 1024).\n"
    "Examples:\n"
    "  strata volume create db 10G\n"
    "  strata volume list --json\n"
    "  nbdinfo nbd://127.0.0.1:10809/db\n"
    "  strata volume delete db";

std::string volume_text(const nlohmann::json& volume) {
  return fmt::format(
      "name       {}\nsize       {}\nallocated  {}\nclients    {}\ncreated    {}\n"
      "id         {}\nimage      {}\n",
      volume.value("name", ""), format_size(volume.value("size_bytes", uint64_t{0})),
      format_size(volume.value("allocated_bytes", uint64_t{0})), volume.value("clients", 0U),
      utc_time(volume.value("created_ms", int64_t{0})), volume.value("id", ""),
      volume.value("image_path", ""));
}

std::string volumes_text(const nlohmann::json& answer) {
  const nlohmann::json volumes = answer.value("volumes", nlohmann::json::array());
  if (volumes.empty()) return "no volumes; make one with: strata volume create NAME SIZE\n";
  std::string out =
      fmt::format("{:<24} {:>12} {:>12} {:>8}\n", "NAME", "SIZE", "ALLOCATED", "CLIENTS");
  for (const nlohmann::json& volume : volumes) {
    out += fmt::format("{:<24} {:>12} {:>12} {:>8}\n", volume.value("name", ""),
                       format_size(volume.value("size_bytes", uint64_t{0})),
                       format_size(volume.value("allocated_bytes", uint64_t{0})),
                       volume.value("clients", 0U));
  }
  return out;
}

ExitCode create_volume(const VolumeArguments& arguments) {
  const Result<uint64_t> size = parse_size(arguments.size);
  if (!size.ok()) {
    std::cerr << "strata: " << size.error().message << '\n';
    return ExitCode::kUsage;
  }
  nlohmann::json request;
  request["name"] = arguments.name;
  request["size_bytes"] = *size;
  const Result<nlohmann::json> made =
      ask_server(find_data_folder(arguments.data), "POST", "/v1/volumes", dump_json(request));
  if (!made.ok()) return report(made.error());
  std::cout << fmt::format("volume {} of {} is ready\n", arguments.name, format_size(*size));
  return ExitCode::kOk;
}

ExitCode list_volumes(const VolumeArguments& arguments) {
  return ask_and_print(arguments.data, "GET", "/v1/volumes", "", arguments.json, volumes_text);
}

ExitCode show_volume(const VolumeArguments& arguments) {
  return ask_and_print(arguments.data, "GET", "/v1/volumes/" + arguments.name, "", arguments.json,
                       volume_text);
}

ExitCode delete_volume(const VolumeArguments& arguments) {
  const Result<nlohmann::json> answer =
      ask_server(find_data_folder(arguments.data), "DELETE", "/v1/volumes/" + arguments.name, "");
  if (!answer.ok()) return report(answer.error());
  std::cout << fmt::format("volume {} is deleted\n", arguments.name);
  return ExitCode::kOk;
}

// A name goes into a request's path: what no volume can be called is a wrong usage.
std::string check_name(const std::string& name) {
  const Status good = volume::check_volume_name(name);
  return good.ok() ? std::string() : good.error().message;
}

void add_name(CLI::App& action, const Arguments& arguments) {
  action.add_option("NAME", arguments->name, "Name of the volume")
      ->required()
      ->check(CLI::Validator(check_name, "", "volume name"));
}

}  // namespace

void add_volume_verb(CLI::App& program, VerbAction& chosen) {
  CLI::App* verb = program.add_subcommand("volume", "Make, list, show and delete block volumes");
  verb->require_subcommand(1);
  verb->footer(kFooter);
  const auto arguments = std::make_shared<VolumeArguments>();
  CLI::App* create = add_action(*verb, "create", "Make a volume, full of zeroes", arguments, chosen,
                                create_volume);
  add_name(*create, arguments);
  create->add_option("SIZE", arguments->size, "Size, as in 512M or 10G")->required();
  CLI::App* list = add_action(*verb, "list", "List the volumes", arguments, chosen, list_volumes);
  add_json_flag(*list, arguments);
  CLI::App* show = add_action(*verb, "show", "Show one volume", arguments, chosen, show_volume);
  add_name(*show, arguments);
  add_json_flag(*show, arguments);
  CLI::App* remove = add_action(*verb, "delete", "Delete a volume and all its data", arguments,
                                chosen, delete_volume);
  add_name(*remove, arguments);
}

}  // namespace strata::roof
