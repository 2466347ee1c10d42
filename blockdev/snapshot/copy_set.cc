#include "blockdev/snapshot/copy_set.h"

#include <algorithm>
#include <cstring>

#include "common/base/check.h"

namespace strata::snapshot {

Status CopySet::begin(const Bitmap* frozen, uint64_t size_bytes) {
  const std::lock_guard lock(mutex_);
  CHECK(pending_ == nullptr, "one snapshot of a volume at a time");
  TRY_ASSIGN(pending_, Bitmap::create());
  size_bytes_ = size_bytes;
  const ChunkRange all{0, chunks::chunks_of(size_bytes)};
  if (frozen == nullptr) {
    pending_->set_range(all);
  } else {
    pending_->add(*frozen, all.end);
    // Bits past the end belong to nobody: a damaged page has them set.
    for (uint64_t bit = all.end; bit < (all.end + 63) / 64 * 64; ++bit) pending_->clear(bit);
  }
  total_ = pending_->count(all);
  taken_ = 0;
  cursor_ = 0;
  error_.reset();
  return {};
}

void CopySet::fail(const Error& error) {
  if (!error_) error_ = error;
  if (pending_ != nullptr) pending_->clear_all();
}

void CopySet::preserve(ChunkRange range, BlockingIo& image) {
  std::unique_lock lock(mutex_);
  if (pending_ == nullptr) return;
  const ChunkRange inside{range.first, std::min(range.end, chunks::chunks_of(size_bytes_))};
  // A copier that reads a chunk of the range has it soon.
  changed_.wait(lock, [&] {
    return std::none_of(being_read_.begin(), being_read_.end(), [&](uint64_t chunk) {
      return chunk >= inside.first && chunk < inside.end;
    });
  });
  uint64_t at = inside.first;
  while (pending_ != nullptr && at < inside.end) {
    const auto chunk = pending_->find({at, inside.end}, true);
    if (!chunk) return;
    pending_->clear(*chunk);
    at = *chunk + 1;
    ++preserving_;
    lock.unlock();
    const Status kept = preserve_one(*chunk, image);
    lock.lock();
    --preserving_;
    if (!kept.ok()) fail(kept.error());
    changed_.notify_all();
  }
}

Status CopySet::preserve_one(uint64_t chunk, BlockingIo& image) {
  TRY_ASSIGN(ChunkBuffer buffer, ChunkBuffer::create());
  TRY(image.read_chunk(chunk, size_bytes_, buffer.bytes()));
  {
    const std::lock_guard lock(mutex_);
    if (in_memory_.size() < kInMemoryMax) {
      in_memory_.push_back({chunk, std::move(buffer)});
      return {};
    }
    if (scratch_ == nullptr) {
      TRY_ASSIGN(scratch_,
                 files_.open(scratch_path_, {.write = true, .create = true, .truncate = true}));
    }
  }
  // Only the office makes, writes and, between two snapshots, closes the scratch file.
  const Status written = scratch_->write_at(chunk * chunks::kChunkBytes, buffer.bytes());
  if (!written.ok()) {
    return written.error().with_context(
        "no room to preserve what a snapshot in progress still needs");
  }
  const std::lock_guard lock(mutex_);
  in_scratch_.push_back(chunk);
  return {};
}

Result<std::optional<uint64_t>> CopySet::next(BlockingIo& image, MutableBytes into) {
  std::unique_lock lock(mutex_);
  CHECK(pending_ != nullptr);
  std::optional<uint64_t> chunk;
  // One that is being preserved right now is neither pending nor kept yet; it comes.
  changed_.wait(lock, [&] {
    if (error_ || !in_memory_.empty() || !in_scratch_.empty()) return true;
    chunk = pending_->find({cursor_, chunks::chunks_of(size_bytes_)}, true);
    return chunk.has_value() || preserving_ == 0;
  });
  if (error_) return *error_;
  if (!in_memory_.empty() || !in_scratch_.empty()) return next_preserved(lock, into);
  if (!chunk) return chunk;
  pending_->clear(*chunk);
  cursor_ = *chunk + 1;
  being_read_.push_back(*chunk);
  lock.unlock();
  const Status done = image.read_chunk(*chunk, size_bytes_, into);
  lock.lock();
  std::erase(being_read_, *chunk);
  ++taken_;
  changed_.notify_all();
  if (!done.ok()) return done.error();
  return chunk;
}

Result<std::optional<uint64_t>> CopySet::next_preserved(std::unique_lock<std::mutex>& lock,
                                                        MutableBytes into) {
  ++taken_;
  if (!in_memory_.empty()) {
    const Preserved preserved = std::move(in_memory_.front());
    in_memory_.pop_front();
    lock.unlock();
    std::memcpy(into.data(), preserved.bytes.bytes().data(), into.size());
    return std::optional(preserved.chunk);
  }
  const uint64_t chunk = in_scratch_.front();
  in_scratch_.pop_front();
  lock.unlock();
  TRY_ASSIGN(const size_t got, scratch_->read_at(chunk * chunks::kChunkBytes, into));
  if (got != into.size()) return Error(Code::kIo, "the scratch file of a snapshot is too short");
  return std::optional(chunk);
}

void CopySet::end() {
  const std::lock_guard lock(mutex_);
  pending_.reset();
  in_memory_.clear();
  in_scratch_.clear();
  if (scratch_ == nullptr) return;
  scratch_.reset();
  (void)files_.remove_file(scratch_path_);
}

uint64_t CopySet::total() const {
  const std::lock_guard lock(mutex_);
  return total_;
}

uint64_t CopySet::taken() const {
  const std::lock_guard lock(mutex_);
  return taken_;
}

uint64_t CopySet::size_bytes() const {
  const std::lock_guard lock(mutex_);
  return size_bytes_;
}

}  // namespace strata::snapshot
