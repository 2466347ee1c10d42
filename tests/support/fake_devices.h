// Block devices for tests that have no right to real ones: each is a file behind a path.
#pragma once

#include <map>
#include <string>

#include "blockdev/volume/host_device.h"

namespace strata::testing {

class FakeDevices final : public volume::HostDevices {
 public:
  struct Disk {
    std::string file;
    std::string identity;
    bool in_use = false;
  };
  explicit FakeDevices(io::FileSystem& files) : files_(files) {}

  // By the path that the volume knows.
  std::map<std::string, Disk> disks;

  Result<volume::FoundDevice> look(const std::string& path) override {
    TRY_ASSIGN(auto opened, open(path, false, false));
    return std::move(opened.found);
  }
  Result<volume::ClaimedDevice> claim(const std::string& path, bool direct) override {
    const auto disk = disks.find(path);
    if (disk != disks.end() && disk->second.in_use) {
      return Error(Code::kConflict, path + " is in use");
    }
    return open(path, true, direct);
  }

 private:
  Result<volume::ClaimedDevice> open(const std::string& path, bool write, bool direct) {
    TRY(volume::check_device_path(path));
    const auto disk = disks.find(path);
    if (disk == disks.end()) return Error(Code::kNotFound, path + " is not there");
    TRY_ASSIGN(auto file, files_.open(disk->second.file, {.write = write, .direct = direct}));
    TRY_ASSIGN(const uint64_t size, file->size());
    return volume::ClaimedDevice{.found = {disk->second.identity, size}, .file = std::move(file)};
  }

  io::FileSystem& files_;
};

}  // namespace strata::testing
