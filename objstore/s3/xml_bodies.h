// The XML documents that requests carry, as plain data. Unknown elements are refused, because each
// asks for something.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "objstore/object/object_store.h"

namespace strata::s3 {

struct DeleteEntry {
  std::string key;
  std::optional<std::string> version_id;
  std::optional<std::string> if_match;                // its ETag element
  std::optional<object::WallTime> if_match_modified;  // LastModifiedTime
  std::optional<uint64_t> if_match_size_bytes;        // Size
};
struct DeleteList {
  std::vector<DeleteEntry> entries;  // 1 to object::kDeleteKeysMax
  bool quiet = false;
};
[[nodiscard]] Result<DeleteList> parse_delete(std::string_view xml);

// The parts in the order given, 1 to object::kPartNumberMax of them.
[[nodiscard]] Result<std::vector<object::CompletePart>> parse_complete(std::string_view xml);

}  // namespace strata::s3
