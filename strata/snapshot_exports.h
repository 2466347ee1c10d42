// What the NBD server serves: the volumes, and every snapshot of the own place as the read-only
// export "snap:NAME". No volume can be called so.
//
// Thread rule: as every ExportTable.
#pragma once

#include "blockdev/device/export_table.h"
#include "blockdev/snapshot/service.h"

namespace strata::roof {

inline constexpr std::string_view kSnapshotExport = "snap:";

class SnapshotExports final : public device::ExportTable {
 public:
  // Both outlive this.
  SnapshotExports(device::ExportTable& volumes, snapshot::SnapshotService& snapshots)
      : volumes_(volumes), snapshots_(snapshots) {}
  [[nodiscard]] std::vector<device::ExportInfo> exports() const override;
  [[nodiscard]] Result<std::unique_ptr<device::ExportLease>> lease(std::string_view name) override;
  // Snapshots are read-only for everybody; who a client is matters to volumes.
  [[nodiscard]] Result<std::unique_ptr<device::ExportLease>> lease_for(
      std::string_view name, std::string_view client) override;

 private:
  device::ExportTable& volumes_;
  snapshot::SnapshotService& snapshots_;
};

}  // namespace strata::roof
