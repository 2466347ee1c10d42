// A durability receipt: every copy of an object, read and verified now, drive by drive.
//
// Thread rule: from any thread that may block.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "objstore/replica/inspector.h"

namespace strata::object {

// One drive's copy of an object: its record and all its bytes.
struct CopyReceipt {
  std::string drive_path;
  std::string drive_id;
  replica::CopyReport::State row = replica::CopyReport::State::kMissing;
  replica::CopyReport::State data = replica::CopyReport::State::kMissing;
  std::string error;           // for people, unless both are good
  uint64_t row_checksum = 0;   // xxh3 of the record as stored
  uint64_t data_checksum = 0;  // xxh3 of the object's bytes, when they are good
  uint64_t sequence = 0;       // of the change that wrote the record
  bool flushed = true;         // false: with relaxed durability, it may not be flushed yet
  int64_t verified_ms = 0;     // the scrub has verified all of it after this time; 0: not yet
  [[nodiscard]] bool good() const noexcept {
    return row == replica::CopyReport::State::kGood && data == replica::CopyReport::State::kGood;
  }
};

struct ObjectReceipt {
  std::string bucket;
  std::string key;
  std::string etag;
  uint64_t size_bytes = 0;
  std::string error;  // when no record of the object can be read
  std::vector<CopyReceipt> copies;
  uint64_t bytes_read = 0;  // to write the receipt
  [[nodiscard]] size_t good_copies() const noexcept;
  [[nodiscard]] bool good() const noexcept {
    return !copies.empty() && good_copies() == copies.size();
  }
};

// kNotFound/no_such_key when no drive has the object. go_on: asked often; false ends it with
// kClosed.
using GoOn = std::function<bool()>;
[[nodiscard]] Result<ObjectReceipt> make_receipt(replica::Inspector& inspector,
                                                 const std::string& bucket, const std::string& key,
                                                 const GoOn& go_on);

// Keys of the bucket's objects after `after`, also of those that no drive can read; at most `most`.
// kNotFound/no_such_bucket.
[[nodiscard]] Result<std::vector<std::string>> keys_for_receipts(replica::Inspector& inspector,
                                                                 const std::string& bucket,
                                                                 const std::string& after,
                                                                 size_t most);

}  // namespace strata::object
