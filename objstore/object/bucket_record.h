// The value of a bucket's row: docs/object-format.md has the grammar and a worked example.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "objstore/object/bucket_settings.h"
#include "objstore/object/types.h"

namespace strata::object {

struct BucketRecord {
  WallTime created{};
  std::string region;
  std::string owner;  // the account's number; empty: the account of the first start
  BucketSettings settings;
};

// In the oldest format version that can say it, so that each record has one encoding.
[[nodiscard]] std::string encode(const BucketRecord& record);
// kUnsupported for a newer format, with advice; kCorrupt for what is no such record.
[[nodiscard]] Result<BucketRecord> decode_bucket(std::string_view value);

}  // namespace strata::object
