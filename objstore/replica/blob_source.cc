#include "objstore/replica/blob_source.h"

#include <optional>

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

 private:
  ByteVector bytes_;
  Bytes left_;
};

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
    const uint64_t count = std::min(drive::kRunBlocksMax, last - first + 1);
    std::vector<BadCopy> bad;
    for (; drive_ < drives_.size(); ++drive_, reader_.reset()) {
      auto job = [this, first, count] { return read(first, count); };
      Result<ByteVector> data = co_await core_.pool.run(std::move(job));
      if (!data.ok()) {
        bad.push_back(BadCopy{drives_[drive_], data.error()});
        continue;
      }
      if (!bad.empty()) heal_blob(core_, bad, placement_, blob_);
      data_ = std::move(data).value();
      const uint64_t skip = position_ - first * drive::kBlockBytes;
      const uint64_t bytes = std::min<uint64_t>(data_.size() - skip, end_ - position_);
      piece_ = Bytes(data_).subspan(skip, bytes);
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

 private:
  // On a pool thread.
  Result<ByteVector> read(uint64_t first, uint64_t count) {
    const drive::Drive& drive = core_.drive(drives_[drive_]);
    TRY(drive.health());
    if (!reader_) {
      TRY_ASSIGN(drive::BlobFileReader reader, drive.open_blob(blob_));
      reader_.emplace(std::move(reader));
    }
    return reader_->read_blocks(first, count);
  }

  Core& core_;
  uint64_t placement_;
  drive::BlobName blob_;
  uint64_t position_;
  uint64_t end_;
  std::vector<size_t> drives_;
  size_t drive_ = 0;
  std::optional<drive::BlobFileReader> reader_;
  ByteVector data_;
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
