// The block half, composed: the volume catalogue, the NBD server on its sockets, the vhost-user
// servers on theirs, and the ublk devices.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "blockdev/nbd/server.h"
#include "blockdev/snapshot/service.h"
#include "blockdev/volume/catalog.h"
#include "common/base/random.h"
#include "common/io/clock.h"
#include "common/io/file_system.h"
#include "common/metrics/metrics.h"
#include "strata/certificate_watch.h"
#include "strata/memory_exports.h"
#include "strata/options.h"
#include "strata/snapshot_exports.h"
#include "strata/ublk_devices.h"
#include "strata/vhost_exports.h"

namespace strata::roof {

// Thread rule: made, started and stopped by one thread.
class BlockHalf {
 public:
  // Where snapshots are kept, by name; see snapshot/service.h.
  using MakeSnapshotPlace = snapshot::SnapshotService::MakePlace;

  // Opens the catalogue and makes the volumes of the options that are missing. An existing volume
  // of the same name and another size is kConflict. What is handed in outlives this.
  [[nodiscard]] static Result<std::unique_ptr<BlockHalf>> open(
      const ServeOptions& options, io::FileSystem& files, const io::Clock& clock,
      RandomSource& random, metrics::Registry& registry, MakeSnapshotPlace make_place);
  ~BlockHalf();
  BlockHalf(const BlockHalf&) = delete;
  BlockHalf& operator=(const BlockHalf&) = delete;

  // Binds the sockets that the options name, takes those that a service manager handed over, and
  // serves volumes on all of them.
  [[nodiscard]] Status start(const ServeOptions& options);
  void stop(Deadline deadline);

  [[nodiscard]] volume::Catalog& catalog() noexcept { return *catalog_; }
  [[nodiscard]] snapshot::SnapshotService& snapshots() noexcept { return *snapshots_; }
  [[nodiscard]] VhostExports& vhost_exports() noexcept { return *vhost_; }
  [[nodiscard]] UblkDevices& ublk_devices() noexcept { return *ublk_; }
  // Where the server really listens; absent when switched off.
  [[nodiscard]] std::optional<HostPort> tcp() const { return tcp_; }
  [[nodiscard]] std::optional<std::string> socket() const { return socket_; }
  [[nodiscard]] uint32_t connections() const noexcept;

 private:
  BlockHalf(io::FileSystem& files, metrics::Registry& registry,
            std::unique_ptr<volume::Catalog> catalog);

  io::FileSystem& files_;
  metrics::Registry& registry_;
  std::unique_ptr<volume::Catalog> catalog_;
  std::unique_ptr<snapshot::SnapshotService> snapshots_;
  std::unique_ptr<SnapshotExports> exports_;
  std::unique_ptr<MemoryExports> all_exports_;
  std::unique_ptr<CertificateWatch> certificate_;  // of the NBD listeners
  std::unique_ptr<VhostExports> vhost_;
  std::unique_ptr<UblkDevices> ublk_;
  std::unique_ptr<nbd::Server> server_;
  std::optional<HostPort> tcp_;
  std::optional<std::string> socket_;
};

}  // namespace strata::roof
