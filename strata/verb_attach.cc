// strata volume attach and detach.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "blockdev/ublk/protocol.h"
#include "common/io/posix_file_system.h"
#include "strata/attach.h"
#include "strata/control_client.h"
#include "strata/json.h"
#include "strata/server_verb.h"
#include "strata/verb_volume.h"

namespace strata::roof {
namespace {

ExitCode attach(const VolumeArguments& arguments) {
  io::PosixFileSystem files;
  const auto attached = attach_volume(
      files, {.data = find_data_folder(arguments.data),
              .volume = arguments.name,
              .method = arguments.method,
              .read_only = arguments.read_only,
              .mkfs = arguments.mkfs,
              .mount = arguments.mount,
              .ublk = {.queues = arguments.attach_queues, .copy = arguments.attach_copy}});
  if (!attached.ok()) return report(attached.error());
  const Attachment& now = attached->attachment;
  if (arguments.json) {
    std::cout << dump_json({{"volume", now.volume},
                            {"device", now.device},
                            {"method", now.method},
                            {"why", attached->why},
                            {"read_only", now.read_only},
                            {"mount", now.mount},
                            {"already", attached->already}},
                           2)
              << '\n';
    return ExitCode::kOk;
  }
  std::cout << fmt::format("{}\n", now.device);
  std::cerr << fmt::format("volume {} is {}{} by {} ({}){}\n", now.volume, now.device,
                           now.read_only ? ", read-only," : "", now.method, attached->why,
                           now.mount.empty() ? "" : ", mounted on " + now.mount);
  return ExitCode::kOk;
}

ExitCode detach(const VolumeArguments& arguments) {
  io::PosixFileSystem files;
  const auto detached = detach_volume(files, find_data_folder(arguments.data), arguments.name);
  if (!detached.ok()) return report(detached.error());
  std::cout << fmt::format("volume {} {}\n", arguments.name,
                           *detached ? "is detached" : "was not attached");
  return ExitCode::kOk;
}

}  // namespace

void add_attach_actions(CLI::App& verb, const SharedVolumeArguments& arguments,
                        VerbAction& chosen) {
  CLI::App* on = add_action(verb, "attach",
                            "Make a volume a block device of this host (as root, but for ublk)",
                            arguments, chosen, attach);
  add_volume_name(*on, arguments);
  on->add_option("--as", arguments->method, "auto, ublk, nbd, or fuse (with a loop device)")
      ->check(CLI::IsMember({"auto", "ublk", "nbd", "fuse"}));
  on->add_option("--queues", arguments->attach_queues, "Queues of a ublk device")
      ->check(CLI::Range(1U, uint32_t{ublk::kQueuesMax}));
  on->add_flag("--no-zero-copy", arguments->attach_copy, "Of ublk: copy data in any case");
  on->add_flag("--read-only", arguments->read_only, "Attach for reading; many may");
  on->add_option("--mkfs", arguments->mkfs, "Make a filesystem, if the volume is blank: ext4, xfs")
      ->check(CLI::IsMember({"ext4", "xfs"}));
  on->add_option("--mount", arguments->mount, "Mount it on this empty folder")->type_name("DIR");
  add_json_flag(*on, arguments);
  CLI::App* off = add_action(verb, "detach", "Undo an attach, its mount too (as root)", arguments,
                             chosen, detach);
  add_volume_name(*off, arguments);
}

}  // namespace strata::roof
