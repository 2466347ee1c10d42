#include "objstore/object/ranges.h"

#include <fmt/format.h>

#include <algorithm>

namespace strata::object {
namespace {

Error invalid_range(uint64_t size_bytes) {
  return Error(Code::kOutOfRange, reason::kInvalidRange,
               fmt::format("the range lies outside the object, which has {} bytes", size_bytes));
}

}  // namespace

Result<Extent> resolve_range(const ByteRange& range, uint64_t size_bytes) {
  if (range.suffix) {
    if (range.first || range.last) {
      return Error(Code::kInvalidArgument, "a range has either a first byte or a suffix length");
    }
    const uint64_t length = std::min(*range.suffix, size_bytes);
    if (length == 0) return invalid_range(size_bytes);
    return Extent{size_bytes - length, length};
  }
  if (!range.first || (range.last && *range.last < *range.first)) {
    return Error(Code::kInvalidArgument,
                 "a range has a first byte, and a last byte that is not before it");
  }
  if (*range.first >= size_bytes) return invalid_range(size_bytes);
  const uint64_t last = std::min(range.last.value_or(size_bytes - 1), size_bytes - 1);
  return Extent{*range.first, last - *range.first + 1};
}

Result<Extent> resolve_part(const ObjectRecord& record, uint32_t part_number) {
  const uint32_t parts = std::max<uint32_t>(record.parts, 1);
  if (part_number < 1 || part_number > parts) {
    return Error(Code::kOutOfRange, reason::kInvalidPartNumber,
                 fmt::format("there is no part {}: the object has {}", part_number, parts));
  }
  if (record.parts == 0) return Extent{0, record.size_bytes};
  Extent extent;
  for (uint32_t i = 0; i + 1 < part_number; ++i) extent.first += record.segments[i].size_bytes;
  extent.length = record.segments[part_number - 1].size_bytes;
  return extent;
}

}  // namespace strata::object
