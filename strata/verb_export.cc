// strata volume export --vhost-user, unexport and exports: volumes as disks of virtual machines.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "blockdev/vhost_user/server.h"
#include "strata/control_client.h"
#include "strata/json.h"
#include "strata/server_verb.h"
#include "strata/verb_volume.h"

namespace strata::roof {
namespace {

// The server has a working folder of its own.
std::string absolute(const std::string& path) {
  return path.empty() ? path : std::filesystem::absolute(path).lexically_normal().string();
}

// A path as a part of a QEMU option in single quotes: a comma begins the next part, unless doubled.
std::string in_qemu_option(const std::string& path) {
  std::string out;
  for (const char one : path) {
    if (one == '\'') {
      out += "'\\''";  // for the shell: ends the quotes, a quote, begins them anew
      continue;
    }
    out.append(one == ',' ? 2 : 1, one);
  }
  return out;
}

ExitCode unexport_volume(const VolumeArguments& arguments) {
  const nlohmann::json request = {{"socket", absolute(arguments.vhost_user)},
                                  {"in_use", arguments.in_use}};
  const Result<nlohmann::json> ended =
      ask_server(find_data_folder(arguments.data), "POST",
                 fmt::format("/v1/exports/{}/end", arguments.name), dump_json(request));
  if (!ended.ok()) return report(ended.error());
  std::cout << fmt::format("volume {} is no virtual machine's disk any more\n", arguments.name);
  return ExitCode::kOk;
}

std::string exports_text(const nlohmann::json& answer) {
  std::string out;
  for (const nlohmann::json& one : answer.value("exports", nlohmann::json::array())) {
    const std::string problem = one.value("problem", "");
    const char* const state = one.value("connected", false) ? "in use" : "waiting";
    out += fmt::format("{:<20} {} ({} queues{}): {}\n", one.value("volume", ""),
                       one.value("socket", ""), one.value("queues", 1U),
                       one.value("read_only", false) ? ", read-only" : "",
                       problem.empty() ? state : "NOT SERVED: " + problem);
  }
  return out.empty() ? "no volume is a virtual machine's disk\n" : out;
}

ExitCode list_exports(const VolumeArguments& arguments) {
  return ask_and_print(arguments.data, "GET", "/v1/exports", "", arguments.json, exports_text);
}

}  // namespace

ExitCode export_vhost_user(const VolumeArguments& arguments) {
  const std::string socket = absolute(arguments.vhost_user);
  const nlohmann::json request = {{"volume", arguments.name},
                                  {"socket", socket},
                                  {"queues", arguments.queues},
                                  {"read_only", arguments.read_only}};
  const Result<nlohmann::json> made =
      ask_server(find_data_folder(arguments.data), "POST", "/v1/exports", dump_json(request));
  if (!made.ok()) return report(made.error());
  // Without a number QEMU has a queue for each processor of the machine.
  const std::string queues = arguments.queues < vhost_user::kServerQueuesMax
                                 ? fmt::format(",num-queues={}", arguments.queues)
                                 : std::string();
  // QEMU's names begin with a letter, volumes' need not.
  std::cout << fmt::format(
      "volume {0} is a vhost-user disk at {1}; with QEMU:\n"
      "  -object memory-backend-memfd,id=ram,size=1G,share=on -machine memory-backend=ram -m 1G\n"
      "  -chardev 'socket,id=disk-{0},path={2},reconnect=1'\n"
      "  -device vhost-user-blk-pci,chardev=disk-{0}{3}\n",
      arguments.name, socket, in_qemu_option(socket), queues);
  return ExitCode::kOk;
}

void add_export_actions(CLI::App& verb, const SharedVolumeArguments& arguments,
                        VerbAction& chosen) {
  CLI::App* end = add_action(verb, "unexport", "End the vhost-user exports of a volume", arguments,
                             chosen, unexport_volume);
  add_volume_name(*end, arguments);
  end->add_option("--vhost-user", arguments->vhost_user, "Only the one at this socket")
      ->type_name("PATH");
  end->add_flag("--while-in-use", arguments->in_use, "Also while a machine uses it");
  CLI::App* list = add_action(verb, "exports", "List the volumes that are virtual machines' disks",
                              arguments, chosen, list_exports);
  add_json_flag(*list, arguments);
}

}  // namespace strata::roof
