#include "objstore/drive/index_check.h"

#include <fmt/format.h>

#include <array>

#include "common/digest/crc32c.h"
#include "objstore/drive/blob_format.h"

namespace strata::drive {

namespace {
constexpr size_t kReadBytes = kMiB;

Error damaged_file(const IndexFile& file, std::string_view why) {
  return Error(Code::kCorrupt, kReasonIndexDamaged,
               fmt::format("the index's file {}: {}", file.name, why));
}
}  // namespace

IndexFileCheck::IndexFileCheck(IndexFile file, std::unique_ptr<io::File> opened)
    : file_(std::move(file)),
      opened_(std::move(opened)),
      buffer_(static_cast<std::byte*>(std::aligned_alloc(kBlobAlignment, kReadBytes))) {
  CHECK(buffer_ != nullptr, "there is memory for one piece of a file");
}

Result<IndexFileCheck> IndexFileCheck::open(io::FileSystem& files, const std::string& folder,
                                            const IndexFile& file) {
  TRY_ASSIGN(auto opened,
             files.open(io::join_path(folder, file.name), io::OpenOptions{.direct = true}));
  return IndexFileCheck(file, std::move(opened));
}

Result<bool> IndexFileCheck::step() {
  const MutableBytes piece(buffer_.get(), kReadBytes);
  TRY_ASSIGN(const size_t got, opened_->read_at(bytes_read_, piece));
  bytes_read_ += got;
  sum_ = digest::crc32c(Bytes(piece).first(got), sum_);
  if (bytes_read_ < file_.size_bytes && got == kReadBytes) return false;
  if (bytes_read_ != file_.size_bytes) {
    return damaged_file(file_,
                        fmt::format("{} bytes long, {} expected", bytes_read_, file_.size_bytes));
  }
  std::array<std::byte, sizeof sum_> kept{};
  store_big(kept.data(), sum_);
  if (as_text(Bytes(kept)) != file_.checksum) {
    return damaged_file(file_, "it does not match its checksum");
  }
  return true;
}

}  // namespace strata::drive
