// VolumeState: what one volume knows of its snapshots, kept crash-safely in its folder.
//
//   FOLDER/tracking       docs/snapshot-format.md; missing: the volume was never in a snapshot
//   FOLDER/changes-N      a generation of the bitmap of chunks that may have changed
//   FOLDER/hydration      chunks that are in the image, of a volume that is restored lazily
//   FOLDER/origin         the manifest of the snapshot that it is restored from
//
// A snapshot, as this file sees it:
//
//   tracks [A]  --prepare-->  [A, B]   a new bitmap B, empty, counts too; marks still go to A
//               --switch-->   in memory only: marks go to B; A is frozen: the snapshot's changes
//               --finish-->   [B], base = the snapshot, once its manifest is durable
//               --abandon-->  A's bits are added to B, then [B] with the old base
//
// A crash anywhere leaves [A] or [A, B] with the old base, or [B] with the new one; each is right.
// Two generations found at open are joined as abandon does.
//
// Thread rule: one thread at a time; calls block on files.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "blockdev/chunks/manifest.h"
#include "blockdev/snapshot/bitmap_file.h"
#include "blockdev/snapshot/tracking.h"
#include "blockdev/volume/volume_hooks.h"
#include "common/io/file_system.h"

namespace strata::snapshot {

class VolumeState {
 public:
  // The file system outlives this. kCorrupt names the damaged file and what to do.
  [[nodiscard]] static Result<std::unique_ptr<VolumeState>> open(io::FileSystem& files,
                                                                 std::string folder,
                                                                 const std::string& volume_id);
  // The files of a new volume that begins as the snapshot, none of it fetched yet.
  [[nodiscard]] static std::vector<volume::SeedFile> restored(const std::string& volume_id,
                                                              const chunks::Manifest& manifest,
                                                              const std::string& place);

  [[nodiscard]] const Tracking& tracking() const noexcept { return tracking_; }
  // Whether writes must be marked before they are made.
  [[nodiscard]] bool tracks() const noexcept { return current_ != nullptr; }
  [[nodiscard]] const Bitmap& marks() const noexcept { return current_->bits(); }
  // The chunks may change; durable when it returns. Only while tracks().
  [[nodiscard]] Status mark(std::span<const ChunkRange> ranges) { return current_->set(ranges); }

  // See the picture above.
  [[nodiscard]] Status prepare_snapshot();
  void switch_generation() noexcept;
  // The chunks that may have changed between the base and the switch; nullptr: all of them.
  [[nodiscard]] const Bitmap* frozen() const noexcept;
  [[nodiscard]] Status finish_snapshot(SnapshotReference base);
  [[nodiscard]] Status abandon_snapshot();

  // Of a volume that is restored lazily; nullptr for others.
  [[nodiscard]] const chunks::Manifest* origin() const noexcept {
    return origin_ ? &*origin_ : nullptr;
  }
  [[nodiscard]] bool hydrated(uint64_t chunk) const noexcept {
    return hydration_ == nullptr || hydration_->bits().test(chunk);
  }
  // The chunks' bytes are on stable media in the image. Durable when it returns.
  [[nodiscard]] Status mark_hydrated(std::span<const ChunkRange> ranges) {
    return hydration_->set(ranges);
  }
  // Everything is in the image: the origin is not needed any more.
  [[nodiscard]] Status end_hydration();

 private:
  VolumeState(io::FileSystem& files, std::string folder)
      : files_(files), folder_(std::move(folder)) {}
  [[nodiscard]] std::string path(std::string_view name) const;
  [[nodiscard]] std::string changes_path(uint64_t generation) const;
  [[nodiscard]] BitmapIdentity changes_identity(uint64_t generation) const;
  [[nodiscard]] Status load();
  [[nodiscard]] Status load_origin();
  [[nodiscard]] Status keep(const Tracking& tracking);
  void remove_quietly(const std::string& path) const;

  io::FileSystem& files_;
  const std::string folder_;
  Tracking tracking_;
  std::unique_ptr<BitmapFile> current_;  // what marks go to
  std::unique_ptr<BitmapFile> next_;     // prepared, before the switch
  std::unique_ptr<BitmapFile> frozen_;   // after the switch
  bool switched_ = false;                // between the switch and the end of a snapshot
  std::unique_ptr<BitmapFile> hydration_;
  std::optional<chunks::Manifest> origin_;
};

}  // namespace strata::snapshot
