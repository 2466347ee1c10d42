#include "blockdev/volume/inspect.h"

#include <fmt/format.h>

#include "blockdev/volume/metadata.h"

namespace strata::volume {
namespace {

// The file of a volume's bytes, if it is one in a file.
void describe_image(io::FileSystem& files, const std::string& path,
                    const Result<Metadata>& metadata, Description& out) {
  if (metadata.ok() && metadata->device) return;
  const auto image = files.info(path);
  if (!image.ok()) {
    out.add_damage(0, 0, image.error().message);
    return;
  }
  out.add_number("image_bytes", image->size_bytes);
  out.add_number("image_allocated_bytes", image->allocated_bytes);
  if (metadata.ok() && image->size_bytes != metadata->size_bytes) {
    out.add_damage(
        0, 0,
        fmt::format("{}: {} bytes long, not {}", path, image->size_bytes, metadata->size_bytes));
  }
}

}  // namespace

Description describe_metadata(Bytes file) {
  Description out{.what = "metadata of a volume"};
  const auto metadata = decode_metadata(file);
  if (!metadata.ok()) {
    out.add_damage(0, file.size(), metadata.error().message);
    out.add("text", printable(as_text(file).substr(0, kMetadataBytesMax)));
    return out;
  }
  out.add("name", metadata->name);
  out.add("id", metadata->id);
  out.add_number("bytes", metadata->size_bytes);
  out.add("created", fmt::format("{} ms since 1970", metadata->created_ms));
  if (metadata->device) {
    out.add("device", metadata->device->path);
    out.add("device_identity", metadata->device->identity);
  }
  return out;
}

Result<Description> describe_volume(io::FileSystem& files, const std::string& folder) {
  const std::string path = io::join_path(folder, "metadata");
  TRY_ASSIGN(const ByteVector bytes, io::read_file(files, path, kMetadataBytesMax));
  Description out = describe_metadata(bytes);
  out.what = "volume";
  const auto metadata = decode_metadata(bytes);
  describe_image(files, io::join_path(folder, "image"), metadata, out);
  const std::string name = folder.substr(folder.rfind('/') + 1);
  if (metadata.ok() && metadata->name != name) {
    out.add_damage(0, 0,
                   fmt::format("the folder is called '{}', the volume '{}'", name, metadata->name));
  }
  return out;
}

}  // namespace strata::volume
