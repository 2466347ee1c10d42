// Checking the files of an index: tables and values, each against the checksum of the whole file
// that RocksDB keeps in its manifest; read directly from the medium, piece by piece.
//
// What no lookup has met is found by this: a block that nobody reads, a filter, a file's end.
//
// Thread rule: one thread at a time. Every call may block.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "common/base/bytes.h"
#include "common/io/file_system.h"
#include "objstore/drive/index.h"

namespace strata::drive {

class IndexFileCheck {
 public:
  // folder: the index's. kNotFound when the file is not there: merged into others meanwhile, if the
  // index does not list it any more.
  [[nodiscard]] static Result<IndexFileCheck> open(io::FileSystem& files, const std::string& folder,
                                                   const IndexFile& file);

  // The next MiB. True when that was the last and the file is good; kCorrupt with
  // kReasonIndexDamaged when it is not.
  [[nodiscard]] Result<bool> step();
  // Read since open.
  [[nodiscard]] uint64_t bytes_read() const noexcept { return bytes_read_; }

 private:
  struct Free {
    void operator()(std::byte* memory) const noexcept { std::free(memory); }
  };
  IndexFileCheck(IndexFile file, std::unique_ptr<io::File> opened);

  IndexFile file_;
  std::unique_ptr<io::File> opened_;
  uint32_t sum_ = 0;
  std::unique_ptr<std::byte[], Free> buffer_;  // aligned for direct reads
  uint64_t bytes_read_ = 0;
};

}  // namespace strata::drive
