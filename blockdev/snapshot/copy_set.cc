#include "blockdev/snapshot/copy_set.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

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
  room_ = KeptRoom::create(slabs_max_);
  return {};
}

void CopySet::fail(const Error& error) {
  if (!error_) error_ = error;
  if (pending_ != nullptr) pending_->clear_all();
  forget_kept();
}

void CopySet::forget_kept() noexcept {
  partly_kept_.clear();
  partly_kept_order_.clear();
  runs_ = 0;
}

bool CopySet::needed(uint64_t chunk) const {
  return pending_->test(chunk) ||
         std::find(being_read_.begin(), being_read_.end(), chunk) != being_read_.end();
}

bool CopySet::none_being_read(ChunkRange range) const {
  return std::none_of(being_read_.begin(), being_read_.end(),
                      [&](uint64_t chunk) { return chunk >= range.first && chunk < range.end; });
}

CopySet::Plan CopySet::plan(uint64_t offset, uint64_t length) const {
  const std::lock_guard lock(mutex_);
  if (pending_ == nullptr || error_) return {};
  const uint64_t chunk = offset / chunks::kChunkBytes;
  const uint64_t last_chunk = std::min((offset + length - 1) / chunks::kChunkBytes,
                                       (size_bytes_ - 1) / chunks::kChunkBytes);
  bool any = false;
  for (uint64_t at = chunk; at <= last_chunk && !any; ++at) any = needed(at);
  if (!any) return {};
  const size_t first = offset % chunks::kChunkBytes / kBlockBytes;
  const size_t end = ((offset + length - 1) % chunks::kChunkBytes) / kBlockBytes + 1;
  if ((offset + length - 1) / chunks::kChunkBytes != chunk || end - first > kSmallWriteBlocksMax) {
    return {.keep = Keep::kChunk};
  }
  const auto found = partly_kept_.find(chunk);
  Plan plan{.keep = Keep::kBlocks, .run = {.chunk = chunk}};
  size_t more = 0;
  for (size_t block = first; block < end; ++block) {
    // Bytes past the snapshot's end are in no snapshot.
    if (inside({chunk, block, 1}) == 0) break;
    if (found != partly_kept_.end() && found->second.blocks.test(block)) continue;
    if (more++ == 0) plan.run.first = block;
    plan.run.count = block + 1 - plan.run.first;
  }
  const size_t before = found == partly_kept_.end() ? 0 : found->second.blocks.count();
  if (more > 0 && (before + more > kBlocksKeptMax || runs_ >= kRunsMax)) {
    return {.keep = Keep::kChunk};
  }
  return plan;
}

uint64_t CopySet::inside(const BlockRun& run) const noexcept {
  const uint64_t offset = run.offset();
  return offset >= size_bytes_ ? 0 : std::min(run.count * kBlockBytes, size_bytes_ - offset);
}

uint64_t CopySet::bytes_inside(const BlockRun& run) const {
  const std::lock_guard lock(mutex_);
  return inside(run);
}

KeptRoom::Piece CopySet::room_for(const BlockRun& run) {
  std::shared_ptr<KeptRoom> room;
  {
    const std::lock_guard lock(mutex_);
    room = room_;
  }
  return room == nullptr ? KeptRoom::Piece() : room->take(run.count);
}

void CopySet::kept(const BlockRun& run, KeptRoom::Piece piece, const Status& read) {
  const std::lock_guard lock(mutex_);
  if (read.ok()) return note_kept(run, std::move(piece), 0);
  if (pending_ == nullptr) return;
  fail(read.error());
  changed_.notify_all();
}

// Under mutex_.
void CopySet::note_kept(const BlockRun& run, KeptRoom::Piece piece, uint64_t offset) {
  // One that was copied in the meantime needs them no more.
  if (pending_ == nullptr || error_ || !needed(run.chunk)) return;
  const auto [at, is_first] = partly_kept_.try_emplace(run.chunk);
  if (is_first) partly_kept_order_.push_back(run.chunk);
  KeptChunk& chunk = at->second;
  uint8_t blocks = 0;
  for (size_t i = 0; i < run.count; ++i) {
    if (chunk.blocks.test(run.first + i)) continue;
    chunk.blocks.set(run.first + i);
    blocks = static_cast<uint8_t>(blocks | 1U << i);
  }
  if (blocks == 0) return;
  chunk.runs.push_back({static_cast<uint8_t>(run.first), blocks, std::move(piece), offset});
  ++runs_;
}

void CopySet::keep_blocks(const std::vector<BlockRun>& runs, BlockingIo& image) {
  // As many at once as a chunk has room for.
  constexpr size_t kAtOnce = kBlocksPerChunk / kSmallWriteBlocksMax;
  std::span<const BlockRun> left = runs;
  while (!left.empty()) {
    const std::span<const BlockRun> some = left.first(std::min(kAtOnce, left.size()));
    left = left.subspan(some.size());
    const Status kept = read_and_keep(some, image);
    if (kept.ok()) continue;
    const std::lock_guard lock(mutex_);
    fail(kept.error());
    changed_.notify_all();
    return;
  }
}

Status CopySet::read_and_keep(std::span<const BlockRun> runs, BlockingIo& image) {
  std::vector<KeptRoom::Piece> memory;
  std::vector<BlockingIo::Piece> reads;
  std::optional<ChunkBuffer> buffer;
  size_t buffered = 0;
  memory.reserve(runs.size());
  reads.reserve(runs.size());
  for (const BlockRun& run : runs) {
    std::byte* into = memory.emplace_back(room_for(run)).get();
    if (into == nullptr) {
      if (!buffer) {
        TRY_ASSIGN(buffer, ChunkBuffer::create());
      }
      into = buffer->bytes().data() + buffered;
      buffered += run.count * kBlockBytes;
    }
    reads.push_back({run.offset(), {into, bytes_inside(run)}});
  }
  TRY(image.read(reads));
  uint64_t offset = 0;
  if (buffered > 0) {
    TRY_ASSIGN(offset, append_to_scratch(buffer->bytes().first(buffered)));
  }
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < runs.size(); ++i) {
    const uint64_t at = offset;
    if (memory[i] == nullptr) offset += runs[i].count * kBlockBytes;
    note_kept(runs[i], std::move(memory[i]), at);
  }
  return {};
}

// Only the office makes, writes and, between two snapshots, closes the scratch file.
Result<uint64_t> CopySet::append_to_scratch(Bytes bytes) {
  if (scratch_ == nullptr) {
    TRY_ASSIGN(auto made,
               files_.open(scratch_path_, {.write = true, .create = true, .truncate = true}));
    const std::lock_guard lock(mutex_);
    scratch_ = std::move(made);
    scratch_end_ = 0;
  }
  const Status written = scratch_->write_at(scratch_end_, bytes);
  if (!written.ok()) return written.error().with_context(kNoRoom);
  return std::exchange(scratch_end_, scratch_end_ + bytes.size());
}

// Under mutex_.
CopySet::KeptChunk CopySet::take_kept(uint64_t chunk) {
  const auto found = partly_kept_.find(chunk);
  if (found == partly_kept_.end()) return {};
  KeptChunk kept = std::move(found->second);
  partly_kept_.erase(found);
  runs_ -= kept.runs.size();
  return kept;
}

// The kept blocks over the chunk's bytes as they were read from the image.
Status CopySet::put_over(const KeptChunk& kept, uint64_t chunk, MutableBytes bytes) {
  ByteVector from_scratch;
  for (const KeptRun& run : kept.runs) {
    const auto count = static_cast<size_t>(std::bit_width(run.blocks));
    const std::byte* from = run.piece.get();
    if (from == nullptr) {
      from_scratch.resize(count * kBlockBytes);
      TRY_ASSIGN(const size_t got, scratch_->read_at(run.offset, from_scratch));
      if (got != from_scratch.size()) return Error(Code::kIo, std::string(kTooShort));
      from = from_scratch.data();
    }
    for (size_t i = 0; i < count; ++i) {
      if ((run.blocks >> i & 1U) == 0) continue;
      const size_t block = run.first + i;
      std::memcpy(&bytes[block * kBlockBytes], from + i * kBlockBytes,
                  bytes_inside({chunk, block, 1}));
    }
  }
  return {};
}

void CopySet::preserve(ChunkRange range, BlockingIo& image) {
  std::unique_lock lock(mutex_);
  if (pending_ == nullptr) return;
  const ChunkRange inside{range.first, std::min(range.end, chunks::chunks_of(size_bytes_))};
  for (;;) {
    // A copier that reads a chunk of the range has it soon. Each time: one may have taken a chunk
    // of the range while another one of it was being preserved.
    changed_.wait(lock, [&] { return none_being_read(inside); });
    if (pending_ == nullptr) return;
    const auto chunk = pending_->find(inside, true);
    if (!chunk) return;
    pending_->clear(*chunk);
    // Small writes to it go on, and keep their blocks.
    being_read_.push_back(*chunk);
    ++preserving_;
    lock.unlock();
    const Status kept = preserve_one(*chunk, image);
    lock.lock();
    std::erase(being_read_, *chunk);
    --preserving_;
    if (!kept.ok()) fail(kept.error());
    changed_.notify_all();
  }
}

Status CopySet::preserve_one(uint64_t chunk, BlockingIo& image) {
  TRY_ASSIGN(ChunkBuffer buffer, ChunkBuffer::create());
  TRY(image.read_chunk(chunk, size_bytes_, buffer.bytes()));
  KeptChunk kept;
  {
    const std::lock_guard lock(mutex_);
    std::erase(being_read_, chunk);
    kept = take_kept(chunk);
  }
  TRY(put_over(kept, chunk, buffer.bytes()));
  {
    const std::lock_guard lock(mutex_);
    if (in_memory_.size() < kInMemoryMax) {
      in_memory_.push_back({chunk, std::move(buffer)});
      return {};
    }
  }
  TRY_ASSIGN(const uint64_t offset, append_to_scratch(buffer.bytes()));
  const std::lock_guard lock(mutex_);
  in_scratch_.push_back({chunk, offset});
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
  const KeptChunk kept = take_kept(*chunk);
  ++taken_;
  changed_.notify_all();
  // With an error what is kept has been thrown away.
  if (error_) return *error_;
  lock.unlock();
  if (!done.ok()) return done.error();
  TRY(put_over(kept, *chunk, into));
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
  const InScratch preserved = in_scratch_.front();
  in_scratch_.pop_front();
  lock.unlock();
  TRY_ASSIGN(const size_t got, scratch_->read_at(preserved.offset, into));
  if (got != into.size()) return Error(Code::kIo, std::string(kTooShort));
  return std::optional(preserved.chunk);
}

void CopySet::end() {
  const std::lock_guard lock(mutex_);
  pending_.reset();
  in_memory_.clear();
  in_scratch_.clear();
  forget_kept();
  // Who is still reading into a piece of it keeps it.
  room_.reset();
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
