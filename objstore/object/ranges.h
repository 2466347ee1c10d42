// Which bytes of a version a read asks for.
#pragma once

#include "common/base/result.h"
#include "objstore/object/object_store.h"
#include "objstore/object/record_format.h"

namespace strata::object {

struct Extent {
  uint64_t first = 0;
  uint64_t length = 0;
};

// A range against a size. kOutOfRange/invalid_range, with the size in the message, if it selects
// nothing; kInvalidArgument if it is no range at all.
[[nodiscard]] Result<Extent> resolve_range(const ByteRange& range, uint64_t size_bytes);

// The bytes of the n-th part, counted from 1 in the order of the object; a simple object is its own
// first part. kOutOfRange/invalid_part_number past the last.
[[nodiscard]] Result<Extent> resolve_part(const ObjectRecord& record, uint32_t part_number);

}  // namespace strata::object
