#include "strata/snapshot_exports.h"

#include <fmt/format.h>

#include "common/base/log.h"

namespace strata::roof {

std::vector<device::ExportInfo> SnapshotExports::exports() const {
  std::vector<device::ExportInfo> out = volumes_.exports();
  const auto snapshots = snapshots_.list(std::string(snapshot::kOwnPlace));
  if (!snapshots.ok()) {
    log::warning("snapshot.list_failed", {{"error", snapshots.error().message}});
    return out;
  }
  for (const snapshot::SnapshotInfo& one : *snapshots) {
    out.push_back({std::string(kSnapshotExport) + one.name,
                   fmt::format("snapshot of {}, read only", one.volume_name)});
  }
  return out;
}

Result<std::unique_ptr<device::ExportLease>> SnapshotExports::lease(std::string_view name) {
  return lease_for(name, device::kThisMachine);
}

Result<std::unique_ptr<device::ExportLease>> SnapshotExports::lease_for(std::string_view name,
                                                                        std::string_view client) {
  if (!name.starts_with(kSnapshotExport)) return volumes_.lease_for(name, client);
  return snapshots_.lease(std::string(name.substr(kSnapshotExport.size())));
}

}  // namespace strata::roof
