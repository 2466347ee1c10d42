// What the sources of `strata volume` share.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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
  std::string method = "auto";
  std::string mkfs;
  std::string mount;
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

// import and export
void add_image_actions(CLI::App& verb, const SharedVolumeArguments& arguments, VerbAction& chosen);
// attach and detach
void add_attach_actions(CLI::App& verb, const SharedVolumeArguments& arguments, VerbAction& chosen);

}  // namespace strata::roof
