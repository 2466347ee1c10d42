// The parts of an upload as they are stored.
#pragma once

#include "objstore/object/object_store.h"
#include "objstore/object/record_format.h"

namespace strata::object {

inline constexpr size_t kListPartsMax = 1000;

struct NumberedPart {
  uint32_t number = 0;
  PartRecord record;
};

// A part's row: the number is in its name. kCorrupt if it is not such a row.
[[nodiscard]] Result<NumberedPart> numbered_part(const replica::Row& row);
[[nodiscard]] PartInfo part_info(uint32_t number, const PartRecord& record);
// kInvalidArgument/invalid_part_number unless 1 to kPartNumberMax.
[[nodiscard]] Status check_part_number(uint32_t number);

}  // namespace strata::object
