// Checking the whole of one blob's file: header, every block, table, footer; read directly from the
// medium, not from the page cache, piece by piece.
//
// Thread rule: one thread at a time. Every call may block.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>

#include "common/base/bytes.h"
#include "common/io/file_system.h"
#include "objstore/drive/blob_format.h"

namespace strata::drive {

class BlobFileCheck {
 public:
  // Checks the file's length, header, table and footer. kCorrupt unless it is this blob.
  [[nodiscard]] static Result<BlobFileCheck> open(io::FileSystem& files, const std::string& path,
                                                  RecordSeed seed, const Id128& id,
                                                  uint64_t size_bytes);

  // The next MiB. `data`: called with the blob's bytes once they are known to be good; may be
  // empty. True when that was the last.
  using Sink = std::function<void(Bytes data)>;
  [[nodiscard]] Result<bool> step(const Sink& data);
  // Read since open.
  [[nodiscard]] uint64_t bytes_read() const noexcept { return bytes_read_; }

 private:
  struct Free {
    void operator()(std::byte* memory) const noexcept { std::free(memory); }
  };
  using Buffer = std::unique_ptr<std::byte[], Free>;

  BlobFileCheck(RecordSeed seed, const Id128& id, uint64_t size_bytes,
                std::unique_ptr<io::File> file);
  // A whole number of kBlobAlignment, at a multiple of it.
  [[nodiscard]] Result<MutableBytes> read(uint64_t offset, uint64_t bytes);

  RecordSeed seed_;
  Id128 id_;
  BlobLayout layout_;
  std::unique_ptr<io::File> file_;
  Buffer buffer_;  // of kPieceBytes, aligned for direct reads
  ByteVector table_;
  uint64_t next_block_ = 0;
  uint64_t bytes_read_ = 0;
};

}  // namespace strata::drive
