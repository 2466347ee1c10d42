#include "blockdev/snapshot/volume_state.h"

#include <fmt/format.h>

#include "common/base/check.h"
#include "common/base/log.h"

namespace strata::snapshot {
namespace {

constexpr std::string_view kTracking = "tracking";
constexpr std::string_view kChanges = "changes-";
constexpr std::string_view kHydration = "hydration";
constexpr std::string_view kOrigin = "origin";

std::string changes_name(uint64_t generation) {
  return fmt::format("{}{}", kChanges, generation);
}

// The set bits as ranges.
std::vector<ChunkRange> ranges_of(const Bitmap& bits) {
  std::vector<ChunkRange> out;
  uint64_t at = 0;
  while (const auto first = bits.find({at, Bitmap::kBits}, true)) {
    const uint64_t end = bits.find({*first, Bitmap::kBits}, false).value_or(Bitmap::kBits);
    out.push_back({*first, end});
    at = end;
  }
  return out;
}

}  // namespace

std::string VolumeState::path(std::string_view name) const {
  return io::join_path(folder_, name);
}

std::string VolumeState::changes_path(uint64_t generation) const {
  return path(changes_name(generation));
}

BitmapIdentity VolumeState::changes_identity(uint64_t generation) const {
  return {BitmapKind::kChanges, tracking_.volume_id, generation};
}

Result<std::unique_ptr<VolumeState>> VolumeState::open(io::FileSystem& files, std::string folder,
                                                       const std::string& volume_id) {
  std::unique_ptr<VolumeState> self(new VolumeState(files, std::move(folder)));
  self->tracking_.volume_id = volume_id;
  const std::string path = self->path(kTracking);
  const auto bytes = io::read_file(files, path, kTrackingBytesMax);
  if (!bytes.ok() && bytes.error().code == Code::kNotFound) return self;
  if (!bytes.ok()) return bytes.error();
  auto decoded = decode_tracking(*bytes);
  if (!decoded.ok()) {
    return decoded.error().with_context(
        fmt::format("{}: restore it from a backup, or the volume from a snapshot", path));
  }
  if (decoded->volume_id != volume_id) {
    return Error(Code::kCorrupt, "volume_tracking",
                 fmt::format("{}: it belongs to another volume", path));
  }
  self->tracking_ = std::move(decoded).value();
  TRY(self->load());
  return self;
}

Status VolumeState::load() {
  TRY(load_origin());
  for (const uint64_t generation : tracking_.changes) {
    TRY_ASSIGN(auto file,
               BitmapFile::open(files_, changes_path(generation), changes_identity(generation)));
    if (current_ == nullptr) {
      current_ = std::move(file);
      continue;
    }
    // A snapshot was under way when the power went.
    frozen_ = std::exchange(current_, std::move(file));
    TRY(abandon_snapshot());
  }
  // What a crash left behind between two states.
  TRY_ASSIGN(const auto names, files_.list(folder_));
  for (const std::string& name : names) {
    const bool mine = !tracking_.changes.empty() && name == changes_name(tracking_.changes.back());
    if (name.starts_with(kChanges) && !mine) remove_quietly(path(name));
    if (!tracking_.origin && (name == kHydration || name == kOrigin)) remove_quietly(path(name));
  }
  return {};
}

Status VolumeState::load_origin() {
  if (!tracking_.origin) return {};
  const std::string file = path(kOrigin);
  const auto bytes = io::read_file(files_, file, chunks::kManifestBytesMax);
  auto manifest = bytes.ok() ? chunks::decode_manifest(*bytes) : bytes.error();
  if (!manifest.ok() || manifest->id != tracking_.origin->id) {
    return Error(Code::kCorrupt, "volume_origin",
                 fmt::format("{}: it is not the manifest of the snapshot '{}'; put that there, or "
                             "restore the volume again",
                             file, tracking_.origin->name));
  }
  origin_ = std::move(manifest).value();
  TRY_ASSIGN(hydration_, BitmapFile::open(files_, path(kHydration),
                                          {BitmapKind::kHydration, tracking_.volume_id, 0}));
  return {};
}

std::vector<volume::SeedFile> VolumeState::restored(const std::string& volume_id,
                                                    const chunks::Manifest& manifest,
                                                    const std::string& place) {
  const SnapshotReference origin{manifest.id, manifest.name, place};
  const Tracking tracking{.volume_id = volume_id, .base = origin, .changes = {1}, .origin = origin};
  const std::string text = encode_tracking(tracking);
  const Bytes bytes = as_bytes(text);
  return {{std::string(kTracking), ByteVector(bytes.begin(), bytes.end())},
          {changes_name(1), empty_bitmap_file({BitmapKind::kChanges, volume_id, 1})},
          {std::string(kHydration), empty_bitmap_file({BitmapKind::kHydration, volume_id, 0})},
          {std::string(kOrigin), chunks::encode_manifest(manifest)}};
}

Status VolumeState::keep(const Tracking& tracking) {
  TRY(io::write_file_atomic(files_, path(kTracking), as_bytes(encode_tracking(tracking))));
  tracking_ = tracking;
  return {};
}

void VolumeState::remove_quietly(const std::string& path) const {
  const Status removed = files_.remove_file(path);
  // It is removed at the next open.
  if (!removed.ok() && removed.error().code != Code::kNotFound) {
    log::warning("snapshot.leftover", {{"path", path}, {"error", removed.error().message}});
  }
}

Status VolumeState::prepare_snapshot() {
  CHECK(next_ == nullptr && !switched_, "one snapshot of a volume at a time");
  // An abandoned one whose end failed.
  if (frozen_ != nullptr) TRY(abandon_snapshot());
  const uint64_t generation = tracking_.changes.empty() ? 1 : tracking_.changes.back() + 1;
  TRY_ASSIGN(auto made,
             BitmapFile::create(files_, changes_path(generation), changes_identity(generation)));
  Tracking wanted = tracking_;
  wanted.changes.push_back(generation);
  // Without a base there is nothing to track: then the file on disk stays as it is.
  if (tracks()) TRY(keep(wanted));
  tracking_ = wanted;
  next_ = std::move(made);
  return {};
}

void VolumeState::switch_generation() noexcept {
  CHECK(next_ != nullptr);
  frozen_ = std::exchange(current_, std::move(next_));
  switched_ = true;
}

const Bitmap* VolumeState::frozen() const noexcept {
  return frozen_ == nullptr ? nullptr : &frozen_->bits();
}

Status VolumeState::finish_snapshot(SnapshotReference base) {
  CHECK(switched_);
  Tracking wanted = tracking_;
  wanted.base = std::move(base);
  wanted.changes = {tracking_.changes.back()};
  const std::vector<uint64_t> before = tracking_.changes;
  TRY(keep(wanted));
  switched_ = false;
  frozen_.reset();
  for (const uint64_t old : before) {
    if (old != wanted.changes.back()) remove_quietly(changes_path(old));
  }
  return {};
}

Status VolumeState::abandon_snapshot() {
  if (next_ != nullptr) {
    // Before the switch nothing went to the new generation.
    Tracking wanted = tracking_;
    wanted.changes.pop_back();
    if (tracks()) TRY(keep(wanted));
    remove_quietly(changes_path(tracking_.changes.back()));
    tracking_ = wanted;
    next_.reset();
    return {};
  }
  switched_ = false;
  Tracking wanted = tracking_;
  if (frozen_ == nullptr) {
    // There was no base: there is nothing to track again.
    const std::string path = changes_path(tracking_.changes.back());
    wanted.changes.clear();
    tracking_ = wanted;
    current_.reset();
    remove_quietly(path);
    return {};
  }
  const std::vector<ChunkRange> ranges = ranges_of(frozen_->bits());
  TRY(current_->set(ranges));
  wanted.changes = {tracking_.changes.back()};
  const std::string old = changes_path(tracking_.changes.front());
  TRY(keep(wanted));
  frozen_.reset();
  remove_quietly(old);
  return {};
}

Status VolumeState::end_hydration() {
  Tracking wanted = tracking_;
  wanted.origin.reset();
  TRY(keep(wanted));
  hydration_.reset();
  origin_.reset();
  remove_quietly(path(kHydration));
  remove_quietly(path(kOrigin));
  return {};
}

}  // namespace strata::snapshot
