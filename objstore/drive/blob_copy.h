// BlobCopy: a blob's file being made anew on a drive from another drive's copy, some blocks at a
// time. It replaces the file that is there, if any, when all of it is flushed.
//
// Thread rule: one thread at a time; every call may block. The drive outlives it.
#pragma once

#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "objstore/drive/blob_file.h"
#include "objstore/drive/blob_format.h"

namespace strata::drive {

class Drive;

class BlobCopy {
 public:
  BlobCopy(BlobCopy&& other) noexcept;
  BlobCopy& operator=(BlobCopy&&) = delete;
  BlobCopy(const BlobCopy&) = delete;
  // What has been copied goes, unless it was all.
  ~BlobCopy();

  // Copies blocks, verified on the way, until about bytes_max have been moved: true when the blob
  // is there. Another reader of the same blob may supply the rest. An error of the drive itself
  // takes it out of service (Drive::write_failed); any other is the reader's. kBusy: somebody took
  // what was copied for garbage, as it stood still for very long; begin again.
  [[nodiscard]] Result<bool> step(BlobFileReader& from, uint64_t bytes_max);
  [[nodiscard]] uint64_t blocks_copied() const noexcept { return next_block_; }

 private:
  friend class Drive;  // begin_copy
  BlobCopy(Drive& drive, const BlobName& blob, std::string target, std::string fresh,
           BlobFileWriter writer)
      : drive_(&drive),
        blob_(blob),
        target_(std::move(target)),
        fresh_(std::move(fresh)),
        writer_(std::move(writer)) {}
  [[nodiscard]] Status finish();

  Drive* drive_;  // null when it is done, or another one goes on with it
  BlobName blob_;
  std::string target_;
  std::string fresh_;
  BlobFileWriter writer_;
  uint64_t next_block_ = 0;
  std::vector<uint64_t> checksums_;
};

}  // namespace strata::drive
