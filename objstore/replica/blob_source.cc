#include "objstore/replica/blob_source.h"

#include <optional>

#include "common/async/file_io.h"
#include "common/base/buffer_pool.h"
#include "objstore/replica/healer.h"

namespace strata::replica {

namespace {

using async::ByteSource;
using async::Task;

class OwnedSource final : public ByteSource {
 public:
  OwnedSource(ByteVector bytes, uint64_t offset, uint64_t length)
      : bytes_(std::move(bytes)), left_(Bytes(bytes_).subspan(offset, length)) {}
  Task<Result<Bytes>> next() override { co_return std::exchange(left_, Bytes()); }
  [[nodiscard]] bool ended() const noexcept override { return left_.empty(); }

 private:
  ByteVector bytes_;
  Bytes left_;
};

// Read in this many blocks at a time while all is in memory: they stay in the processor's cache
// from the copy through the check to the socket. Once a device was asked, in whole runs.
constexpr uint64_t kCachedBlocks = 4;
constexpr uint64_t kTableEntriesRead = 512;

class FileSource final : public ByteSource {
 public:
  FileSource(Core& core, uint64_t placement, const drive::BlobName& blob, uint64_t offset,
             uint64_t length)
      : core_(core),
        placement_(placement),
        blob_(blob),
        position_(offset),
        end_(offset + length),
        drives_(core.in_service(placement)) {}

  // Reads the piece at position_ into piece_.
  Task<Status> fill() {
    const uint64_t first = position_ / drive::kBlockBytes;
    const uint64_t last = (end_ - 1) / drive::kBlockBytes;
    const uint64_t count = std::min(run_blocks_, last - first + 1);
    std::vector<BadCopy> bad;
    for (; drive_ < drives_.size(); ++drive_, reader_.reset()) {
      Result<Bytes> data = co_await read(first, count);
      if (!data.ok()) {
        bad.push_back(BadCopy{drives_[drive_], data.error()});
        continue;
      }
      if (!bad.empty()) heal_blob(core_, bad, placement_, blob_);
      const uint64_t skip = position_ - first * drive::kBlockBytes;
      const uint64_t bytes = std::min<uint64_t>(data->size() - skip, end_ - position_);
      piece_ = data->subspan(skip, bytes);
      position_ += bytes;
      co_return Status();
    }
    report_bad(core_, bad, "blob", blob_.id.to_hex());
    if (bad.empty()) co_return core_.too_few_drives(placement_);
    co_return bad.front().error.with_context("no drive has a good copy of the data");
  }

  Task<Result<Bytes>> next() override {
    if (piece_.empty() && position_ < end_) CO_TRY(co_await fill());
    co_return std::exchange(piece_, Bytes());
  }
  // Every block was checked before it was given out.
  [[nodiscard]] bool ended() const noexcept override { return piece_.empty() && position_ == end_; }

 private:
  // The data of these blocks from the present drive, checked.
  Task<Result<Bytes>> read(uint64_t first, uint64_t count) {
    const drive::Drive& drive = core_.drive(drives_[drive_]);
    CO_TRY(drive.health());
    if (!reader_) {
      auto open = [this, &drive] { return drive.open_blob(blob_); };
      CO_TRY_ASSIGN(drive::BlobFileReader reader, co_await core_.pool.run(std::move(open)));
      reader_.emplace(std::move(reader));
      table_.clear();
    }
    if (!buffer_) buffer_ = core_.buffers.take();
    CO_TRY(co_await read_table(first, count));
    const drive::BlobLayout& layout = reader_->layout();
    const uint64_t bytes = (count - 1) * drive::kBlockBytes + layout.block_bytes(first + count - 1);
    const MutableBytes padded = buffer_.bytes().first(round_up(bytes, drive::kBlobAlignment));
    CO_TRY(co_await read_exactly(drive::BlobLayout::block_offset(first), padded));
    const Bytes entries = Bytes(table_).subspan((first - table_first_) * 8, count * 8);
    CO_TRY(reader_->check_blocks(first, count, padded, entries));
    co_return Bytes(padded.first(bytes));
  }

  // Makes table_ hold the entries of these blocks.
  Task<Status> read_table(uint64_t first, uint64_t count) {
    const uint64_t have = table_.size() / 8;
    if (first >= table_first_ && first + count <= table_first_ + have) co_return Status();
    const drive::BlobLayout& layout = reader_->layout();
    const uint64_t entries = std::min(kTableEntriesRead, layout.blocks() - first);
    table_.resize(entries * 8);
    table_first_ = first;
    const Status read = co_await read_exactly(layout.table_offset() + first * 8, table_);
    if (!read.ok()) table_.clear();
    co_return read;
  }

  Task<Status> read_exactly(uint64_t offset, MutableBytes out) {
    io::File& file = reader_->file();
    CO_TRY_ASSIGN(const std::optional<size_t> cached, file.read_cached(offset, out));
    size_t got = cached.value_or(0);
    if (!cached) {
      run_blocks_ = drive::kRunBlocksMax;
      CO_TRY_ASSIGN(got, co_await async::read_file_at(core_.pool, file, offset, out));
    }
    if (got != out.size()) co_return Error(Code::kCorrupt, "the blob's file ends too early");
    co_return Status();
  }

  Core& core_;
  uint64_t placement_;
  drive::BlobName blob_;
  uint64_t position_;
  uint64_t end_;
  uint64_t run_blocks_ = kCachedBlocks;
  std::vector<size_t> drives_;
  size_t drive_ = 0;
  std::optional<drive::BlobFileReader> reader_;
  ByteVector table_;  // entries of the blocks from table_first_ on
  uint64_t table_first_ = 0;
  BufferPool::Buffer buffer_;
  Bytes piece_;
};

// The small blob from one drive: at once if it is in memory, else from a pool thread.
Task<Result<ByteVector>> read_small(Core& core, size_t member, drive::BlobName blob) {
  const drive::Drive& drive = core.drive(member);
  auto quick = drive.get_small(blob, drive::Tier::kMemory);
  if (!quick.ok()) co_return std::move(quick).error();
  if (!quick->would_block) co_return std::move(quick->bytes);
  auto job = [&drive, blob]() -> Result<ByteVector> {
    TRY_ASSIGN(auto found, drive.get_small(blob, drive::Tier::kDisk));
    return std::move(found.bytes);
  };
  co_return co_await core.pool.run(std::move(job));
}

Task<Result<ByteVector>> read_small_anywhere(Core& core, uint64_t placement, drive::BlobName blob) {
  std::vector<BadCopy> bad;
  const std::vector<size_t> drives = core.in_service(placement);
  for (const size_t member : drives) {
    Result<ByteVector> bytes = co_await read_small(core, member, blob);
    if (!bytes.ok()) {
      bad.push_back(BadCopy{member, bytes.error()});
      continue;
    }
    if (!bad.empty()) heal_blob(core, bad, placement, blob);
    co_return bytes;
  }
  report_bad(core, bad, "blob", blob.id.to_hex());
  if (bad.empty()) co_return core.too_few_drives(placement);
  co_return bad.front().error.with_context("no drive has a good copy of the data");
}

}  // namespace

Task<Result<std::unique_ptr<ByteSource>>> open_blob_source(Core& core, uint64_t placement,
                                                           drive::BlobName blob, uint64_t offset,
                                                           uint64_t length) {
  if (offset > blob.size_bytes || length > blob.size_bytes - offset) {
    co_return Error(Code::kOutOfRange, "the range lies outside the blob");
  }
  std::unique_ptr<ByteSource> source;
  if (blob.in_index || length == 0) {
    ByteVector bytes;
    if (length > 0) {
      CO_TRY_ASSIGN(bytes, co_await read_small_anywhere(core, placement, blob));
    } else {
      offset = 0;
    }
    source = std::make_unique<OwnedSource>(std::move(bytes), offset, length);
  } else {
    auto file = std::make_unique<FileSource>(core, placement, blob, offset, length);
    CO_TRY(co_await file->fill());
    source = std::move(file);
  }
  co_return std::move(source);
}

}  // namespace strata::replica
