// SnapshotService: snapshots of the volumes of a catalogue: make, list, delete, compare, restore,
// read, collect. It is the catalogue's hooks: every volume is opened through it.
//
// What takes long is a job on a thread of its own; whoever asked looks at its progress.
//
// Thread rule: from any thread that may block; the catalogue outlives this and stops leasing
// before.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "blockdev/device/export_table.h"
#include "blockdev/snapshot/collect_worker.h"
#include "blockdev/snapshot/hydrator.h"
#include "blockdev/snapshot/jobs.h"
#include "blockdev/snapshot/open_volumes.h"
#include "blockdev/snapshot/repository.h"
#include "blockdev/snapshot/snapshot_device.h"
#include "blockdev/snapshot/tracked_device.h"
#include "blockdev/volume/catalog.h"
#include "common/base/random.h"

namespace strata::snapshot {

// The place that is meant when none is named: the object half of this program.
inline constexpr std::string_view kOwnPlace = "own";
inline constexpr size_t kPlacesMax = 16;

struct SnapshotInfo {
  std::string name;
  std::string id;
  std::string volume_name;
  std::string volume_id;
  std::string parent_id;
  uint64_t size_bytes = 0;
  int64_t created_ms = 0;
  uint64_t data_bytes = 0;  // of its chunks that are not zero
  uint64_t new_bytes = 0;   // that were stored for it
};

class SnapshotService final : public volume::VolumeHooks {
 public:
  // Makes the place of a name ("own", a URL); does not use it yet.
  using MakePlace =
      std::function<Result<std::unique_ptr<chunks::ObjectPlace>>(const std::string& place)>;
  struct Ground {
    io::FileSystem& files;
    volume::Catalog& catalog;
    const io::Clock& clock;
    std::string server_id;  // hexadecimal digits, the same at every start
    MakePlace make_place;
  };
  explicit SnapshotService(Ground ground);
  ~SnapshotService() override;
  SnapshotService(const SnapshotService&) = delete;
  SnapshotService& operator=(const SnapshotService&) = delete;

  // Finds the volumes that are restored lazily, and takes back what this server claimed before it
  // died, if its own place can be read now. Once, before anything else.
  [[nodiscard]] Status start();
  // Cancels the jobs and lets go of every volume; nothing is begun afterwards.
  void stop();

  // The id of the job. name: empty for VOLUME-TIME. kConflict while one of the volume is being
  // made.
  [[nodiscard]] Result<uint64_t> create(const std::string& volume, const std::string& name,
                                        const std::string& place, uint64_t rate);
  [[nodiscard]] Result<uint64_t> verify(const std::string& name, const std::string& place);
  [[nodiscard]] Result<uint64_t> collect(const std::string& place);
  [[nodiscard]] Jobs& jobs() noexcept { return jobs_; }

  [[nodiscard]] Result<std::vector<SnapshotInfo>> list(const std::string& place);
  [[nodiscard]] Result<SnapshotInfo> show(const std::string& name, const std::string& place);
  // kConflict while it is exported.
  [[nodiscard]] Status remove(const std::string& name, const std::string& place);
  [[nodiscard]] Result<std::vector<chunks::ChangedRange>> diff(const std::string& from,
                                                               const std::string& to,
                                                               const std::string& place);
  // A new volume that begins as the snapshot; it can be used at once.
  [[nodiscard]] Result<volume::VolumeInfo> restore(const std::string& name,
                                                   const std::string& place,
                                                   const std::string& volume);
  [[nodiscard]] std::vector<HydrationInfo> hydrating() const { return hydrator_.list(); }
  // What works in the background; lives as long as this.
  [[nodiscard]] std::vector<worker::Job> workers();

  // A snapshot of the own place as a disk. While the lease lives it is not deleted.
  [[nodiscard]] Result<std::unique_ptr<device::ExportLease>> lease(const std::string& name);

  [[nodiscard]] Result<Repository*> repository(const std::string& place);

  [[nodiscard]] Result<std::unique_ptr<device::BlockDevice>> wrap(
      const volume::OpenVolume& volume, std::unique_ptr<device::BlockDevice> image) override;
  void let_go(const std::string& volume_id) override;

 private:
  class Lease;

  [[nodiscard]] Result<std::string> make_snapshot(const Snapshotter::Request& request,
                                                  Repository& repository, JobProgress& progress);
  [[nodiscard]] Result<std::string> verify_now(const std::string& name, Repository& repository,
                                               JobProgress& progress);
  [[nodiscard]] Result<volume::VolumeInfo> restore_claimed(const std::string& name,
                                                           Repository& repository,
                                                           const std::string& volume);
  void hydrated(const HydrationInfo& volume);
  [[nodiscard]] Result<Tracking> tracking_on_disk(const volume::VolumeInfo& volume) const;
  [[nodiscard]] std::string random_id();

  const Ground ground_;
  OpenVolumes open_;
  std::mutex mutex_;
  SystemRandom random_;                                              // under mutex_
  std::map<std::string, std::unique_ptr<Repository>> repositories_;  // under mutex_
  std::set<std::string> busy_;                 // volumes that are being snapshotted; under mutex_
  std::map<std::string, uint32_t> exported_;   // leases by snapshot; under mutex_
  std::map<std::string, SnapshotInfo> known_;  // by place and name; under mutex_
  Hydrator hydrator_;
  CollectWorker collector_;
  Jobs jobs_;
};

}  // namespace strata::snapshot
