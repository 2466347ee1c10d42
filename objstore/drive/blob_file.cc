#include "objstore/drive/blob_file.h"

#include <fmt/format.h>

#include <cstring>

#include "common/base/buffer_pool.h"

namespace strata::drive {

std::vector<uint64_t> checksums_of(RecordSeed seed, const Id128& id, uint64_t first_block,
                                   Bytes padded) {
  std::vector<uint64_t> checksums;
  checksums.reserve(padded.size() / kBlockBytes + 1);
  for (uint64_t block = first_block; !padded.empty(); ++block) {
    const Bytes one = padded.first(std::min<size_t>(kBlockBytes, padded.size()));
    checksums.push_back(block_checksum(seed, id, block, one));
    padded = padded.subspan(one.size());
  }
  return checksums;
}

namespace {

// A copy that may be written directly.
class AlignedCopy {
 public:
  explicit AlignedCopy(Bytes from)
      : pool_(round_up(from.size(), BufferPool::kAlignment), 0), buffer_(pool_.take()) {
    std::memcpy(buffer_.bytes().data(), from.data(), from.size());
    bytes_ = buffer_.bytes().first(from.size());
  }
  [[nodiscard]] Bytes bytes() const noexcept { return bytes_; }

 private:
  BufferPool pool_;
  BufferPool::Buffer buffer_;
  Bytes bytes_;
};

}  // namespace

Result<BlobFileWriter> BlobFileWriter::create(io::FileSystem& files, std::string path,
                                              RecordSeed seed, const Id128& id,
                                              std::optional<uint64_t> expected_bytes) {
  const io::OpenOptions how{.write = true, .create = true, .truncate = true, .direct = true};
  TRY_ASSIGN(auto file, files.open(path, how));
  BlobFileWriter writer(files, std::move(path), seed, id, std::move(file));
  if (expected_bytes) {
    writer.reserved_bytes_ = BlobLayout{*expected_bytes}.file_bytes();
    TRY(writer.file_->allocate(0, writer.reserved_bytes_));
  }
  const AlignedCopy header(encode_blob_header(seed, id));
  TRY(writer.file_->write_at(0, header.bytes()));
  return writer;
}

Status BlobFileWriter::write_blocks(uint64_t first_block, Bytes padded) {
  CHECK(padded.size() % kBlobAlignment == 0);
  return file_->write_at(BlobLayout::block_offset(first_block), padded);
}

Status BlobFileWriter::finish(uint64_t size_bytes, const std::vector<uint64_t>& checksums) {
  const BlobLayout layout{size_bytes};
  const AlignedCopy tail(encode_blob_tail(seed_, id_, size_bytes, checksums));
  TRY(file_->write_at(layout.table_offset(), tail.bytes()));
  if (reserved_bytes_ > layout.file_bytes()) TRY(file_->truncate(layout.file_bytes()));
  TRY(file_->sync_data());
  file_.reset();
  return files_->sync_directory(io::parent_path(path_));
}

Result<BlobFileReader> BlobFileReader::open(io::FileSystem& files, const std::string& path,
                                            RecordSeed seed, const Id128& id, uint64_t size_bytes) {
  if (size_bytes > kBlobBytesMax) return Error(Code::kCorrupt, "a blob of an impossible size");
  TRY_ASSIGN(auto file, files.open(path, io::OpenOptions{}));
  BlobFileReader reader(seed, id, size_bytes, std::move(file));
  TRY_ASSIGN(const uint64_t file_bytes, reader.file_->size());
  if (file_bytes != reader.layout_.file_bytes()) {
    return Error(Code::kCorrupt, fmt::format("blob file of {} bytes, {} expected", file_bytes,
                                             reader.layout_.file_bytes()));
  }
  TRY_ASSIGN(const ByteVector header, reader.read_exactly(0, kBlobHeaderBytes));
  TRY(check_blob_header(seed, id, header));
  TRY_ASSIGN(const ByteVector footer,
             reader.read_exactly(reader.layout_.footer_offset(), kBlobFooterBytes));
  TRY(check_blob_footer(seed, id, size_bytes, footer));
  return reader;
}

Result<ByteVector> BlobFileReader::read_exactly(uint64_t offset, uint64_t bytes) {
  ByteVector out(bytes);
  TRY_ASSIGN(const size_t got, file_->read_at(offset, out));
  if (got != bytes) return Error(Code::kCorrupt, "the blob's file ends too early");
  return out;
}

Result<ByteVector> BlobFileReader::read_blocks(uint64_t first_block, uint64_t count) {
  CHECK(count > 0 && count <= kRunBlocksMax && first_block + count <= layout_.blocks());
  const uint64_t last = first_block + count - 1;
  const uint64_t data_bytes = (count - 1) * kBlockBytes + layout_.block_bytes(last);
  TRY_ASSIGN(ByteVector data, read_exactly(BlobLayout::block_offset(first_block),
                                           round_up(data_bytes, kBlobAlignment)));
  TRY_ASSIGN(const ByteVector table,
             read_exactly(layout_.table_offset() + first_block * 8, count * 8));
  TRY(check_blocks(first_block, count, data, table));
  data.resize(data_bytes);
  return data;
}

Status BlobFileReader::check_blocks(uint64_t first_block, uint64_t count, Bytes padded,
                                    Bytes table) const {
  CHECK(table.size() == count * 8);
  const std::vector<uint64_t> computed = checksums_of(seed_, id_, first_block, padded);
  CHECK(computed.size() == count);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t stored = load_little<uint64_t>(table.data() + i * 8);
    if (stored != computed[i]) {
      return Error(Code::kCorrupt,
                   fmt::format("block {}: checksum {:016x} stored, {:016x} computed",
                               first_block + i, stored, computed[i]));
    }
  }
  return {};
}

Status BlobFileReader::verify_all() {
  TRY_ASSIGN(const ByteVector tail,
             read_exactly(layout_.table_offset(), layout_.file_bytes() - layout_.table_offset()));
  TRY(check_blob_tail(seed_, id_, layout_.size_bytes, tail));
  for (uint64_t block = 0; block < layout_.blocks(); block += kRunBlocksMax) {
    TRY(read_blocks(block, std::min(kRunBlocksMax, layout_.blocks() - block)));
  }
  return {};
}

}  // namespace strata::drive
