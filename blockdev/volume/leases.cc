// Catalog: who has a volume, and the devices that they get.
#include <fmt/format.h>

#include "blockdev/volume/catalog_state.h"
#include "blockdev/volume/export_name.h"
#include "common/base/log.h"

namespace strata::volume {
namespace {

std::string attachment_of(std::string_view token) {
  return fmt::format("the attachment {}", short_token(token));
}

}  // namespace

// Several leases may hold one volume, which NBD's multi-connection needs. The device keeps them
// coherent.
class Catalog::Impl::Lease final : public device::ExportLease {
 public:
  Lease(Impl& catalog, std::shared_ptr<Entry> entry, Use use, std::string_view attachment)
      : catalog_(catalog),
        entry_(std::move(entry)),
        use_(use),
        known_as_(entry_->metadata.name),
        attachment_(attachment) {}
  ~Lease() override {
    std::unique_ptr<OpenDevice> last;
    {
      const std::lock_guard lock(entry_->device_mutex);
      if (opened_ && --entry_->device_users == 0) last = std::move(entry_->device);
      last.reset();
    }
    catalog_.release(*entry_, use_, attachment_);
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  [[nodiscard]] Status open() {
    const std::lock_guard lock(entry_->device_mutex);
    if (entry_->device == nullptr) {
      Metadata metadata;
      {
        const std::lock_guard tables(catalog_.mutex);
        metadata = entry_->metadata;
      }
      TRY_ASSIGN(entry_->device, catalog_.open_device(metadata));
    }
    ++entry_->device_users;
    opened_ = true;
    return {};
  }
  [[nodiscard]] std::string_view name() const noexcept override { return known_as_; }
  [[nodiscard]] device::BlockDevice& device() noexcept override {
    OpenDevice& open = *entry_->device;
    if (use_ == Use::kHold) return *open.disk;
    if (use_ == Use::kRead) return *open.read_only;
    return *open.stack;
  }

 private:
  Impl& catalog_;
  const std::shared_ptr<Entry> entry_;
  const Use use_;
  const std::string known_as_;    // a volume with leases is not renamed
  const std::string attachment_;  // its short token; empty: none
  bool opened_ = false;
};

Result<std::unique_ptr<device::FileDevice>> Catalog::Impl::open_image(const Metadata& metadata) {
  if (metadata.device) {
    const std::string& path = metadata.device->path;
    TRY_ASSIGN(ClaimedDevice claimed, devices.claim(path, options.direct));
    TRY(check_same_device(*metadata.device, metadata.size_bytes, claimed.found));
    return device::FileDevice::open(std::move(claimed.file), path, metadata.size_bytes);
  }
  const std::string path = folder.image_path(metadata.name);
  TRY_ASSIGN(auto file, files.open(path, {.write = true, .direct = options.direct}));
  TRY_ASSIGN(auto image, device::FileDevice::open(std::move(file), path));
  if (image->geometry().size_bytes != metadata.size_bytes) {
    return Error(Code::kCorrupt, "volume_image",
                 fmt::format("{} is {} bytes long and should be {}; restore the image", path,
                             image->geometry().size_bytes, metadata.size_bytes));
  }
  return image;
}

Result<std::unique_ptr<OpenDevice>> Catalog::Impl::open_device(const Metadata& metadata) {
  TRY_ASSIGN(auto image, open_image(metadata));
  auto open = std::make_unique<OpenDevice>();
  open->image = image.get();
  if (hooks == nullptr) {
    open->disk = std::move(image);
  } else {
    TRY_ASSIGN(open->disk,
               hooks->wrap(
                   {.name = metadata.name, .id = metadata.id, .folder = folder.path(metadata.name)},
                   std::move(image)));
  }
  // The delays of a volume are the same in each run: the seed is its identity.
  uint64_t seed = 0;
  for (const char digit : metadata.id) seed = seed * 31 + static_cast<unsigned char>(digit);
  open->stack = std::make_unique<layers::LayerStack>(*open->disk, time, options.registry,
                                                     metadata.name, seed);
  open->stack->set(stack_settings(metadata.provision, metadata.size_bytes));
  open->read_only = std::make_unique<layers::ReadOnlyDevice>(*open->stack);
  return open;
}

void Catalog::Impl::release(Entry& entry, Use use, const std::string& attachment) {
  const std::lock_guard lock(mutex);
  if (!attachment.empty()) entry.attachments.extract(attachment);
  if (use == Use::kWrite) --entry.writers;
  --(use == Use::kHold ? entry.holds : entry.clients);
}

Result<Catalog::Impl::Use> Catalog::Impl::decide(const Entry& entry, const Wish& wish,
                                                 bool read_only, std::string_view token) const {
  if (wish.hold) return Use::kHold;
  if (read_only) return Use::kRead;
  const std::string who = token.empty() ? std::string(wish.client) : attachment_of(token);
  if (entry.writers == 0 || entry.writer == who) return Use::kWrite;
  if (token.empty()) {
    log::warning(
        "volume.read_only_lease",
        {{"volume", entry.metadata.name}, {"client", wish.client}, {"writer", entry.writer}});
    return Use::kRead;
  }
  return Error(Code::kConflict, "volume_in_use",
               fmt::format("the volume '{}' is in use for writing by {}; disconnect it, or attach "
                           "read-only",
                           entry.metadata.name, entry.writer));
}

Result<std::unique_ptr<device::ExportLease>> Catalog::Impl::take(std::string_view name,
                                                                 const Wish& wish) {
  const auto asked = parse_export_name(name);
  if (!asked) {
    return Error(Code::kNotFound,
                 "there is no such export; besides NAME there are NAME:ro and what "
                 "`strata volume attach` uses");
  }
  std::unique_ptr<Lease> lease;
  {
    const std::lock_guard lock(mutex);
    std::string_view volume = asked->volume;
    if (volume.empty() && volumes.size() == 1) volume = volumes.begin()->first;
    TRY_ASSIGN(const auto entry, get(volume));
    if (entry->changing) {
      return Error(Code::kNotFound, fmt::format("the volume '{}' is being removed or renamed",
                                                entry->metadata.name));
    }
    TRY_ASSIGN(const Use use, decide(*entry, wish, asked->read_only, asked->token));
    if (use == Use::kWrite && entry->writers++ == 0) {
      entry->writer = asked->token.empty() ? std::string(wish.client) : attachment_of(asked->token);
    }
    ++(use == Use::kHold ? entry->holds : entry->clients);
    const std::string attachment(short_token(asked->token));
    if (!attachment.empty()) entry->attachments.insert(attachment);
    lease = std::make_unique<Lease>(*this, entry, use, attachment);
  }
  TRY(lease->open());
  return std::unique_ptr<device::ExportLease>(std::move(lease));
}

Result<std::unique_ptr<device::ExportLease>> Catalog::lease(std::string_view name) {
  return impl_->take(name, {.client = device::kThisMachine});
}

Result<std::unique_ptr<device::ExportLease>> Catalog::lease_for(std::string_view name,
                                                                std::string_view client) {
  return impl_->take(name, {.client = client});
}

Result<std::unique_ptr<device::ExportLease>> Catalog::hold(std::string_view name) {
  return impl_->take(name, {.client = "the server", .hold = true});
}

void Catalog::Impl::apply_limits(Entry& entry) {
  const std::lock_guard opened(entry.device_mutex);
  if (entry.device == nullptr) return;
  Metadata now;
  {
    const std::lock_guard lock(mutex);
    now = entry.metadata;
  }
  entry.device->stack->set(stack_settings(now.provision, now.size_bytes));
}

void Catalog::release_layers() {
  std::vector<std::shared_ptr<Entry>> all;
  {
    const std::lock_guard lock(impl_->mutex);
    for (const auto& [name, entry] : impl_->volumes) all.push_back(entry);
  }
  for (const auto& entry : all) {
    const std::lock_guard opened(entry->device_mutex);
    if (entry->device != nullptr) entry->device->stack->release();
  }
}

}  // namespace strata::volume
