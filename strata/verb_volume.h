// What the sources of `strata volume` share.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "blockdev/vhost_user/server.h"
#include "common/base/result.h"
#include "strata/verbs.h"

namespace strata::roof {

struct VolumeArguments {
  std::string data;
  std::string name;
  std::string other;  // a second name, a file or a folder
  std::string size;
  std::string profile;
  std::optional<uint64_t> iops;
  std::string throughput;
  std::string latency;
  std::vector<std::string> layers;
  std::string format;
  std::string from_snapshot;
  std::string place;  // of the snapshot; empty: the server's own
  std::string from_image;
  std::string device;  // of the host, that the volume is to be on
  bool adopt = false;  // with what is on the device
  std::string method = "auto";
  std::string mkfs;
  std::string mount;
  std::string vhost_user;  // a socket's path
  uint32_t queues = vhost_user::kServerQueuesMax;
  uint32_t attach_queues = 0;
  bool attach_copy = false;
  bool json = false;
  bool repair = false;
  bool read = false;
  bool read_only = false;
  bool in_use = false;
};
using SharedVolumeArguments = std::shared_ptr<VolumeArguments>;

// The volume on the control socket.
[[nodiscard]] std::string volume_target(const std::string& name);
void add_volume_name(CLI::App& action, const SharedVolumeArguments& arguments);

// The limits that a volume is to have: their options, and what was given as the control socket
// takes it. kInvalidArgument for a size that is none.
void add_volume_limits(CLI::App& action, const SharedVolumeArguments& arguments);
[[nodiscard]] Result<nlohmann::json> volume_limits(const VolumeArguments& arguments);

// Says what is wrong with the arguments.
[[nodiscard]] ExitCode report_usage(const Error& error);

// Makes the volume of the image at `source`, a file or URL, as `import` does. A volume of the name
// is never half an image.
[[nodiscard]] Status import_image(const VolumeArguments& arguments, const std::string& source);

// create
void add_create_action(CLI::App& verb, const SharedVolumeArguments& arguments, VerbAction& chosen);
// import and export
void add_image_actions(CLI::App& verb, const SharedVolumeArguments& arguments, VerbAction& chosen);
// vhost-user: a volume as a virtual machine's disk
void add_export_actions(CLI::App& verb, const SharedVolumeArguments& arguments, VerbAction& chosen);
[[nodiscard]] ExitCode export_vhost_user(const VolumeArguments& arguments);
// attach and detach
void add_attach_actions(CLI::App& verb, const SharedVolumeArguments& arguments, VerbAction& chosen);

}  // namespace strata::roof
