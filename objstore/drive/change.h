// Change: one commit as a drive applies it, whole or not at all.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "objstore/drive/id128.h"

namespace strata::drive {

// Blobs of at most this many bytes live in the index, beside the rows: one flush for both.
inline constexpr uint64_t kSmallBlobBytesMax = 128 * kKiB;

struct BlobName {
  Id128 id;
  uint64_t size_bytes = 0;
  bool in_index = false;
  friend auto operator<=>(const BlobName&, const BlobName&) = default;
};

struct Change {
  uint64_t sequence = 0;   // its place in the order of all changes
  uint64_t agreed = 0;     // every change up to this one had been flushed on all drives in service
  uint64_t trim_to = 0;    // log entries up to this one are needed by nobody
  uint64_t placement = 0;  // hash of the placement's name
  bool marker = false;     // changes nothing: a point in the order that every drive has

  struct Put {
    std::string key;
    std::string value;
    uint64_t value_digest = 0;  // xxh3 of the value
  };
  std::vector<Put> puts;
  std::vector<std::string> deletes;

  struct Adopt {
    BlobName blob;
    ByteVector bytes;     // in_index only
    uint64_t digest = 0;  // xxh3 of the bytes
  };
  std::vector<Adopt> adopts;
  std::vector<BlobName> drops;

  // What it takes in memory and, roughly, in the write-ahead log.
  [[nodiscard]] size_t weight() const noexcept {
    size_t bytes = 256;
    for (const Put& put : puts) bytes += 64 + put.key.size() + put.value.size();
    for (const std::string& key : deletes) bytes += 64 + key.size();
    for (const Adopt& adopt : adopts) bytes += 128 + adopt.bytes.size();
    return bytes + drops.size() * 128;
  }
};

// A change on its way through the committers of several drives.
class PendingChange {
 public:
  virtual ~PendingChange() = default;
  [[nodiscard]] virtual const Change& change() const noexcept = 0;
  // Called once by each committer it was given to, on the committer's thread: the change is flushed
  // on that drive (Durability::kRelaxed: written), or the drive has just gone out of service.
  virtual void ended(size_t drive_tag, const Status& status) noexcept = 0;
  // Durability::kRelaxed only: once behind each ended(), when the change has been flushed on that
  // drive too, or the drive has gone out of service.
  virtual void flushed(size_t /*drive_tag*/) noexcept {}
};

}  // namespace strata::drive
