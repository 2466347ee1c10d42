// Catalog: what changes volumes. Each change is durable before it is answered.
#include <fmt/format.h>

#include "blockdev/volume/catalog_state.h"
#include "common/base/log.h"

namespace strata::volume {
namespace {

std::string hexadecimal(Bytes bytes) {
  std::string text;
  for (const std::byte byte : bytes) text += fmt::format("{:02x}", std::to_integer<int>(byte));
  return text;
}

Error name_taken(std::string_view name) {
  return Error(Code::kAlreadyExists, fmt::format("the volume '{}' exists already", name));
}

}  // namespace

Result<VolumeInfo> Catalog::create(std::string_view name, uint64_t size_bytes,
                                   const CreateOptions& options) {
  TRY(check_volume_name(name));
  TRY(check_provision(options.provision));
  CHECK(options.id.empty() || is_volume_id(options.id), "not the id of a volume");
  Metadata metadata{.name = std::string(name),
                    .id = options.id,
                    .size_bytes = size_bytes,
                    .created_ms = impl_->clock.wall_now().time_since_epoch().count(),
                    .provision = options.provision};
  const std::lock_guard change(impl_->change);
  if (options.device) return impl_->add_on_device(std::move(metadata), options);
  return impl_->add(std::move(metadata), options);
}

Result<VolumeInfo> Catalog::Impl::add(Metadata metadata, const CreateOptions& wanted) {
  TRY(check_volume_size(metadata.size_bytes));
  {
    const std::lock_guard lock(mutex);
    if (find(metadata.name) != nullptr) return name_taken(metadata.name);
    if (volumes.size() >= kVolumesMax) {
      return Error(Code::kTooLarge, fmt::format("there are {} volumes, as many as there can be; "
                                                "delete one first",
                                                kVolumesMax));
    }
  }
  std::array<std::byte, kIdBytes / 2> id;
  random.fill(id);
  if (metadata.id.empty()) metadata.id = hexadecimal(id);
  TRY(folder.create(metadata, wanted.seeds));
  const auto made = std::make_shared<Entry>(metadata);
  {
    const std::lock_guard lock(mutex);
    volumes.emplace(metadata.name, made);
  }
  log::info("volume.created", {{"volume", metadata.name},
                               {"size", metadata.size_bytes},
                               {"device", metadata.device ? metadata.device->path : "none"}});
  return describe(*made);
}

// The claim is held until the volume is there, so nobody mounts the device meanwhile.
Result<VolumeInfo> Catalog::Impl::add_on_device(Metadata metadata, const CreateOptions& wanted) {
  if (metadata.size_bytes != 0) {
    return Error(Code::kInvalidArgument, "volume_size",
                 "a volume on a device is as large as the device; give no size");
  }
  const DeviceWish& wish = *wanted.device;
  TRY_ASSIGN(const ClaimedDevice claimed, devices.claim(wish.path, true));
  TRY(check_device_free(claimed.found.identity));
  metadata.device = DeviceReference{wish.path, claimed.found.identity};
  metadata.size_bytes = round_down(claimed.found.size_bytes, kVolumeBytesMin);
  TRY(check_volume_size(metadata.size_bytes));
  if (!wish.adopt) TRY(check_device_blank(*claimed.file, metadata.size_bytes, wish.path));
  return add(std::move(metadata), wanted);
}

Status Catalog::Impl::check_device_free(const std::string& identity) const {
  const std::lock_guard lock(mutex);
  for (const auto& [name, entry] : volumes) {
    const auto& device = entry->metadata.device;
    if (!device || !devices_overlap(device->identity, identity)) continue;
    return Error(Code::kConflict, "volume_device",
                 fmt::format("the device, or a part of it, is the volume '{}'; delete that first, "
                             "which leaves the device as it is",
                             name));
  }
  return {};
}

Status Catalog::Impl::check_device_room(const Metadata& metadata, uint64_t size_bytes) {
  TRY_ASSIGN(const FoundDevice found, devices.look(metadata.device->path));
  TRY(check_same_device(*metadata.device, metadata.size_bytes, found));
  if (size_bytes <= found.size_bytes) return {};
  return Error(Code::kInvalidArgument, "volume_size",
               fmt::format("the device {} has {} bytes; make it larger first",
                           metadata.device->path, found.size_bytes));
}

Status Catalog::Impl::begin_exclusive(Entry& entry, std::string_view name) {
  {
    const std::lock_guard lock(mutex);
    if (entry.clients > 0) {
      return Error(Code::kConflict, "volume_in_use",
                   fmt::format("the volume '{}' has {} connected clients{}{}; disconnect or detach "
                               "them first",
                               name, entry.clients, entry.writers > 0 ? ", its writer is " : "",
                               entry.writers > 0 ? entry.writer : ""));
    }
    entry.changing = true;
  }
  if (hooks != nullptr) hooks->let_go(entry.metadata.id);
  const std::lock_guard lock(mutex);
  if (entry.holds == 0) return {};
  entry.changing = false;
  return Error(Code::kConflict, "volume_in_use",
               fmt::format("the volume '{}' is in use by the server itself, as for a snapshot of "
                           "it; wait until that is done",
                           name));
}

void Catalog::Impl::end_exclusive(Entry& entry) {
  const std::lock_guard lock(mutex);
  entry.changing = false;
}

Status Catalog::remove(std::string_view name) {
  const std::lock_guard change(impl_->change);
  std::shared_ptr<Entry> entry;
  {
    const std::lock_guard lock(impl_->mutex);
    TRY_ASSIGN(entry, impl_->get(name));
  }
  TRY(impl_->begin_exclusive(*entry, name));
  Status removed = impl_->folder.remove(entry->metadata);
  if (!removed.ok()) {
    impl_->end_exclusive(*entry);
    return removed;
  }
  const std::lock_guard lock(impl_->mutex);
  impl_->volumes.erase(entry->metadata.name);
  log::info("volume.removed", {{"volume", name}});
  return {};
}

Status Catalog::Impl::store(Entry& entry, Metadata metadata) {
  TRY(folder.store(metadata));
  const std::lock_guard lock(mutex);
  entry.metadata = std::move(metadata);
  return {};
}

Result<VolumeInfo> Catalog::set(std::string_view name, const ProvisionChange& wanted) {
  const std::lock_guard change(impl_->change);
  std::shared_ptr<Entry> entry;
  {
    const std::lock_guard lock(impl_->mutex);
    TRY_ASSIGN(entry, impl_->get(name));
  }
  Metadata metadata = entry->metadata;
  TRY_ASSIGN(metadata.provision, apply_change(metadata.provision, wanted));
  if (metadata.provision != entry->metadata.provision) {
    TRY(impl_->store(*entry, std::move(metadata)));
    impl_->apply_limits(*entry);
    log::info("volume.limits_changed", {{"volume", name}});
  }
  return impl_->describe(*entry);
}

Result<VolumeInfo> Catalog::resize(std::string_view name, uint64_t size_bytes) {
  TRY(check_volume_size(size_bytes));
  const std::lock_guard change(impl_->change);
  std::shared_ptr<Entry> entry;
  {
    const std::lock_guard lock(impl_->mutex);
    TRY_ASSIGN(entry, impl_->get(name));
  }
  const uint64_t now = entry->metadata.size_bytes;
  if (size_bytes < now) {
    return Error(
        Code::kInvalidArgument, "volume_size",
        fmt::format("the volume '{}' has {} bytes; a volume can only grow, for what is cut "
                    "off would be lost. Copy it to a smaller one",
                    name, now));
  }
  if (size_bytes == now) return impl_->describe(*entry);
  if (entry->metadata.device) TRY(impl_->check_device_room(entry->metadata, size_bytes));
  TRY_ASSIGN(Metadata grown, impl_->folder.grow(entry->metadata, size_bytes));
  {
    const std::lock_guard opened(entry->device_mutex);
    {
      const std::lock_guard lock(impl_->mutex);
      entry->metadata = std::move(grown);
    }
    if (entry->device != nullptr) TRY(entry->device->image->refresh_size(size_bytes));
  }
  impl_->apply_limits(*entry);
  log::info("volume.resized", {{"volume", name}, {"from", now}, {"to", size_bytes}});
  return impl_->describe(*entry);
}

Result<VolumeInfo> Catalog::rename(std::string_view name, std::string_view new_name) {
  TRY(check_volume_name(new_name));
  const std::lock_guard change(impl_->change);
  std::shared_ptr<Entry> entry;
  {
    const std::lock_guard lock(impl_->mutex);
    TRY_ASSIGN(entry, impl_->get(name));
    if (name != new_name && impl_->find(new_name) != nullptr) return name_taken(new_name);
  }
  if (name == new_name) return impl_->describe(*entry);
  TRY(impl_->begin_exclusive(*entry, name));
  auto renamed = impl_->folder.rename(entry->metadata, std::string(new_name));
  if (renamed.ok()) {
    const std::lock_guard lock(impl_->mutex);
    impl_->volumes.erase(entry->metadata.name);
    entry->metadata = *renamed;
    impl_->volumes.emplace(entry->metadata.name, entry);
  }
  impl_->end_exclusive(*entry);
  if (!renamed.ok()) return renamed.error();
  log::info("volume.renamed", {{"volume", name}, {"to", new_name}});
  return impl_->describe(*entry);
}

Result<FsckReport> Catalog::fsck(std::string_view name, FsckOptions options) {
  const std::lock_guard change(impl_->change);
  std::shared_ptr<Entry> entry;
  {
    const std::lock_guard lock(impl_->mutex);
    TRY_ASSIGN(entry, impl_->get(name));
  }
  if (options.repair) TRY(impl_->begin_exclusive(*entry, name));
  auto report =
      fsck_volume(impl_->files, impl_->devices, impl_->folder.root(), std::string(name), options);
  if (options.repair) impl_->end_exclusive(*entry);
  return report;
}

}  // namespace strata::volume
