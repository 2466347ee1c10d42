#include "blockdev/volume/fsck.h"

#include <fmt/format.h>

#include <algorithm>

#include "blockdev/volume/catalog.h"
#include "blockdev/volume/metadata.h"
#include "blockdev/volume/volume_folder.h"

namespace strata::volume {
namespace {

constexpr size_t kPieceBytes = kMiB;

class Check {
 public:
  Check(io::FileSystem& files, HostDevices& devices, const std::string& root,
        const std::string& name, FsckOptions options)
      : files_(files),
        devices_(devices),
        folder_(files, root),
        path_(io::join_path(root, name)),
        name_(name),
        options_(options) {}

  Result<FsckReport> run() {
    TRY_ASSIGN(const auto info, files_.info(path_));
    if (!info.is_directory) return Error(Code::kNotFound, path_ + " is not the folder of a volume");
    TRY(leftover());
    const auto metadata = read_metadata();
    if (metadata) {
      TRY(check_change(*metadata));
      if (metadata->device) {
        check_device(*metadata);
      } else {
        TRY(check_image(*metadata));
      }
    }
    if (options_.read_image) TRY(read_image(metadata));
    return std::move(report_);
  }

 private:
  void found(std::string what, bool repaired = false) {
    report_.findings.push_back({std::move(what), repaired});
  }

  Status leftover() {
    const std::string path = folder_.metadata_path(name_) + std::string(io::kTemporarySuffix);
    if (!files_.info(path).ok()) return {};
    if (options_.repair) TRY(files_.remove_file(path));
    found(fmt::format("{}: a temporary file of an interrupted change", path), options_.repair);
    return {};
  }

  std::optional<Metadata> read_metadata() {
    const std::string path = folder_.metadata_path(name_);
    const auto bytes = io::read_file(files_, path, kMetadataBytesMax);
    auto decoded = bytes.ok() ? decode_metadata(*bytes) : Result<Metadata>(bytes.error());
    if (decoded.ok()) return std::move(decoded).value();
    found(fmt::format("{}: {}; restore the file from a backup, the image beside it is untouched",
                      path, decoded.error().message));
    return std::nullopt;
  }

  Status check_change(const Metadata& metadata) {
    const bool renamed = metadata.renaming_to == name_;
    if (metadata.name != name_ && !renamed) {
      found(fmt::format("{}: the folder belongs to the volume '{}'; give it its name back", path_,
                        metadata.name));
      return {};
    }
    if (metadata.growing_to == 0 && metadata.renaming_to.empty()) return {};
    if (options_.repair) {
      const auto finished = folder_.recover(name_);
      if (!finished.ok()) {
        found(finished.error().message);
        return {};
      }
    }
    found(fmt::format("a {} that was cut short", metadata.growing_to != 0 ? "resize" : "rename"),
          options_.repair);
    return {};
  }

  void check_device(const Metadata& metadata) {
    const auto seen = devices_.look(metadata.device->path);
    const Status good = seen.ok() ? check_same_device(*metadata.device, metadata.size_bytes, *seen)
                                  : Status(seen.error());
    if (!good.ok()) found(good.error().message);
  }

  Status check_image(const Metadata& metadata) {
    const std::string path = folder_.image_path(name_);
    const auto info = files_.info(path);
    if (!info.ok()) {
      found(fmt::format("{}: {}; restore the image from a backup", path, info.error().message));
      return {};
    }
    const uint64_t size = std::max(metadata.size_bytes, metadata.growing_to);
    if (info->size_bytes == size || info->size_bytes == metadata.size_bytes) return {};
    if (info->size_bytes < size) {
      found(fmt::format("{}: {} bytes are missing at its end; restore the image from a backup",
                        path, size - info->size_bytes));
      return {};
    }
    TRY_ASSIGN(auto image, files_.open(path, {.write = options_.repair}));
    TRY_ASSIGN(const bool zeroes, only_zeroes(*image, size, info->size_bytes));
    if (!zeroes) {
      found(
          fmt::format("{}: {} bytes too long, and there is data behind the end: resize is what "
                      "makes a volume larger, so this is not the volume's image, or its metadata "
                      "is an old one",
                      path, info->size_bytes - size));
      return {};
    }
    if (options_.repair) {
      TRY(image->truncate(size));
      TRY(image->sync());
    }
    found(fmt::format("{}: {} bytes too long, all zeroes", path, info->size_bytes - size),
          options_.repair);
    return {};
  }

  Result<bool> only_zeroes(io::File& image, uint64_t from, uint64_t to) {
    ByteVector piece(kPieceBytes);
    while (from < to) {
      const MutableBytes part =
          MutableBytes(piece).first(std::min<uint64_t>(kPieceBytes, to - from));
      TRY_ASSIGN(const size_t got, image.read_at(from, part));
      if (got == 0) break;
      const auto read = part.first(got);
      if (std::any_of(read.begin(), read.end(), [](std::byte b) { return b != std::byte{0}; })) {
        return false;
      }
      from += got;
    }
    return true;
  }

  Status read_image(const std::optional<Metadata>& metadata) {
    const bool on_device = metadata && metadata->device;
    const std::string path = on_device ? metadata->device->path : folder_.image_path(name_);
    auto image = files_.open(path, {.direct = true});
    if (!image.ok()) return {};  // told already
    TRY_ASSIGN(uint64_t size, (*image)->size());
    if (on_device) size = metadata->size_bytes;  // its file has none
    ByteVector memory(kPieceBytes + 4096);
    // Direct reads want an aligned buffer.
    const auto address = reinterpret_cast<uintptr_t>(memory.data());
    const MutableBytes piece(memory.data() + (round_up(address, 4096) - address), kPieceBytes);
    size_t unreadable = 0;
    for (uint64_t at = 0; at < size; at += kPieceBytes) {
      const auto got =
          (*image)->read_at(at, piece.first(std::min(kPieceBytes, round_up(size - at, 4096))));
      if (got.ok()) {
        report_.bytes_read += *got;
      } else if (unreadable++ < kUnreadableMax) {
        found(fmt::format("{}: cannot be read from byte {} on: {}", path, at, got.error().message));
      }
    }
    return {};
  }

  io::FileSystem& files_;
  HostDevices& devices_;
  const VolumeFolder folder_;
  const std::string path_;
  const std::string name_;
  const FsckOptions options_;
  FsckReport report_;
};

}  // namespace

bool FsckReport::clean() const noexcept {
  return std::all_of(findings.begin(), findings.end(),
                     [](const FsckFinding& one) { return one.repaired; });
}

Result<FsckReport> fsck_volume(io::FileSystem& files, HostDevices& devices, const std::string& root,
                               const std::string& name, FsckOptions options) {
  TRY(check_volume_name(name));
  return Check(files, devices, root, name, options).run();
}

}  // namespace strata::volume
