// What a wire may serve: devices by name. The volume catalogue implements it; wires only see this.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "blockdev/device/block_device.h"
#include "common/base/result.h"

namespace strata::device {

struct ExportInfo {
  std::string name;
  std::string description;
};

// What a client on the server's own host is called, over whatever socket it came.
inline constexpr std::string_view kThisMachine = "this machine";

// A client's hold on a device. While one lives the device is neither deleted nor shrunk.
class ExportLease {
 public:
  virtual ~ExportLease() = default;
  [[nodiscard]] virtual BlockDevice& device() noexcept = 0;
  // What the wires count its uses under, however it was asked for; empty: under the name that was
  // asked for.
  [[nodiscard]] virtual std::string_view name() const noexcept { return {}; }
};

// Thread rule: from any thread.
class ExportTable {
 public:
  virtual ~ExportTable() = default;
  [[nodiscard]] virtual std::vector<ExportInfo> exports() const = 0;
  // kNotFound if there is no such export. The empty name is the only export, if there is just one.
  [[nodiscard]] virtual Result<std::unique_ptr<ExportLease>> lease(std::string_view name) = 0;
  // The same for a client that is known: kThisMachine, or the address of another host. A table may
  // give a second client less than the first, such as a read-only device.
  [[nodiscard]] virtual Result<std::unique_ptr<ExportLease>> lease_for(
      std::string_view name, std::string_view /*client*/) {
    return lease(name);
  }
};

}  // namespace strata::device
