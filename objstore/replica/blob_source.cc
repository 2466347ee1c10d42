#include "objstore/replica/blob_source.h"

#include <algorithm>
#include <optional>

#include "common/base/buffer_pool.h"
#include "objstore/replica/ask_in_turn.h"

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
// from the copy through the check to the socket. Once a device had to be asked, in whole runs, on a
// thread that may block.
constexpr uint64_t kCachedBlocks = 4;
constexpr uint64_t kTableEntriesRead = 512;

// The blob's file on one drive, being read: by one thread at a time.
struct Lane {
  Lane(Core& owner, size_t drive) : core(owner), member(drive) {}

  // The data of these blocks, checked; into buffer. nullopt: a device would have to be asked.
  Result<std::optional<Bytes>> read_cached(uint64_t first, uint64_t count) {
    return read(first, count, [this](uint64_t offset, MutableBytes out) {
      return reader->file().read_cached(offset, out);
    });
  }
  // The same from the device. May block.
  Result<Bytes> read_now(const drive::BlobName& blob, uint64_t first, uint64_t count) {
    TRY(core.drive(member).health());
    if (!reader) {
      TRY_ASSIGN(drive::BlobFileReader opened, core.drive(member).open_blob(blob));
      reader.emplace(std::move(opened));
    }
    TRY_ASSIGN(const std::optional<Bytes> data,
               read(first, count, [this](uint64_t offset, MutableBytes out) {
                 auto got = reader->file().read_at(offset, out);
                 return got.ok() ? Result<std::optional<size_t>>(std::optional<size_t>(*got))
                                 : Result<std::optional<size_t>>(got.error());
               }));
    return *data;
  }

  Core& core;
  const size_t member;
  std::optional<drive::BlobFileReader> reader;
  ByteVector table;  // entries of the blocks from table_first on
  uint64_t table_first = 0;
  BufferPool::Buffer buffer;

 private:
  template <typename ReadAt>
  Result<std::optional<Bytes>> read(uint64_t first, uint64_t count, ReadAt read_at) {
    if (!buffer) buffer = core.buffers.take();
    const drive::BlobLayout& layout = reader->layout();
    const uint64_t have = table.size() / 8;
    if (first < table_first || first + count > table_first + have) {
      table.resize(std::min(kTableEntriesRead, layout.blocks() - first) * 8);
      table_first = first;
      const auto got = exactly(layout.table_offset() + first * 8, table, read_at);
      if (!got.ok() || !*got) table.clear();
      TRY(got);
      if (!*got) return std::optional<Bytes>();
    }
    const uint64_t bytes = (count - 1) * drive::kBlockBytes + layout.block_bytes(first + count - 1);
    const MutableBytes padded = buffer.bytes().first(round_up(bytes, drive::kBlobAlignment));
    TRY_ASSIGN(const bool whole, exactly(drive::BlobLayout::block_offset(first), padded, read_at));
    if (!whole) return std::optional<Bytes>();
    const Bytes entries = Bytes(table).subspan((first - table_first) * 8, count * 8);
    TRY(reader->check_blocks(first, count, padded, entries));
    return std::optional<Bytes>(padded.first(bytes));
  }

  // False: it would block.
  template <typename ReadAt>
  static Result<bool> exactly(uint64_t offset, MutableBytes out, ReadAt read_at) {
    TRY_ASSIGN(const std::optional<size_t> got, read_at(offset, out));
    if (!got) return false;
    if (*got != out.size()) return Error(Code::kCorrupt, "the blob's file ends too early");
    return true;
  }
};

// A lane, with what was just read into its buffer.
struct LanePiece {
  std::shared_ptr<Lane> lane;
  Bytes data;
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
    std::vector<BadCopy> bad;
    if (lane_ && core_.drive(lane_->member).in_service()) {
      const auto cached = lane_->read_cached(first, blocks_from(first));
      if (cached.ok() && *cached) {
        take(first, **cached);
        co_return Status();
      }
      if (!cached.ok()) {
        bad.push_back(BadCopy{lane_->member, cached.error()});
        std::erase(drives_, lane_->member);
        lane_.reset();
      }
    }
    if (lane_) run_blocks_ = drive::kRunBlocksMax;
    const uint64_t count = blocks_from(first);
    std::function<Result<LanePiece>(size_t)> ask = [&core = core_, blob = blob_, lane = lane_,
                                                    first,
                                                    count](size_t member) -> Result<LanePiece> {
      LanePiece piece{
          .lane = lane && lane->member == member ? lane : std::make_shared<Lane>(core, member),
          .data = {}};
      TRY_ASSIGN(piece.data, piece.lane->read_now(blob, first, count));
      return piece;
    };
    lane_.reset();  // until it has answered it may be in use
    std::vector<size_t> drives = drives_;
    core_.suspects.order(drives);
    auto asked = co_await ask_in_turn<LanePiece>(core_, std::move(drives), std::move(ask));
    for (BadCopy& copy : asked.bad) {
      std::erase(drives_, copy.member);
      bad.push_back(std::move(copy));
    }
    if (!asked.value) {
      report_bad(core_, bad, "blob", blob_.id.to_hex());
      if (asked.bad.empty()) asked.bad = std::move(bad);
      co_return nobody_has_it(core_, asked, placement_, "no drive has a good copy of the data");
    }
    if (!bad.empty()) heal_blob(core_, bad, placement_, blob_);
    lane_ = std::move(asked.value->lane);
    // The one that had it is asked first for what follows.
    std::ranges::stable_partition(drives_, [&](size_t seat) { return seat == lane_->member; });
    take(first, asked.value->data);
    co_return Status();
  }

  Task<Result<Bytes>> next() override {
    if (piece_.empty() && position_ < end_) CO_TRY(co_await fill());
    co_return std::exchange(piece_, Bytes());
  }
  // Every block was checked before it was given out.
  [[nodiscard]] bool ended() const noexcept override { return piece_.empty() && position_ == end_; }

 private:
  [[nodiscard]] uint64_t blocks_from(uint64_t first) const {
    return std::min(run_blocks_, (end_ - 1) / drive::kBlockBytes - first + 1);
  }
  // The data begins with the block `first`.
  void take(uint64_t first, Bytes data) {
    const uint64_t skip = position_ - first * drive::kBlockBytes;
    const uint64_t bytes = std::min<uint64_t>(data.size() - skip, end_ - position_);
    piece_ = data.subspan(skip, bytes);
    position_ += bytes;
  }

  Core& core_;
  uint64_t placement_;
  drive::BlobName blob_;
  uint64_t position_;
  uint64_t end_;
  uint64_t run_blocks_ = kCachedBlocks;
  std::vector<size_t> drives_;  // without those whose copy was found bad
  std::shared_ptr<Lane> lane_;  // holds piece_; null while nobody has answered
  Bytes piece_;
};

// The small blob: at once if the first drive has it in memory, else from pool threads.
Task<Result<ByteVector>> read_small_anywhere(Core& core, uint64_t placement, drive::BlobName blob) {
  std::vector<BadCopy> bad;
  std::vector<size_t> drives = core.in_service(placement);
  while (!drives.empty()) {
    auto quick = core.drive(drives.front()).get_small(blob, drive::Tier::kMemory);
    if (quick.ok() && quick->would_block) break;
    if (quick.ok()) {
      if (!bad.empty()) heal_blob(core, bad, placement, blob);
      co_return std::move(quick->bytes);
    }
    bad.push_back(BadCopy{drives.front(), quick.error()});
    drives.erase(drives.begin());
  }
  std::function<Result<ByteVector>(size_t)> ask = [&core,
                                                   blob](size_t member) -> Result<ByteVector> {
    TRY_ASSIGN(auto found, core.drive(member).get_small(blob, drive::Tier::kDisk));
    return std::move(found.bytes);
  };
  auto asked = co_await ask_in_turn<ByteVector>(core, std::move(drives), std::move(ask));
  asked.bad.insert(asked.bad.begin(), bad.begin(), bad.end());
  if (asked.value) {
    if (!asked.bad.empty()) heal_blob(core, asked.bad, placement, blob);
    co_return std::move(*asked.value);
  }
  report_bad(core, asked.bad, "blob", blob.id.to_hex());
  co_return nobody_has_it(core, asked, placement, "no drive has a good copy of the data");
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
