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
  TRY(check_volume_size(size_bytes));
  TRY(check_provision(options.provision));
  CHECK(options.id.empty() || is_volume_id(options.id), "not the id of a volume");
  const std::lock_guard change(impl_->change);
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->find(name) != nullptr) return name_taken(name);
    if (impl_->volumes.size() >= kVolumesMax) {
      return Error(Code::kTooLarge, fmt::format("there are {} volumes, as many as there can be; "
                                                "delete one first",
                                                kVolumesMax));
    }
  }
  std::array<std::byte, kIdBytes / 2> id;
  impl_->random.fill(id);
  const Metadata metadata{.name = std::string(name),
                          .id = options.id.empty() ? hexadecimal(id) : options.id,
                          .size_bytes = size_bytes,
                          .created_ms = impl_->clock.wall_now().time_since_epoch().count(),
                          .provision = options.provision};
  TRY(impl_->folder.create(metadata, options.seeds));
  const auto made = std::make_shared<Entry>(metadata);
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->volumes.emplace(metadata.name, made);
  }
  log::info("volume.created", {{"volume", name}, {"size", size_bytes}});
  return impl_->describe(*made);
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
  TRY_ASSIGN(Metadata grown, impl_->folder.grow(entry->metadata, size_bytes));
  {
    const std::lock_guard opened(entry->device_mutex);
    {
      const std::lock_guard lock(impl_->mutex);
      entry->metadata = std::move(grown);
    }
    if (entry->device != nullptr) TRY(entry->device->image->refresh_size());
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
  auto report = fsck_volume(impl_->files, impl_->folder.root(), std::string(name), options);
  if (options.repair) impl_->end_exclusive(*entry);
  return report;
}

}  // namespace strata::volume
