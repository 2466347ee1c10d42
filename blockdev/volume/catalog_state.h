// The catalogue's tables and what its sources share. Private to the room.
#pragma once

#include <map>
#include <mutex>
#include <set>

#include "blockdev/device/file_device.h"
#include "blockdev/layers/layer_stack.h"
#include "blockdev/layers/read_only_device.h"
#include "blockdev/volume/catalog.h"
#include "blockdev/volume/volume_folder.h"

namespace strata::volume {

// An open volume, from the disk up: the image, what the hooks put over it, the limits and layers.
struct OpenDevice {
  device::FileDevice* image = nullptr;  // inside `disk`
  std::unique_ptr<device::BlockDevice> disk;
  std::unique_ptr<layers::LayerStack> stack;
  std::unique_ptr<layers::ReadOnlyDevice> read_only;
};

// One volume. The catalogue and every lease hold it.
struct Entry {
  explicit Entry(Metadata from_disk) : metadata(std::move(from_disk)) {}
  // Under the catalogue's mutex.
  Metadata metadata;
  uint32_t clients = 0;
  uint32_t holds = 0;
  uint32_t writers = 0;  // leases that may write, all of `writer`
  std::string writer;    // kept after the last lease, and counts only while there is one
  std::multiset<std::string> attachments;  // a short token a lease
  bool changing = false;                   // no new leases: it is being removed or renamed
  // Opened by the first client and closed after the last one. Taken before the catalogue's mutex.
  std::mutex device_mutex;
  uint32_t device_users = 0;
  std::unique_ptr<OpenDevice> device;
};

// Two mutexes, so that a client's lease never waits for the disk that a create or remove is busy
// with: `change` is held during a change with all its file work, `mutex` only to read or write the
// tables. The order is `change`, a volume's device_mutex, `mutex`.
struct Catalog::Impl {
  Impl(io::FileSystem& file_system, std::string root, const io::Clock& the_clock,
       RandomSource& the_random, CatalogOptions the_options)
      : files(file_system),
        folder(file_system, std::move(root)),
        clock(the_clock),
        random(the_random),
        options(the_options),
        time(options.timekeeper != nullptr ? *options.timekeeper : system_time),
        system_devices(file_system),
        devices(options.devices != nullptr ? *options.devices : system_devices) {}

  class Lease;
  enum class Use { kWrite, kRead, kHold };
  // What a lease is for, decided under `mutex`.
  struct Wish {
    std::string_view client;
    bool hold = false;
  };

  [[nodiscard]] std::shared_ptr<Entry> find(std::string_view name) const;
  // The volume, or kNotFound. Under `mutex`.
  [[nodiscard]] Result<std::shared_ptr<Entry>> get(std::string_view name) const;
  [[nodiscard]] VolumeInfo describe(Entry& entry) const;
  [[nodiscard]] Result<std::unique_ptr<device::ExportLease>> take(std::string_view name,
                                                                  const Wish& wish);
  [[nodiscard]] Result<Use> decide(const Entry& entry, const Wish& wish, bool read_only,
                                   std::string_view token) const;
  [[nodiscard]] Result<std::unique_ptr<OpenDevice>> open_device(const Metadata& metadata);
  [[nodiscard]] Result<std::unique_ptr<device::FileDevice>> open_image(const Metadata& metadata);
  void release(Entry& entry, Use use, const std::string& attachment);
  // A volume of this metadata, but for the id where the options give none, is there. Under
  // `change`.
  [[nodiscard]] Result<VolumeInfo> add(Metadata metadata, const CreateOptions& options);
  [[nodiscard]] Result<VolumeInfo> add_on_device(Metadata metadata, const CreateOptions& options);
  // kConflict if a volume has the device or a part of it.
  [[nodiscard]] Status check_device_free(const std::string& identity) const;
  // Whether the volume's device has room for the size.
  [[nodiscard]] Status check_device_room(const Metadata& metadata, uint64_t size_bytes);
  // Writes the metadata and, once it is durable, makes it the volume's. Under `change`.
  [[nodiscard]] Status store(Entry& entry, Metadata metadata);
  // Keeps new leases away; kConflict if the volume is used. Under `change`.
  [[nodiscard]] Status begin_exclusive(Entry& entry, std::string_view name);
  void end_exclusive(Entry& entry);
  // Gives an open volume the limits that its metadata has now.
  void apply_limits(Entry& entry);

  io::FileSystem& files;
  const VolumeFolder folder;
  const io::Clock& clock;
  RandomSource& random;  // under change
  const CatalogOptions options;
  layers::SystemTimekeeper system_time;
  layers::Timekeeper& time;
  SystemDevices system_devices;
  HostDevices& devices;
  VolumeHooks* hooks = nullptr;
  std::mutex change;
  mutable std::mutex mutex;
  std::map<std::string, std::shared_ptr<Entry>, std::less<>> volumes;  // under mutex
};

}  // namespace strata::volume
