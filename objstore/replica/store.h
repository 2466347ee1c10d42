// Store: what objstore/object needs from below it. Ordered rows, immutable blobs, one atomic,
// durable commit. Implementations: replica_set.h (several drives of this machine, kept alike); a
// cluster's object store can stand beside it.
//
// Vocabulary
//   row        an opaque key and value; rows are ordered by the bytes of their keys
//   blob       immutable bytes with an id of their own, written before the commit that owns
//   it placement  a name whose hash decides the drives; all rows and blobs of one mutation share it
//   sequence   the place of a commit in the one order of changes; never from a wall clock
//
// Guarantees
//   1. A commit that succeeds is flushed on every drive in service that its placement names, and on
//      a majority of the replicas. A commit that fails is there whole or absent.
//   2. get and scan see every commit that succeeded before they were called.
//   3. No byte is returned that was not checked against its checksum and identity on this read.
//   4. A blob that no commit owns is removed: when its writer dies, or when the store next starts.
//
// Thread rule: every method from any event loop; a task stays on the loop that awaited it. Blob
// writers and readers are used by one task at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/async/byte_source.h"
#include "common/async/task.h"
#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"

namespace strata::replica {

// A kIo that is no fault of the disk: the drives that hold it are out of service, or away.
inline constexpr std::string_view kReasonTooFewDrives = "too_few_drives";

struct SequenceTag;
using Sequence = StrongInt<SequenceTag>;

struct BlobId {
  std::array<std::byte, 16> bytes{};
  friend auto operator<=>(const BlobId&, const BlobId&) = default;
  [[nodiscard]] std::string to_hex() const;
};

// How a committed row names a blob. Plain data: the object room writes it into its records.
struct BlobRef {
  BlobId id;
  uint64_t size_bytes = 0;
  bool in_index = false;  // small: its bytes live beside the rows, not in a file
  friend auto operator<=>(const BlobRef&, const BlobRef&) = default;
};

struct Row {
  std::string key;
  std::string value;
  Sequence sequence;  // of the commit that wrote it
};

// A blob being written. Destroying it before a commit owned it removes what was written.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  // The bytes are copied or written before the task finishes. Writes to the drives may still be
  // under way then; their failure is reported by a later append or by finish.
  [[nodiscard]] virtual async::Task<Status> append(Bytes bytes) = 0;
  // Everything appended is flushed on the drives (small blobs: travels with the commit).
  [[nodiscard]] virtual async::Task<Result<BlobRef>> finish() = 0;
};

struct Mutation {
  std::string placement;
  struct Put {
    std::string key;
    std::string value;
  };
  std::vector<Put> puts;
  std::vector<std::string> deletes;  // row keys; deleting what is not there is fine
  std::vector<std::unique_ptr<BlobWriter>>
      adopts;  // finished blobs that this commit owns from now on
  std::vector<BlobRef>
      drops;  // owned blobs that nothing refers to any more; freed when no pin holds them
};

// While a pin lives, blobs dropped after it was taken stay readable.
class ReadPin {
 public:
  virtual ~ReadPin() = default;
};

struct ScanRequest {
  std::string from;        // first key, inclusive
  std::string to;          // end, exclusive; empty means to the last row
  size_t rows_max = 1000;  // 1 to kScanRowsMax
  // Only rows of this placement, which one of its drives can answer for; empty: of all.
  std::string placement{};
};
inline constexpr size_t kScanRowsMax = 10'000;
inline constexpr size_t kRowKeyBytesMax = 4096;
inline constexpr size_t kRowValueBytesMax = 4 * kMiB;
inline constexpr size_t kMutationRowsMax = 20'100;

// Where things stand, for status pages and metrics.
struct DriveStatus {
  std::string path;
  std::string id;
  std::string slot;     // what placements are hashed to; outlives the drive when it is replaced
  uint64_t weight = 0;  // its share of the placements, beside the others' weights
  bool in_service = false;
  std::string state;     // "in service", "joining 43 %", "draining 12 %", or why it is not in use
  bool joining = false;  // being filled: takes changes, does not serve yet
  bool leaving = false;  // serves, and is being drained or replaced
  bool suspect = false;  // in service, but has kept readers waiting lately: is asked last
  uint32_t percent = 0;  // how far the joining or leaving is
  uint64_t capacity_bytes = 0;
  uint64_t available_bytes = 0;
  uint64_t position = 0;  // the last sequence this drive has
};
struct StoreStatus {
  std::vector<DriveStatus> drives;
  uint32_t replicas = 0;
  uint32_t write_quorum = 0;
  bool relaxed = false;         // a success may be lost by a power cut within a second after it
  uint64_t corrupt_found = 0;   // bad copies met since the start
  uint64_t corrupt_healed = 0;  // of those, replaced from a good copy
  uint64_t hedged_reads = 0;    // that were asked of another drive too, since the start
  // The cluster's drives, there or not: not the folders that it does not use, which have no id.
  [[nodiscard]] uint32_t members() const noexcept {
    uint32_t count = 0;
    for (const DriveStatus& drive : drives) count += drive.id.empty() ? 0 : 1;
    return count;
  }
  [[nodiscard]] uint32_t drives_in_service() const noexcept {
    uint32_t count = 0;
    for (const DriveStatus& drive : drives) count += drive.in_service ? 1 : 0;
    return count;
  }
};

class Store {
 public:
  virtual ~Store() = default;

  // Greater than every stamp given out and every sequence committed before, across restarts. For
  // names that must sort by age; a commit's own sequence is at least the stamps inside it.
  [[nodiscard]] virtual Sequence next_stamp() = 0;

  [[nodiscard]] virtual async::Task<Result<std::optional<Row>>> get(std::string placement,
                                                                    std::string key) = 0;
  // Rows in key order, each once.
  [[nodiscard]] virtual async::Task<Result<std::vector<Row>>> scan(ScanRequest request) = 0;

  // expected_bytes: the length if the caller knows it, so that space can be reserved and a blob
  // that cannot fit is refused with kNoSpace at once.
  [[nodiscard]] virtual async::Task<Result<std::unique_ptr<BlobWriter>>> create_blob(
      std::string placement, std::optional<uint64_t> expected_bytes) = 0;
  // Verified bytes [offset, offset + length) of the blob; the range lies inside it.
  [[nodiscard]] virtual async::Task<Result<std::unique_ptr<async::ByteSource>>> read_blob(
      std::string placement, BlobRef blob, uint64_t offset, uint64_t length) = 0;

  [[nodiscard]] virtual async::Task<Result<Sequence>> commit(Mutation mutation) = 0;

  [[nodiscard]] virtual std::unique_ptr<ReadPin> pin() = 0;
  [[nodiscard]] virtual StoreStatus status() const = 0;
};

}  // namespace strata::replica
