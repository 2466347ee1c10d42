#include "blockdev/snapshot/copy_set.h"

#include <algorithm>
#include <cstring>

#include "common/base/check.h"

namespace strata::snapshot {
namespace {

constexpr std::string_view kNoRoom = "no room to preserve what a snapshot in progress still needs";
constexpr std::string_view kTooShort = "the scratch file of a snapshot is too short";

}  // namespace

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
  partly_kept_.clear();
  partly_kept_order_.clear();
}

bool CopySet::needed(uint64_t chunk) const {
  return pending_->test(chunk) ||
         std::find(being_read_.begin(), being_read_.end(), chunk) != being_read_.end();
}

CopySet::Keep CopySet::plan(uint64_t offset, uint64_t length, std::vector<BlockRun>& runs) const {
  const std::lock_guard lock(mutex_);
  if (pending_ == nullptr || error_) return Keep::kNothing;
  const uint64_t chunk = offset / chunks::kChunkBytes;
  const uint64_t last_chunk = std::min((offset + length - 1) / chunks::kChunkBytes,
                                       (size_bytes_ - 1) / chunks::kChunkBytes);
  bool any = false;
  for (uint64_t at = chunk; at <= last_chunk && !any; ++at) any = needed(at);
  if (!any) return Keep::kNothing;
  const size_t first = offset % chunks::kChunkBytes / kBlockBytes;
  const size_t end = ((offset + length - 1) % chunks::kChunkBytes) / kBlockBytes + 1;
  if ((offset + length - 1) / chunks::kChunkBytes != chunk || end - first > kSmallWriteBlocksMax) {
    return Keep::kChunk;
  }
  const auto found = partly_kept_.find(chunk);
  if (found == partly_kept_.end() && partly_kept_.size() >= kPartlyKeptMax) return Keep::kChunk;
  const BlockSet kept = found == partly_kept_.end() ? BlockSet() : found->second;
  const size_t before = runs.size();
  size_t more = 0;
  for (size_t block = first; block < end; ++block) {
    // Bytes past the snapshot's end are in no snapshot.
    if (kept.test(block) || bytes_inside({chunk, block, 1}) == 0) continue;
    ++more;
    if (runs.size() > before && runs.back().first + runs.back().count == block) {
      ++runs.back().count;
    } else {
      runs.push_back({chunk, block, 1});
    }
  }
  if (kept.count() + more <= kBlocksKeptMax) return Keep::kBlocks;
  runs.resize(before);
  return Keep::kChunk;
}

uint64_t CopySet::bytes_inside(const BlockRun& run) const noexcept {
  const uint64_t offset = run.offset();
  return offset >= size_bytes_ ? 0 : std::min(run.count * kBlockBytes, size_bytes_ - offset);
}

void CopySet::keep_blocks(const std::vector<BlockRun>& runs, MutableBytes room, BlockingIo& image) {
  if (runs.empty()) return;
  const Status kept = read_runs(runs, room, image);
  const std::lock_guard lock(mutex_);
  if (!kept.ok()) {
    fail(kept.error());
    changed_.notify_all();
    return;
  }
  for (const BlockRun& run : runs) {
    // One that was copied in the meantime needs them no more.
    if (pending_ == nullptr || error_ || !needed(run.chunk)) continue;
    const auto [at, is_first] = partly_kept_.try_emplace(run.chunk);
    if (is_first) partly_kept_order_.push_back(run.chunk);
    for (size_t i = 0; i < run.count; ++i) at->second.set(run.first + i);
  }
}

Status CopySet::read_runs(const std::vector<BlockRun>& runs, MutableBytes room, BlockingIo& image) {
  std::vector<BlockingIo::Piece> pieces;
  pieces.reserve(runs.size());
  for (const BlockRun& run : runs) {
    const size_t bytes = run.count * kBlockBytes;
    CHECK(bytes <= room.size());
    pieces.push_back({run.offset(), room.first(bytes_inside(run))});
    room = room.subspan(bytes);
  }
  TRY(image.read(pieces));
  TRY(open_scratch());
  for (const BlockingIo::Piece& piece : pieces) {
    const Status written = scratch_->write_at(piece.offset, piece.into);
    if (!written.ok()) return written.error().with_context(kNoRoom);
  }
  return {};
}

// Only the office makes, writes and, between two snapshots, closes the scratch file.
Status CopySet::open_scratch() {
  if (scratch_ != nullptr) return {};
  TRY_ASSIGN(auto made,
             files_.open(scratch_path_, {.write = true, .create = true, .truncate = true}));
  const std::lock_guard lock(mutex_);
  scratch_ = std::move(made);
  return {};
}

// Under mutex_.
CopySet::BlockSet CopySet::take_kept(uint64_t chunk) {
  const auto found = partly_kept_.find(chunk);
  if (found == partly_kept_.end()) return {};
  const BlockSet kept = found->second;
  partly_kept_.erase(found);
  return kept;
}

// The kept blocks over the chunk's bytes as they were read from the image.
Status CopySet::put_over(uint64_t chunk, const BlockSet& kept, MutableBytes bytes) {
  for (size_t block = 0; block < kBlocksPerChunk; ++block) {
    if (!kept.test(block)) continue;
    BlockRun run{chunk, block, 1};
    while (block + 1 < kBlocksPerChunk && kept.test(block + 1)) {
      ++run.count;
      ++block;
    }
    const MutableBytes into = bytes.subspan(run.first * kBlockBytes, bytes_inside(run));
    TRY_ASSIGN(const size_t got, scratch_->read_at(run.offset(), into));
    if (got != into.size()) return Error(Code::kIo, std::string(kTooShort));
  }
  return {};
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
  BlockSet kept;
  {
    const std::lock_guard lock(mutex_);
    kept = take_kept(chunk);
  }
  TRY(put_over(chunk, kept, buffer.bytes()));
  {
    const std::lock_guard lock(mutex_);
    if (in_memory_.size() < kInMemoryMax) {
      in_memory_.push_back({chunk, std::move(buffer)});
      return {};
    }
  }
  TRY(open_scratch());
  const Status written = scratch_->write_at(chunk * chunks::kChunkBytes, buffer.bytes());
  if (!written.ok()) return written.error().with_context(kNoRoom);
  const std::lock_guard lock(mutex_);
  in_scratch_.push_back(chunk);
  return {};
}

// Chunks of which blocks are kept come first: each write to them takes longer until they are
// copied.
std::optional<uint64_t> CopySet::choose() {
  while (!partly_kept_order_.empty()) {
    const uint64_t chunk = partly_kept_order_.front();
    partly_kept_order_.pop_front();
    if (pending_->test(chunk)) return chunk;
  }
  const auto chunk = pending_->find({cursor_, chunks::chunks_of(size_bytes_)}, true);
  if (chunk) cursor_ = *chunk + 1;
  return chunk;
}

Result<std::optional<uint64_t>> CopySet::next(BlockingIo& image, MutableBytes into) {
  std::unique_lock lock(mutex_);
  CHECK(pending_ != nullptr);
  std::optional<uint64_t> chunk;
  // One that is being preserved right now is neither pending nor kept yet; it comes.
  changed_.wait(lock, [&] {
    if (error_ || !in_memory_.empty() || !in_scratch_.empty()) return true;
    chunk = choose();
    return chunk.has_value() || preserving_ == 0;
  });
  if (error_) return *error_;
  if (!in_memory_.empty() || !in_scratch_.empty()) return next_preserved(lock, into);
  if (!chunk) return chunk;
  pending_->clear(*chunk);
  being_read_.push_back(*chunk);
  lock.unlock();
  const Status done = image.read_chunk(*chunk, size_bytes_, into);
  lock.lock();
  std::erase(being_read_, *chunk);
  // From here on nobody keeps blocks of it, so what is kept is all that was overwritten.
  const BlockSet kept = take_kept(*chunk);
  ++taken_;
  changed_.notify_all();
  // With an error what is kept has been thrown away.
  if (error_) return *error_;
  lock.unlock();
  if (!done.ok()) return done.error();
  TRY(put_over(*chunk, kept, into));
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
  if (got != into.size()) return Error(Code::kIo, std::string(kTooShort));
  return std::optional(chunk);
}

void CopySet::end() {
  const std::lock_guard lock(mutex_);
  pending_.reset();
  in_memory_.clear();
  in_scratch_.clear();
  partly_kept_.clear();
  partly_kept_order_.clear();
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
