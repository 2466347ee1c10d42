// Volumes in memory, beside others: for measuring what a wire costs when the disk costs nothing.
// Nothing of them is kept.
//
// Thread rule: made by one thread; then as every ExportTable.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "blockdev/device/export_table.h"
#include "blockdev/device/memory_device.h"
#include "strata/options.h"

namespace strata::roof {

class MemoryExports final : public device::ExportTable {
 public:
  // `others` outlives this; what it has comes first. kInvalidArgument for a name or size that no
  // volume can have, kAlreadyExists for a name that is taken, kNoSpace if there is no such memory.
  [[nodiscard]] static Result<std::unique_ptr<MemoryExports>> create(
      device::ExportTable& others, const std::vector<VolumeWish>& wishes);

  [[nodiscard]] std::vector<device::ExportInfo> exports() const override;
  [[nodiscard]] Result<std::unique_ptr<device::ExportLease>> lease(std::string_view name) override;
  [[nodiscard]] Result<std::unique_ptr<device::ExportLease>> lease_for(
      std::string_view name, std::string_view client) override;

 private:
  explicit MemoryExports(device::ExportTable& others) : others_(others) {}
  device::ExportTable& others_;
  std::map<std::string, std::unique_ptr<device::MemoryDevice>, std::less<>> devices_;
};

}  // namespace strata::roof
