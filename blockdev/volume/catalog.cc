#include "blockdev/volume/catalog.h"

#include <fmt/format.h>

#include <functional>
#include <map>
#include <mutex>

#include "blockdev/device/file_device.h"
#include "blockdev/volume/volume_folder.h"
#include "common/base/log.h"

namespace strata::volume {
namespace {

// One volume. The catalogue and every lease hold it.
struct Entry {
  explicit Entry(Metadata from_disk) : metadata(std::move(from_disk)) {}
  const Metadata metadata;
  uint32_t clients = 0;   // under the catalogue's mutex
  uint32_t holds = 0;     // under the catalogue's mutex
  bool removing = false;  // under the catalogue's mutex: no new leases
  // Opened by the first client and closed after the last one.
  std::mutex device_mutex;
  uint32_t device_users = 0;
  std::unique_ptr<device::BlockDevice> device;
};

std::string hexadecimal(Bytes bytes) {
  std::string text;
  for (const std::byte byte : bytes) text += fmt::format("{:02x}", std::to_integer<int>(byte));
  return text;
}

Error no_such_volume(std::string_view name) {
  // The name is echoed only if it is one; anything may come from a client.
  if (!check_volume_name(name).ok()) return Error(Code::kNotFound, "there is no such volume");
  return Error(Code::kNotFound, fmt::format("there is no volume '{}'", name));
}

}  // namespace

// Two mutexes, so that a client's lease never waits for the disk that a create or remove is busy
// with: `change` is held during a change with all its file work, `mutex` only to read or write the
// tables. `change` is taken first.
struct Catalog::Impl {
  Impl(io::FileSystem& file_system, std::string root, const io::Clock& the_clock,
       RandomSource& the_random)
      : files(file_system),
        folder(file_system, std::move(root)),
        clock(the_clock),
        random(the_random) {}

  class Lease;
  [[nodiscard]] std::shared_ptr<Entry> find(std::string_view name) const {
    const auto found = volumes.find(name);
    return found == volumes.end() ? nullptr : found->second;
  }
  [[nodiscard]] VolumeInfo describe(const Metadata& metadata, uint32_t clients) const;
  enum class Use { kClient, kHold };
  [[nodiscard]] Result<std::unique_ptr<device::ExportLease>> take(std::string_view name, Use use);
  [[nodiscard]] Result<std::unique_ptr<device::BlockDevice>> open_device(const Metadata& metadata);
  void release(Entry& entry, Use use);

  io::FileSystem& files;
  const VolumeFolder folder;
  const io::Clock& clock;
  RandomSource& random;  // under change
  VolumeHooks* hooks = nullptr;
  std::mutex change;
  mutable std::mutex mutex;
  std::map<std::string, std::shared_ptr<Entry>, std::less<>> volumes;  // under mutex
};

// Leases are shared: several connections of one client, or several clients, may hold one volume,
// which NBD's multi-connection needs. The device keeps them coherent.
class Catalog::Impl::Lease final : public device::ExportLease {
 public:
  Lease(Impl& catalog, std::shared_ptr<Entry> entry, Use use)
      : catalog_(catalog), entry_(std::move(entry)), use_(use) {}
  ~Lease() override {
    {
      const std::lock_guard lock(entry_->device_mutex);
      if (opened_ && --entry_->device_users == 0) entry_->device.reset();
    }
    catalog_.release(*entry_, use_);
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  [[nodiscard]] Status open() {
    const std::lock_guard lock(entry_->device_mutex);
    if (entry_->device == nullptr) {
      TRY_ASSIGN(entry_->device, catalog_.open_device(entry_->metadata));
    }
    ++entry_->device_users;
    opened_ = true;
    return {};
  }
  [[nodiscard]] device::BlockDevice& device() noexcept override { return *entry_->device; }

 private:
  Impl& catalog_;
  const std::shared_ptr<Entry> entry_;
  const Use use_;
  bool opened_ = false;
};

Result<std::unique_ptr<device::BlockDevice>> Catalog::Impl::open_device(const Metadata& metadata) {
  const std::string path = folder.image_path(metadata.name);
  TRY_ASSIGN(auto file, files.open(path, {.write = true, .direct = true}));
  TRY_ASSIGN(auto image, device::FileDevice::open(std::move(file), path));
  if (image->geometry().size_bytes != metadata.size_bytes) {
    return Error(Code::kCorrupt, "volume_image",
                 fmt::format("{} is {} bytes long and should be {}; restore the image", path,
                             image->geometry().size_bytes, metadata.size_bytes));
  }
  if (hooks == nullptr) return std::unique_ptr<device::BlockDevice>(std::move(image));
  return hooks->wrap({.name = metadata.name, .id = metadata.id, .folder = io::parent_path(path)},
                     std::move(image));
}

void Catalog::Impl::release(Entry& entry, Use use) {
  const std::lock_guard lock(mutex);
  --(use == Use::kClient ? entry.clients : entry.holds);
}

VolumeInfo Catalog::Impl::describe(const Metadata& metadata, uint32_t clients) const {
  VolumeInfo info{.name = metadata.name,
                  .id = metadata.id,
                  .size_bytes = metadata.size_bytes,
                  .created_ms = metadata.created_ms,
                  .clients = clients,
                  .image_path = folder.image_path(metadata.name)};
  // A volume that was removed meanwhile uses nothing.
  const auto image = files.info(info.image_path);
  if (image.ok()) info.allocated_bytes = image->allocated_bytes;
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
                                               const io::Clock& clock, RandomSource& random) {
  auto impl = std::make_unique<Impl>(files, std::move(root), clock, random);
  TRY_ASSIGN(auto found, impl->folder.open_all());
  for (Metadata& metadata : found) {
    std::string name = metadata.name;
    impl->volumes.emplace(std::move(name), std::make_shared<Entry>(std::move(metadata)));
  }
  return std::unique_ptr<Catalog>(new Catalog(std::move(impl)));
}

void Catalog::set_hooks(VolumeHooks* hooks) {
  impl_->hooks = hooks;
}

Result<VolumeInfo> Catalog::create(std::string_view name, uint64_t size_bytes,
                                   const CreateOptions& options) {
  TRY(check_volume_name(name));
  TRY(check_volume_size(size_bytes));
  CHECK(options.id.empty() || is_volume_id(options.id), "not the id of a volume");
  const std::lock_guard change(impl_->change);
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->find(name) != nullptr) {
      return Error(Code::kAlreadyExists, fmt::format("the volume '{}' exists already", name));
    }
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
                          .created_ms = impl_->clock.wall_now().time_since_epoch().count()};
  TRY(impl_->folder.create(metadata, options.seeds));
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->volumes.emplace(metadata.name, std::make_shared<Entry>(metadata));
  }
  log::info("volume.created", {{"volume", name}, {"size", size_bytes}});
  return impl_->describe(metadata, 0);
}

Result<VolumeInfo> Catalog::show(std::string_view name) const {
  std::shared_ptr<Entry> entry;
  uint32_t clients = 0;
  {
    const std::lock_guard lock(impl_->mutex);
    entry = impl_->find(name);
    if (entry == nullptr) return no_such_volume(name);
    clients = entry->clients;
  }
  return impl_->describe(entry->metadata, clients);
}

std::vector<VolumeInfo> Catalog::list() const {
  std::vector<std::pair<std::shared_ptr<Entry>, uint32_t>> entries;
  {
    const std::lock_guard lock(impl_->mutex);
    for (const auto& [name, entry] : impl_->volumes) entries.emplace_back(entry, entry->clients);
  }
  std::vector<VolumeInfo> all;
  all.reserve(entries.size());
  for (const auto& [entry, clients] : entries) {
    all.push_back(impl_->describe(entry->metadata, clients));
  }
  return all;
}

Status Catalog::remove(std::string_view name) {
  const std::lock_guard change(impl_->change);
  std::shared_ptr<Entry> entry;
  {
    const std::lock_guard lock(impl_->mutex);
    entry = impl_->find(name);
    if (entry == nullptr) return no_such_volume(name);
    if (entry->clients > 0) {
      return Error(Code::kConflict, "volume_in_use",
                   fmt::format("the volume '{}' has {} connected clients; disconnect them first",
                               name, entry->clients));
    }
    entry->removing = true;
  }
  if (impl_->hooks != nullptr) impl_->hooks->let_go(entry->metadata.id);
  {
    const std::lock_guard lock(impl_->mutex);
    if (entry->holds > 0) {
      entry->removing = false;
      return Error(Code::kConflict, "volume_in_use",
                   fmt::format("the volume '{}' is in use by the server itself, as for a snapshot "
                               "of it; wait until that is done",
                               name));
    }
  }
  Status removed = impl_->folder.remove(entry->metadata);
  const std::lock_guard lock(impl_->mutex);
  entry->removing = false;
  if (!removed.ok()) return removed;
  impl_->volumes.erase(entry->metadata.name);
  log::info("volume.removed", {{"volume", name}});
  return {};
}

std::vector<device::ExportInfo> Catalog::exports() const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<device::ExportInfo> all;
  all.reserve(impl_->volumes.size());
  for (const auto& [name, entry] : impl_->volumes) {
    if (entry->removing) continue;
    all.push_back({name, fmt::format("volume {}", entry->metadata.id)});
  }
  return all;
}

Result<std::unique_ptr<device::ExportLease>> Catalog::Impl::take(std::string_view name, Use use) {
  std::unique_ptr<Lease> lease;
  {
    const std::lock_guard lock(mutex);
    auto entry = find(name);
    if (name.empty() && volumes.size() == 1) entry = volumes.begin()->second;
    if (entry == nullptr || entry->removing) return no_such_volume(name);
    ++(use == Use::kClient ? entry->clients : entry->holds);
    lease = std::make_unique<Lease>(*this, std::move(entry), use);
  }
  TRY(lease->open());
  return std::unique_ptr<device::ExportLease>(std::move(lease));
}

Result<std::unique_ptr<device::ExportLease>> Catalog::lease(std::string_view name) {
  return impl_->take(name, Impl::Use::kClient);
}

Result<std::unique_ptr<device::ExportLease>> Catalog::hold(std::string_view name) {
  return impl_->take(name, Impl::Use::kHold);
}

}  // namespace strata::volume
