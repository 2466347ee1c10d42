// Catalog: the named volumes of one data folder.
//
// A volume is a folder: the image in place (sparse), and a small versioned metadata file. Or its
// bytes are a block device of the host, which it fills, and which nothing but its clients changes:
// no creation, resize or removal ever writes to it. What a change leaves half-done after a crash is
// finished or undone at the next open.
//
// One writer. Whoever leases a volume first, to write, is its writer: a host (all its connections
// are one client), or an attachment. While it is, another host gets the volume read-only, another
// attachment is refused, and anybody may read. export_name.h says what a name may ask for.
//
// Thread rule: every method from any thread; methods that change the catalogue block on files.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "blockdev/device/export_table.h"
#include "blockdev/layers/meter_layer.h"
#include "blockdev/layers/timekeeper.h"
#include "blockdev/volume/fsck.h"
#include "blockdev/volume/host_device.h"
#include "blockdev/volume/provision.h"
#include "blockdev/volume/volume_hooks.h"
#include "common/base/random.h"
#include "common/base/result.h"
#include "common/io/clock.h"
#include "common/io/file_system.h"
#include "common/metrics/metrics.h"

namespace strata::volume {

inline constexpr size_t kNameBytesMax = 64;
inline constexpr size_t kVolumesMax = 1024;
inline constexpr uint64_t kVolumeBytesMin = 4096;
inline constexpr uint64_t kVolumeBytesMax = 64 * kTiB;  // and a multiple of 4096

struct VolumeInfo {
  std::string name;
  std::string id;  // 128 random bits, hex
  uint64_t size_bytes = 0;
  uint64_t allocated_bytes = 0;
  int64_t created_ms = 0;                // wall time
  uint32_t clients = 0;                  // leases now
  std::string writer;                    // who may write now; empty: nobody
  std::vector<std::string> attachments;  // those that hold leases now, as short_token has them
  std::string folder;
  std::string image_path;  // the device's, of a volume on one
  std::optional<DeviceReference> device;
  Provision provision;
  layers::StackSettings limits;  // what the provision means for this size
  // While the volume is open: what its meter saw, burst credits left, and requests that fault
  // layers hit.
  bool open = false;
  std::vector<layers::Meter::Snapshot> meter;  // by kind; empty without a layer `meter`
  uint64_t iops_credit = 0;
  uint64_t bytes_credit = 0;
  uint64_t faults = 0;
};

// A block device that a new volume is to be on.
struct DeviceWish {
  std::string path;
  bool adopt = false;  // what is on it becomes the volume's; else it must be blank
};

// What a new volume may have besides its name and size.
struct CreateOptions {
  std::string id = {};               // 32 hexadecimal digits that nobody else has; empty: random
  std::vector<SeedFile> seeds = {};  // names that are none of the catalogue's own
  Provision provision = {};
  std::optional<DeviceWish> device = {};  // the size is then 0, and comes from the device
};

// What a catalogue uses that has a usual choice.
struct CatalogOptions {
  metrics::Registry* registry = nullptr;     // for layers `meter`; outlives the catalogue
  layers::Timekeeper* timekeeper = nullptr;  // null: real time
  HostDevices* devices = nullptr;            // null: those of this host
  bool direct = true;                        // images bypass the page cache
};

class Catalog final : public device::ExportTable {
 public:
  // root: a folder, made if missing. kCorrupt names the damaged metadata file and what to do.
  [[nodiscard]] static Result<std::unique_ptr<Catalog>> open(io::FileSystem& files,
                                                             std::string root,
                                                             const io::Clock& clock,
                                                             RandomSource& random,
                                                             CatalogOptions options = {});
  ~Catalog() override;

  // Before the first lease; the hooks outlive every lease and hold. Without hooks clients get the
  // image as it is.
  void set_hooks(VolumeHooks* hooks);

  // On a device also: kConflict if it is in use, belongs to another volume, or is not blank;
  // kUnsupported if it could not be known again.
  // Names: a letter or digit, then letters, digits, '.', '_' or '-', at most kNameBytesMax.
  [[nodiscard]] Result<VolumeInfo> create(std::string_view name, uint64_t size_bytes,
                                          const CreateOptions& options = {});
  [[nodiscard]] Result<VolumeInfo> show(std::string_view name) const;
  [[nodiscard]] std::vector<VolumeInfo> list() const;
  // kConflict while a client is connected or work that cannot be given up holds the volume.
  [[nodiscard]] Status remove(std::string_view name);
  // Makes the volume larger, also while clients use it: those that ask for its size again see the
  // new one, and the new part reads as zeroes, or as what the device holds there. kInvalidArgument
  // for a smaller size, or for more than the device has.
  [[nodiscard]] Result<VolumeInfo> resize(std::string_view name, uint64_t size_bytes);
  // kConflict while anybody uses the volume, kAlreadyExists if the new name is taken.
  [[nodiscard]] Result<VolumeInfo> rename(std::string_view name, std::string_view new_name);
  // Holds at once, also for clients that are connected, and after a restart.
  [[nodiscard]] Result<VolumeInfo> set(std::string_view name, const ProvisionChange& change);

  // With `repair` like a removal: kConflict while anybody uses the volume.
  [[nodiscard]] Result<FsckReport> fsck(std::string_view name, FsckOptions options);

  [[nodiscard]] std::vector<device::ExportInfo> exports() const override;
  [[nodiscard]] Result<std::unique_ptr<device::ExportLease>> lease(std::string_view name) override;
  // kConflict, saying who holds it, for an attachment that wants to write and cannot.
  [[nodiscard]] Result<std::unique_ptr<device::ExportLease>> lease_for(
      std::string_view name, std::string_view client) override;
  // A lease of the program's own, for work on the volume: it keeps the volume, is given while
  // clients have leases too, does not count as a client, and has none of the volume's limits.
  [[nodiscard]] Result<std::unique_ptr<device::ExportLease>> hold(std::string_view name);

  // No request waits for a limit or a delay any more: the server is about to stop.
  void release_layers();

 private:
  struct Impl;
  explicit Catalog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

[[nodiscard]] Status check_volume_name(std::string_view name);

}  // namespace strata::volume
