#include "blockdev/volume/catalog.h"

#include <fmt/format.h>

#include "blockdev/volume/catalog_state.h"
#include "common/base/log.h"

namespace strata::volume {
namespace {

// The others are served all the same.
void warn_of_device(HostDevices& devices, const Metadata& metadata) {
  const auto found = devices.look(metadata.device->path);
  const Status good = found.ok() ? check_same_device(*metadata.device, metadata.size_bytes, *found)
                                 : Status(found.error());
  if (good.ok()) return;
  log::warning("volume.device_unusable",
               {{"volume", metadata.name}, {"error", good.error().message}});
}

}  // namespace

std::shared_ptr<Entry> Catalog::Impl::find(std::string_view name) const {
  const auto found = volumes.find(name);
  return found == volumes.end() ? nullptr : found->second;
}

Result<std::shared_ptr<Entry>> Catalog::Impl::get(std::string_view name) const {
  auto entry = find(name);
  if (entry != nullptr) return entry;
  // The name is echoed only if it is one; anything may come from a client.
  if (!check_volume_name(name).ok()) return Error(Code::kNotFound, "there is no such volume");
  return Error(Code::kNotFound, fmt::format("there is no volume '{}'", name));
}

VolumeInfo Catalog::Impl::describe(Entry& entry) const {
  VolumeInfo info;
  {
    const std::lock_guard lock(mutex);
    const Metadata& metadata = entry.metadata;
    info.name = metadata.name;
    info.id = metadata.id;
    info.size_bytes = metadata.size_bytes;
    info.created_ms = metadata.created_ms;
    info.clients = entry.clients;
    info.writer = entry.writers > 0 ? entry.writer : "";
    for (const std::string& one : entry.attachments) {
      if (info.attachments.empty() || info.attachments.back() != one) {
        info.attachments.push_back(one);
      }
    }
    info.provision = metadata.provision;
    info.device = metadata.device;
  }
  info.folder = folder.path(info.name);
  info.image_path = info.device ? info.device->path : folder.image_path(info.name);
  info.limits = stack_settings(info.provision, info.size_bytes);
  if (info.device) {
    info.allocated_bytes = info.size_bytes;
  } else if (const auto image = files.info(info.image_path); image.ok()) {
    // A volume that was removed meanwhile uses nothing.
    info.allocated_bytes = image->allocated_bytes;
  }
  const std::lock_guard opened(entry.device_mutex);
  if (entry.device == nullptr) return info;
  const layers::LayerStack& stack = *entry.device->stack;
  info.open = true;
  info.meter = stack.meter();
  info.iops_credit = stack.iops_credit();
  info.bytes_credit = stack.bytes_credit();
  info.faults = stack.faults();
  return info;
}

Catalog::Catalog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Catalog::~Catalog() {
  for (const auto& [name, entry] : impl_->volumes) {
    CHECK(entry->clients == 0 && entry->holds == 0,
          "the catalogue was destroyed while a client holds a volume");
  }
}

Result<std::unique_ptr<Catalog>> Catalog::open(io::FileSystem& files, std::string root,
                                               const io::Clock& clock, RandomSource& random,
                                               CatalogOptions options) {
  auto impl = std::make_unique<Impl>(files, std::move(root), clock, random, options);
  TRY_ASSIGN(auto found, impl->folder.open_all());
  for (Metadata& metadata : found) {
    if (metadata.device) warn_of_device(impl->devices, metadata);
    std::string name = metadata.name;
    impl->volumes.emplace(std::move(name), std::make_shared<Entry>(std::move(metadata)));
  }
  return std::unique_ptr<Catalog>(new Catalog(std::move(impl)));
}

void Catalog::set_hooks(VolumeHooks* hooks) {
  impl_->hooks = hooks;
}

Result<VolumeInfo> Catalog::show(std::string_view name) const {
  std::shared_ptr<Entry> entry;
  {
    const std::lock_guard lock(impl_->mutex);
    TRY_ASSIGN(entry, impl_->get(name));
  }
  return impl_->describe(*entry);
}

std::vector<VolumeInfo> Catalog::list() const {
  std::vector<std::shared_ptr<Entry>> entries;
  {
    const std::lock_guard lock(impl_->mutex);
    for (const auto& [name, entry] : impl_->volumes) entries.push_back(entry);
  }
  std::vector<VolumeInfo> all;
  all.reserve(entries.size());
  for (const auto& entry : entries) all.push_back(impl_->describe(*entry));
  return all;
}

std::vector<device::ExportInfo> Catalog::exports() const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<device::ExportInfo> all;
  all.reserve(impl_->volumes.size());
  for (const auto& [name, entry] : impl_->volumes) {
    if (entry->changing) continue;
    all.push_back({name, fmt::format("volume {}", entry->metadata.id)});
  }
  return all;
}

}  // namespace strata::volume
