#include "blockdev/snapshot/service.h"

#include <fmt/format.h>

#include <utility>

#include "blockdev/snapshot/slow_path.h"
#include "common/base/log.h"
#include "common/base/parse.h"
#include "common/codec/text.h"

namespace strata::snapshot {
namespace {

constexpr std::chrono::minutes kCollectorEndMax{1};

}  // namespace

class SnapshotService::Lease final : public device::ExportLease {
 public:
  Lease(SnapshotService& service, chunks::Manifest manifest, ChunkFetcher& fetcher)
      : service_(service), device_(std::move(manifest), fetcher) {
    const std::lock_guard lock(service_.mutex_);
    ++service_.exported_[device_.manifest().name];
  }
  ~Lease() override {
    const std::lock_guard lock(service_.mutex_);
    const auto found = service_.exported_.find(device_.manifest().name);
    if (--found->second == 0) service_.exported_.erase(found);
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  [[nodiscard]] device::BlockDevice& device() noexcept override { return device_; }

 private:
  SnapshotService& service_;
  SnapshotDevice device_;
};

SnapshotService::SnapshotService(Ground ground)
    : ground_(std::move(ground)),
      hydrator_(ground_.catalog, open_, ground_.clock,
                [this](const HydrationInfo& volume) { hydrated(volume); }),
      collector_([this] { return repository(std::string(kOwnPlace)); }) {}

SnapshotService::~SnapshotService() {
  stop();
}

Status SnapshotService::start() {
  std::set<std::string> lazy;
  for (const volume::VolumeInfo& volume : ground_.catalog.list()) {
    const auto tracking = tracking_on_disk(volume);
    // A damaged file is told when the volume is opened; its claim stays.
    if (!tracking.ok()) lazy.insert(volume.id);
    if (!tracking.ok() || !tracking->origin) continue;
    lazy.insert(volume.id);
    hydrator_.add({.volume_id = volume.id,
                   .volume = volume.name,
                   .snapshot = tracking->origin->name,
                   .place = tracking->origin->place});
  }
  // Claims that stay keep chunks that nobody needs, and that is all: no reason not to start.
  const Result<Repository*> own = repository(std::string(kOwnPlace));
  const Status cleaned =
      own.ok() ? (*own)->claims().clean([&](const std::string& id) { return lazy.contains(id); })
               : Status(own.error());
  if (!cleaned.ok()) {
    log::warning("snapshot.claims_not_cleaned", {{"error", cleaned.error().to_string()}});
  }
  return {};
}

void SnapshotService::stop() {
  jobs_.stop();
  hydrator_.stop();
}

std::vector<worker::Job> SnapshotService::workers() {
  return {{&hydrator_, 0}, {&collector_, 0}};
}

Result<Tracking> SnapshotService::tracking_on_disk(const volume::VolumeInfo& volume) const {
  const std::string path = io::join_path(volume.folder, "tracking");
  const auto bytes = io::read_file(ground_.files, path, kTrackingBytesMax);
  if (!bytes.ok() && bytes.error().code == Code::kNotFound) return Tracking{};
  if (!bytes.ok()) return bytes.error();
  return decode_tracking(*bytes);
}

std::string SnapshotService::random_id() {
  std::array<std::byte, chunks::kIdDigits / 2> raw;
  const std::lock_guard lock(mutex_);
  random_.fill(raw);
  return codec::to_hex(Bytes(raw));
}

Result<Repository*> SnapshotService::repository(const std::string& place) {
  TRY(check_place(place));
  const std::lock_guard lock(mutex_);
  const auto found = repositories_.find(place);
  if (found != repositories_.end()) return found->second.get();
  if (repositories_.size() >= kPlacesMax) {
    return Error(Code::kTooLarge, fmt::format("more than {} different places for snapshots since "
                                              "the start; restart the server",
                                              kPlacesMax));
  }
  TRY_ASSIGN(auto made, ground_.make_place(place));
  auto repository =
      std::make_unique<Repository>(place, std::move(made), ground_.server_id, ground_.clock);
  return repositories_.emplace(place, std::move(repository)).first->second.get();
}

Result<std::unique_ptr<device::BlockDevice>> SnapshotService::wrap(
    const volume::OpenVolume& volume, std::unique_ptr<device::BlockDevice> image) {
  TrackedDevice::Parts parts;
  parts.image = std::move(image);
  TRY_ASSIGN(parts.state, VolumeState::open(ground_.files, volume.folder, volume.id));
  if (const auto& origin = parts.state->tracking().origin; origin) {
    TRY_ASSIGN(Repository * from, repository(origin->place));
    parts.fetcher = &from->fetcher();
  }
  parts.name = volume.name;
  parts.preserved_path = io::join_path(volume.folder, "preserved");
  parts.files = &ground_.files;
  parts.on_close = [this, id = volume.id] { open_.remove(id); };
  // What a crash in the middle of a snapshot left.
  (void)ground_.files.remove_file(parts.preserved_path);
  TRY_ASSIGN(auto device, TrackedDevice::open(std::move(parts)));
  open_.add(volume.id, *device);
  return std::unique_ptr<device::BlockDevice>(std::move(device));
}

void SnapshotService::let_go(const std::string& volume_id) {
  hydrator_.let_go(volume_id);
}

Result<uint64_t> SnapshotService::create(const std::string& volume, const std::string& name,
                                         const std::string& place, uint64_t rate) {
  TRY_ASSIGN(const volume::VolumeInfo info, ground_.catalog.show(volume));
  TRY_ASSIGN(Repository * to, repository(place));
  Snapshotter::Request request{.volume_name = info.name,
                               .volume_id = info.id,
                               .name = name,
                               .id = random_id(),
                               .rate = rate};
  if (name.empty()) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(ground_.clock.wall_now());
    request.name = fmt::format("{}-{}-{}", info.name, seconds.time_since_epoch().count(),
                               request.id.substr(0, 4));
  }
  TRY(chunks::check_snapshot_name(request.name));
  {
    const std::lock_guard lock(mutex_);
    if (!busy_.insert(info.id).second) {
      return Error(Code::kConflict, fmt::format("a snapshot of '{}' is being made already; wait "
                                                "for it",
                                                info.name));
    }
  }
  auto job = jobs_.begin(fmt::format("snapshot {} of {}", request.name, info.name),
                         [this, request, to](JobProgress& progress) {
                           auto made = make_snapshot(request, *to, progress);
                           const std::lock_guard lock(mutex_);
                           busy_.erase(request.volume_id);
                           return made;
                         });
  if (!job.ok()) {
    const std::lock_guard lock(mutex_);
    busy_.erase(info.id);
  }
  return job;
}

Result<std::string> SnapshotService::make_snapshot(const Snapshotter::Request& request,
                                                   Repository& repository, JobProgress& progress) {
  TRY_ASSIGN(const auto hold, ground_.catalog.hold(request.volume_name));
  TrackedDevice* const device = open_.find(request.volume_id);
  if (device == nullptr) {
    return Error(Code::kConflict, "the volume was replaced by another of its name; try again");
  }
  Snapshotter snapshotter(*device, repository, ground_.clock, progress);
  TRY_ASSIGN(const chunks::Manifest made, snapshotter.run(request));
  log::info("snapshot.created", {{"snapshot", made.name}, {"volume", made.volume_name}});
  return fmt::format("snapshot {} of {}: {} of data, {} of it new", made.name, made.volume_name,
                     format_size(made.chunks.size() * chunks::kChunkBytes),
                     format_size(made.new_bytes));
}

Result<volume::VolumeInfo> SnapshotService::restore(const std::string& name,
                                                    const std::string& place,
                                                    const std::string& volume) {
  TRY(chunks::check_snapshot_name(name));
  TRY(volume::check_volume_name(volume));
  TRY_ASSIGN(Repository * from, repository(place));
  // Until the volume's own claim is there this one keeps the collector away.
  const std::string claim = from->claims().create_key(random_id());
  TRY(from->claims().enter(claim, as_bytes(volume), Deadline::after(kCollectorEndMax)));
  auto made = restore_claimed(name, *from, volume);
  (void)from->claims().leave(claim);
  return made;
}

Result<volume::VolumeInfo> SnapshotService::restore_claimed(const std::string& name,
                                                            Repository& repository,
                                                            const std::string& volume) {
  TRY_ASSIGN(const chunks::Manifest manifest, repository.store().manifest(name));
  const std::string id = random_id();
  const std::string claim = repository.claims().volume_key(id);
  TRY(repository.claims().renew(claim, chunks::encode_manifest(manifest)));
  volume::CreateOptions options{.id = id,
                                .seeds = VolumeState::restored(id, manifest, repository.name())};
  auto made = ground_.catalog.create(volume, manifest.size_bytes, options);
  if (!made.ok()) {
    (void)repository.claims().leave(claim);
    return made;
  }
  const uint64_t bytes = manifest.chunks.size() * chunks::kChunkBytes;
  hydrator_.add({.volume_id = id,
                 .volume = made->name,
                 .snapshot = name,
                 .place = repository.name(),
                 .absent_bytes = bytes,
                 .total_bytes = bytes});
  log::info("snapshot.restored", {{"snapshot", name}, {"volume", made->name}});
  return made;
}

void SnapshotService::hydrated(const HydrationInfo& volume) {
  const auto from = repository(volume.place);
  const Status left = from.ok()
                          ? (*from)->claims().leave((*from)->claims().volume_key(volume.volume_id))
                          : Status(from.error());
  // Its chunks are kept until the next start takes the claim back.
  if (!left.ok()) {
    log::warning("snapshot.claim_left",
                 {{"volume", volume.volume}, {"error", left.error().message}});
  }
}

Result<std::unique_ptr<device::ExportLease>> SnapshotService::lease(const std::string& name) {
  TRY_ASSIGN(Repository * own, repository(std::string(kOwnPlace)));
  TRY_ASSIGN(chunks::Manifest manifest, own->store().manifest(name));
  return std::unique_ptr<device::ExportLease>(
      std::make_unique<Lease>(*this, std::move(manifest), own->fetcher()));
}

}  // namespace strata::snapshot
