// A drive's files as a whole: blobs listed, checked, removed; the index's checked; a probe.
#include <fmt/format.h>

#include "common/base/buffer_pool.h"
#include "objstore/drive/drive.h"

namespace strata::drive {

namespace {
constexpr std::string_view kRewritingSuffix = ".new";
}  // namespace

std::string Drive::blob_folder(uint8_t folder) const {
  return fmt::format("{}/blobs/{:02x}", path(), folder);
}

Result<BlobFileCheck> Drive::check_blob(const BlobName& blob) const {
  TRY(health());
  return BlobFileCheck::open(setup_.files, blob_path(blob.id), seed_, blob.id, blob.size_bytes);
}

Result<IndexFileCheck> Drive::check_index_file(const IndexFile& file) const {
  TRY(health());
  return IndexFileCheck::open(setup_.files, io::join_path(path(), kIndexFolder), file);
}

Status Drive::probe() const {
  TRY(health());
  BufferPool pool(kBlobAlignment, 0);
  const BufferPool::Buffer buffer = pool.take();
  TRY_ASSIGN(const auto file, setup_.files.open(io::join_path(path(), kIdentityName),
                                                io::OpenOptions{.direct = true}));
  TRY_ASSIGN(const size_t got, file->read_at(0, buffer.bytes()));
  return got > 0 ? Status() : Status(Error(Code::kCorrupt, "the identity file is empty"));
}

Result<std::vector<Drive::BlobEntry>> Drive::list_blobs(uint8_t folder) const {
  TRY(health());
  auto names = setup_.files.list(blob_folder(folder));
  std::vector<BlobEntry> entries;
  if (!names.ok()) {
    if (names.error().code == Code::kNotFound) return entries;  // made with its first file
    return std::move(names).error();
  }
  for (std::string& name : *names) {
    const std::optional<Id128> id = Id128::from_hex(name);
    const bool ours = id || name.ends_with(kRewritingSuffix);
    if (ours) entries.push_back(BlobEntry{.name = std::move(name), .id = id});
  }
  return entries;
}

Result<int64_t> Drive::blob_modified_ms(uint8_t folder, const std::string& name) const {
  TRY(health());
  TRY_ASSIGN(const io::FileInfo info, setup_.files.info(io::join_path(blob_folder(folder), name)));
  return info.modified_ms;
}

Status Drive::remove_blob_entry(uint8_t folder, const std::string& name) {
  TRY(health());
  return setup_.files.remove_file(io::join_path(blob_folder(folder), name));
}

}  // namespace strata::drive
