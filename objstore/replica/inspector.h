// Inspector: what every drive of a placement has of a row or a blob, read and verified now. For
// receipts: a reader of the store never needs to know.
//
// Thread rule: from any thread that may block; not from a pool thread that others wait for.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "objstore/replica/store.h"

namespace strata::replica {

// One copy on one drive that should have it.
struct CopyReport {
  enum class State {
    kGood,
    kBad,          // it does not match its checksum, or cannot be read
    kMissing,      // the drive has none
    kUnavailable,  // the drive is out of service
  };
  std::string drive_path;
  std::string drive_id;
  State state = State::kMissing;
  std::string error;        // for people, unless it is good
  uint64_t checksum = 0;    // of a row: xxh3 of its record as stored
  uint64_t sequence = 0;    // of the change that wrote it
  bool flushed = true;      // false: with relaxed durability, of a row that may not be flushed yet
  int64_t verified_ms = 0;  // a scrub verified it after this time; 0: none did since it was written
  std::optional<std::string> value;  // of a good row
};

class Inspector {
 public:
  virtual ~Inspector() = default;

  // Every copy of the row, after all changes that were under way have ended. kTimeout when they do
  // not.
  [[nodiscard]] virtual Result<std::vector<CopyReport>> row(const std::string& placement,
                                                            const std::string& key) = 0;
  // Every copy of an owned blob, in the same order. `data`: called with the number of the copy and
  // its next bytes, verified; false ends everything with kClosed.
  using Sink = std::function<bool(size_t copy, Bytes bytes)>;
  [[nodiscard]] virtual Result<std::vector<CopyReport>> blob(const std::string& placement,
                                                             const BlobRef& blob,
                                                             const Sink& data) = 0;
  // Keys in [from, to) of which any drive has a copy, good or bad, in order; at most `most`.
  [[nodiscard]] virtual Result<std::vector<std::string>> keys(const std::string& from,
                                                              const std::string& to,
                                                              size_t most) = 0;
  // Whether a change may be answered before it is flushed.
  [[nodiscard]] virtual bool is_relaxed() const = 0;
  // While it lives, blobs that are dropped stay.
  [[nodiscard]] virtual std::unique_ptr<ReadPin> pin() = 0;
};

}  // namespace strata::replica
