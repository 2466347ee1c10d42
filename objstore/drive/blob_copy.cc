#include "objstore/drive/blob_copy.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/base/buffer_pool.h"
#include "objstore/drive/drive.h"

namespace strata::drive {

namespace {

// The bytes at the start of `into`, padded with zeros as in a blob's file.
Bytes padded_copy(Bytes from, MutableBytes into) {
  const size_t padded = round_up(from.size(), kBlobAlignment);
  CHECK(padded <= into.size());
  std::memcpy(into.data(), from.data(), from.size());
  std::memset(into.data() + from.size(), 0, padded - from.size());
  return into.first(padded);
}

}  // namespace

BlobCopy::BlobCopy(BlobCopy&& other) noexcept
    : drive_(std::exchange(other.drive_, nullptr)),
      blob_(other.blob_),
      target_(std::move(other.target_)),
      fresh_(std::move(other.fresh_)),
      writer_(std::move(other.writer_)),
      next_block_(other.next_block_),
      checksums_(std::move(other.checksums_)) {}

BlobCopy::~BlobCopy() {
  // One that cannot be removed is swept when the drive is next opened.
  if (drive_ != nullptr && drive_->in_service()) (void)drive_->files().remove_file(fresh_);
}

Result<bool> BlobCopy::step(BlobFileReader& from, uint64_t bytes_max) {
  CHECK(drive_ != nullptr, "a copy that is done takes no more steps");
  TRY(drive_->health());
  const BlobLayout layout{blob_.size_bytes};
  BufferPool pool(kRunBytesMax, 0);
  const BufferPool::Buffer buffer = pool.take();
  uint64_t moved = 0;
  while (next_block_ < layout.blocks() && moved < bytes_max) {
    const uint64_t count = std::min(kRunBlocksMax, layout.blocks() - next_block_);
    TRY_ASSIGN(const ByteVector read, from.read_blocks(next_block_, count));
    const Bytes run = padded_copy(read, buffer.bytes());
    const std::vector<uint64_t> sums = checksums_of(drive_->seed(), blob_.id, next_block_, run);
    const Status written = writer_.write_blocks(next_block_, run);
    if (!written.ok()) return drive_->write_failed(written.error());
    checksums_.insert(checksums_.end(), sums.begin(), sums.end());
    next_block_ += count;
    moved += run.size();
  }
  if (next_block_ < layout.blocks()) return false;
  TRY(finish());
  return true;
}

Status BlobCopy::finish() {
  io::FileSystem& files = drive_->files();
  Status done = writer_.finish(blob_.size_bytes, checksums_);
  if (!done.ok()) return drive_->write_failed(done.error());
  done = files.rename(fresh_, target_);
  if (!done.ok() && done.error().code == Code::kNotFound) {
    return Error(Code::kBusy, "what had been copied of a blob was removed; it begins again");
  }
  if (done.ok()) done = files.sync_directory(io::parent_path(target_));
  if (!done.ok()) return drive_->write_failed(done.error());
  drive_ = nullptr;
  return {};
}

}  // namespace strata::drive
