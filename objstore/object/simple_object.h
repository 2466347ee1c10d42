// The record of an object that came in one body.
#pragma once

#include <vector>

#include "objstore/object/body_intake.h"
#include "objstore/object/record_format.h"

namespace strata::object {

// The ETag is the MD5 of the bytes; stamp and time come with the commit.
[[nodiscard]] ObjectRecord simple_object(const TakenBody& taken, Attributes attributes,
                                         std::vector<StoredChecksum> checksums);

}  // namespace strata::object
