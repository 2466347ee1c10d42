#include "objstore/drive/blob_check.h"

#include <fmt/format.h>

#include <algorithm>

namespace strata::drive {

namespace {
constexpr uint64_t kPieceBlocks = 16;
constexpr uint64_t kPieceBytes = kPieceBlocks * kBlockBytes;
// The table and footer of the largest blob fit into one piece.
static_assert(kBlobBytesMax / kBlockBytes * 8 + kBlobFooterBytes + kBlobAlignment < kPieceBytes);
}  // namespace

BlobFileCheck::BlobFileCheck(RecordSeed seed, const Id128& id, uint64_t size_bytes,
                             std::unique_ptr<io::File> file)
    : seed_(seed),
      id_(id),
      layout_{size_bytes},
      file_(std::move(file)),
      buffer_(static_cast<std::byte*>(std::aligned_alloc(kBlobAlignment, kPieceBytes))) {
  CHECK(buffer_ != nullptr, "there is memory for one piece of a file");
}

Result<MutableBytes> BlobFileCheck::read(uint64_t offset, uint64_t bytes) {
  const MutableBytes out(buffer_.get(), bytes);
  TRY_ASSIGN(const size_t got, file_->read_at(offset, out));
  bytes_read_ += got;
  if (got != bytes) return Error(Code::kCorrupt, "the blob's file ends too early");
  return out;
}

Result<BlobFileCheck> BlobFileCheck::open(io::FileSystem& files, const std::string& path,
                                          RecordSeed seed, const Id128& id, uint64_t size_bytes) {
  if (size_bytes > kBlobBytesMax) return Error(Code::kCorrupt, "a blob of impossible length");
  TRY_ASSIGN(auto file, files.open(path, io::OpenOptions{.direct = true}));
  BlobFileCheck check(seed, id, size_bytes, std::move(file));
  TRY_ASSIGN(const uint64_t file_bytes, check.file_->size());
  if (file_bytes != check.layout_.file_bytes()) {
    return Error(Code::kCorrupt, fmt::format("blob file of {} bytes, {} expected", file_bytes,
                                             check.layout_.file_bytes()));
  }
  TRY_ASSIGN(const MutableBytes header, check.read(0, kBlobHeaderBytes));
  TRY(check_blob_header(seed, id, header));
  const uint64_t table_offset = check.layout_.table_offset();
  TRY_ASSIGN(const MutableBytes tail, check.read(table_offset, file_bytes - table_offset));
  TRY(check_blob_tail(seed, id, size_bytes, tail));
  check.table_.assign(tail.begin(),
                      tail.begin() + static_cast<ptrdiff_t>(8 * check.layout_.blocks()));
  return check;
}

Result<bool> BlobFileCheck::step(const Sink& data) {
  const uint64_t count = std::min(kPieceBlocks, layout_.blocks() - next_block_);
  if (count == 0) return true;
  const uint64_t offset = BlobLayout::block_offset(next_block_);
  const uint64_t end = std::min(offset + count * kBlockBytes, layout_.table_offset());
  TRY_ASSIGN(const MutableBytes piece, read(offset, end - offset));
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t block = next_block_ + i;
    const Bytes padded = Bytes(piece).subspan(
        i * kBlockBytes, std::min<uint64_t>(kBlockBytes, piece.size() - i * kBlockBytes));
    const uint64_t stored = load_little<uint64_t>(table_.data() + block * 8);
    const uint64_t computed = block_checksum(seed_, id_, block, padded);
    if (stored != computed) {
      return Error(Code::kCorrupt,
                   fmt::format("block {}: checksum {:016x} stored, {:016x} computed", block, stored,
                               computed));
    }
  }
  next_block_ += count;
  const bool last = next_block_ == layout_.blocks();
  if (data)
    data(
        Bytes(piece).first(last ? layout_.size_bytes - (offset - kBlobHeaderBytes) : piece.size()));
  return last;
}

}  // namespace strata::drive
