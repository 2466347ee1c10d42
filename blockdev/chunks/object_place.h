// ObjectPlace: somewhere to keep objects by key, as a bucket is. The roof makes one of the object
// half of this program, and one of any other S3 endpoint; tests have one in memory.
//
// Thread rule: from any thread; every call may block, for as long as the place's own timeouts say.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace strata::chunks {

struct PlacedObject {
  std::string key;
  uint64_t size_bytes = 0;
  int64_t modified_ms = 0;  // wall time, by the clock of the place
};

// Keys that one list() gives at most.
inline constexpr size_t kListedKeysMax = 1000;

class ObjectPlace {
 public:
  virtual ~ObjectPlace() = default;
  // Whole, durable and visible when it returns. if_absent: kAlreadyExists, and nothing is changed,
  // if there is an object of that key; decided atomically.
  [[nodiscard]] virtual Status put(const std::string& key, Bytes bytes, bool if_absent) = 0;
  // kNotFound; kTooLarge past bytes_max.
  [[nodiscard]] virtual Result<ByteVector> get(const std::string& key, uint64_t bytes_max) = 0;
  [[nodiscard]] virtual Result<bool> exists(const std::string& key) = 0;
  // Keys that begin with the prefix and come after `after`, in byte order, at most kListedKeysMax.
  // Empty at the end.
  [[nodiscard]] virtual Result<std::vector<PlacedObject>> list(const std::string& prefix,
                                                               const std::string& after) = 0;
  // Removing what is not there succeeds.
  [[nodiscard]] virtual Status remove(const std::string& key) = 0;
  // For people: "s3://bucket/prefix".
  [[nodiscard]] virtual std::string name() const = 0;
};

}  // namespace strata::chunks
