#include "blockdev/volume/volume_folder.h"

#include <fmt/format.h>

#include <utility>

#include "blockdev/volume/catalog.h"
#include "common/base/log.h"

namespace strata::volume {
namespace {

constexpr std::string_view kImage = "image";
constexpr std::string_view kMetadataFile = "metadata";
constexpr std::string_view kCreating = ".creating-";
constexpr std::string_view kRemoving = ".removing-";

// The error, if any, with where it happened.
Status in_context(Status status, std::string_view context) {
  if (status.ok()) return status;
  return status.error().with_context(context);
}

}  // namespace

std::string VolumeFolder::path(std::string_view name) const {
  return io::join_path(root_, name);
}

std::string VolumeFolder::image_path(std::string_view name) const {
  return io::join_path(path(name), kImage);
}

std::string VolumeFolder::metadata_path(std::string_view name) const {
  return io::join_path(path(name), kMetadataFile);
}

Status VolumeFolder::create(const Metadata& metadata, const std::vector<SeedFile>& seeds) const {
  const std::string made = io::join_path(root_, std::string(kCreating) + metadata.id);
  const std::string folder = io::join_path(root_, metadata.name);
  TRY(files_.create_directory(made));
  Status done = fill(made, metadata, seeds);
  if (done.ok()) done = files_.rename(made, folder);
  if (!done.ok()) {
    // What cannot be removed now is removed at the next open.
    (void)remove_tree(made);
    return done;
  }
  done = files_.sync_directory(root_);
  if (!done.ok() && files_.rename(folder, made).ok()) (void)remove_tree(made);
  return done;
}

Status VolumeFolder::fill(const std::string& folder, const Metadata& metadata,
                          const std::vector<SeedFile>& seeds) const {
  {
    io::OpenOptions options{.write = true, .create = true, .exclusive = true};
    if (!metadata.device) {
      TRY_ASSIGN(auto image, files_.open(io::join_path(folder, kImage), options));
      TRY(image->truncate(metadata.size_bytes));
      TRY(image->sync());
    }
    TRY_ASSIGN(auto file, files_.open(io::join_path(folder, kMetadataFile), options));
    TRY(file->write_at(0, as_bytes(encode_metadata(metadata))));
    TRY(file->sync());
    for (const SeedFile& seed : seeds) {
      TRY_ASSIGN(auto extra, files_.open(io::join_path(folder, seed.name), options));
      TRY(extra->write_at(0, seed.bytes));
      TRY(extra->sync());
    }
  }
  return files_.sync_directory(folder);
}

Status VolumeFolder::remove(const Metadata& metadata) const {
  const std::string folder = io::join_path(root_, metadata.name);
  const std::string dying = io::join_path(root_, std::string(kRemoving) + metadata.id);
  TRY(files_.rename(folder, dying));
  Status flushed = files_.sync_directory(root_);
  if (!flushed.ok()) {
    // Not certain to be gone, so it must be there.
    (void)files_.rename(dying, folder);
    return flushed;
  }
  const Status emptied = remove_tree(dying);
  if (!emptied.ok()) {
    log::warning("volume.remove_unfinished",
                 {{"volume", metadata.name},
                  {"error", emptied.error().message},
                  {"advice", "its space is given back at the next start"}});
  }
  return {};
}

Status VolumeFolder::store(const Metadata& metadata) const {
  return io::write_file_atomic(files_, metadata_path(metadata.name),
                               as_bytes(encode_metadata(metadata)));
}

Status VolumeFolder::set_image_size(std::string_view name, uint64_t size_bytes) const {
  TRY_ASSIGN(auto image, files_.open(image_path(name), {.write = true}));
  TRY(image->truncate(size_bytes));
  return image->sync();
}

Result<Metadata> VolumeFolder::grow(const Metadata& metadata, uint64_t size_bytes) const {
  Metadata changed = metadata;
  if (metadata.device) {
    // The room is there already.
    changed.size_bytes = size_bytes;
    TRY(store(changed));
    return changed;
  }
  changed.growing_to = size_bytes;
  TRY(store(changed));
  Status done = set_image_size(metadata.name, size_bytes);
  changed.growing_to = 0;
  changed.size_bytes = size_bytes;
  if (done.ok()) done = store(changed);
  if (done.ok()) return changed;
  // Nobody has been told of the new part. What cannot be undone now is finished at the next open.
  if (set_image_size(metadata.name, metadata.size_bytes).ok()) (void)store(metadata);
  return done.error();
}

Result<Metadata> VolumeFolder::rename(const Metadata& metadata, const std::string& name) const {
  const std::string from = io::join_path(root_, metadata.name);
  const std::string to = io::join_path(root_, name);
  Metadata changed = metadata;
  changed.renaming_to = name;
  TRY(store(changed));
  Status done = files_.rename(from, to);
  if (done.ok()) {
    done = files_.sync_directory(root_);
    changed.renaming_to.clear();
    changed.name = name;
    if (done.ok()) done = store(changed);
    if (done.ok()) return changed;
    if (!files_.rename(to, from).ok() || !files_.sync_directory(root_).ok()) return done.error();
  }
  (void)store(metadata);
  return done.error();
}

Status VolumeFolder::remove_tree(const std::string& folder) const {
  TRY_ASSIGN(const auto names, files_.list(folder));
  for (const std::string& name : names) {
    TRY(files_.remove_file(io::join_path(folder, name)));
  }
  TRY(files_.remove_directory(folder));
  return files_.sync_directory(root_);
}

Result<std::vector<Metadata>> VolumeFolder::open_all() const {
  TRY(io::create_directories(files_, root_));
  // A rename that was seen and not yet flushed could still be undone; from here on it is certain.
  TRY(files_.sync_directory(root_));
  TRY_ASSIGN(const auto names, files_.list(root_));
  std::vector<Metadata> all;
  for (const std::string& name : names) {
    const std::string path = io::join_path(root_, name);
    if (name.starts_with(kCreating) || name.starts_with(kRemoving)) {
      TRY(in_context(remove_tree(path), fmt::format("removing the leftover {}", path)));
      log::info("volume.leftover_removed", {{"folder", name}});
      continue;
    }
    TRY_ASSIGN(const auto info, files_.info(path));
    if (!info.is_directory || !check_volume_name(name).ok()) {
      log::warning("volume.unknown_entry", {{"path", path}});
      continue;
    }
    if (all.size() == kVolumesMax) {
      return Error(Code::kTooLarge, fmt::format("{} holds more than {} volumes; move some away",
                                                root_, kVolumesMax));
    }
    TRY_ASSIGN(auto metadata, open_one(name));
    all.push_back(std::move(metadata));
  }
  return all;
}

Result<Metadata> VolumeFolder::open_one(const std::string& name) const {
  const std::string path = metadata_path(name);
  const std::string advice = fmt::format(
      "{}: restore the file from a backup, or move the folder away to start without this volume",
      path);
  auto bytes = io::read_file(files_, path, kMetadataBytesMax);
  if (!bytes.ok()) {
    const Code code = bytes.error().code == Code::kIo ? Code::kIo : Code::kCorrupt;
    return Error(code, "volume_metadata", bytes.error().message).with_context(advice);
  }
  auto decoded = decode_metadata(*bytes);
  if (!decoded.ok()) {
    return decoded.error().code == Code::kCorrupt ? decoded.error().with_context(advice)
                                                  : decoded.error().with_context(path);
  }
  // Left by a change that was cut before it counted.
  const std::string temporary = path + std::string(io::kTemporarySuffix);
  if (files_.info(temporary).ok()) TRY(files_.remove_file(temporary));
  if (decoded->growing_to != 0 || !decoded->renaming_to.empty()) {
    decoded = finish_change(name, std::move(decoded).value());
    if (!decoded.ok()) return decoded.error().with_context(path);
  }
  if (decoded->name != name) {
    return Error(Code::kCorrupt, "volume_metadata",
                 fmt::format("{}: it belongs to the volume '{}'; give the folder its name back",
                             path, decoded->name));
  }
  // A device may be plugged in later; whether it is there, and is the one, its first user finds.
  if (decoded->device) return std::move(decoded).value();
  const auto image = files_.info(image_path(name));
  if (!image.ok() || image->size_bytes != decoded->size_bytes) {
    return Error(Code::kCorrupt, "volume_image",
                 fmt::format("{}: the image is missing or not {} bytes long; restore it, or move "
                             "the folder away to start without this volume",
                             image_path(name), decoded->size_bytes));
  }
  return std::move(decoded).value();
}

Result<Metadata> VolumeFolder::finish_change(const std::string& name, Metadata metadata) const {
  if (metadata.growing_to != 0) {
    const auto image = files_.info(image_path(name));
    // Any other size is damage, which the caller finds.
    if (!image.ok() || image->size_bytes < metadata.size_bytes ||
        image->size_bytes > metadata.growing_to || metadata.name != name) {
      return metadata;
    }
    TRY(set_image_size(name, metadata.growing_to));
    metadata.size_bytes = std::exchange(metadata.growing_to, 0);
  } else if (metadata.renaming_to == name) {
    metadata.name = std::exchange(metadata.renaming_to, {});
  } else if (metadata.name == name) {
    metadata.renaming_to.clear();  // the folder had not been renamed
  } else {
    return metadata;  // renamed by somebody else, which the caller finds
  }
  TRY(store(metadata));
  log::info("volume.change_finished", {{"volume", metadata.name}});
  return metadata;
}

}  // namespace strata::volume
