// One blob's file: written once, front to back; read in ranges, each block checked.
//
// It is written directly, past the page cache: what was just stored is rarely what is read next,
// and a flush then has nothing left to write. It is read through the page cache, where what is
// asked for often stays.
//
// Thread rule: one thread at a time. Every call may block: call from a pool. Tasks that would
// rather not block use file() and the layout.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/io/file_system.h"
#include "objstore/drive/blob_format.h"

namespace strata::drive {

// The checksums of a run of whole blocks (the last one may be short): computed once for all drives.
// padded: the run's data, padded with zeros to a multiple of kBlobAlignment.
[[nodiscard]] std::vector<uint64_t> checksums_of(RecordSeed seed, const Id128& id,
                                                 uint64_t first_block, Bytes padded);

class BlobFileWriter {
 public:
  // Makes the file and, where the blob's size is known, reserves its space. Its folder's entry is
  // flushed by finish.
  [[nodiscard]] static Result<BlobFileWriter> create(io::FileSystem& files, std::string path,
                                                     RecordSeed seed, const Id128& id,
                                                     std::optional<uint64_t> expected_bytes);
  // The blocks from `first_block` on, padded as for checksums_of; aligned as BufferPool's buffers.
  [[nodiscard]] Status write_blocks(uint64_t first_block, Bytes padded);
  // For writing blocks without blocking, at BlobLayout::block_offset.
  [[nodiscard]] io::File& file() const noexcept { return *file_; }
  // Writes the tail and flushes the file and its entry. No write after it.
  [[nodiscard]] Status finish(uint64_t size_bytes, const std::vector<uint64_t>& checksums);

 private:
  BlobFileWriter(io::FileSystem& files, std::string path, RecordSeed seed, const Id128& id,
                 std::unique_ptr<io::File> file)
      : files_(&files), path_(std::move(path)), seed_(seed), id_(id), file_(std::move(file)) {}
  io::FileSystem* files_;
  std::string path_;
  RecordSeed seed_;
  Id128 id_;
  std::unique_ptr<io::File> file_;
  uint64_t reserved_bytes_ = 0;  // the file's size if space was reserved
};

class BlobFileReader {
 public:
  // Checks header and footer: kCorrupt unless this is the blob, of this size, in one piece.
  [[nodiscard]] static Result<BlobFileReader> open(io::FileSystem& files, const std::string& path,
                                                   RecordSeed seed, const Id128& id,
                                                   uint64_t size_bytes);
  // The data of the blocks [first_block, first_block + count), checked, in one piece. At most
  // kRunBlocksMax at a time.
  [[nodiscard]] Result<ByteVector> read_blocks(uint64_t first_block, uint64_t count);
  // The same for blocks that a task has read itself from file(): data as it is in the file, padded,
  // and their entries of the table.
  [[nodiscard]] Status check_blocks(uint64_t first_block, uint64_t count, Bytes padded,
                                    Bytes table) const;
  [[nodiscard]] io::File& file() const noexcept { return *file_; }
  [[nodiscard]] const BlobLayout& layout() const noexcept { return layout_; }
  // Everything: the table too.
  [[nodiscard]] Status verify_all();

 private:
  BlobFileReader(RecordSeed seed, const Id128& id, uint64_t size_bytes,
                 std::unique_ptr<io::File> file)
      : seed_(seed), id_(id), layout_{size_bytes}, file_(std::move(file)) {}
  [[nodiscard]] Result<ByteVector> read_exactly(uint64_t offset, uint64_t bytes);

  RecordSeed seed_;
  Id128 id_;
  BlobLayout layout_;
  std::unique_ptr<io::File> file_;
};

// Blocks moved in one piece: what a reader or writer holds in memory is a small multiple of it.
inline constexpr uint64_t kRunBlocksMax = 16;
inline constexpr uint64_t kRunBytesMax = kRunBlocksMax * kBlockBytes;

}  // namespace strata::drive
