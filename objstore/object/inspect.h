// Rows of the object room, described for people: their names and their values.
#pragma once

#include <string>
#include <string_view>

#include "common/base/description.h"

namespace strata::object {

// "BUCKET" or "BUCKET/KEY": what a row is about; empty if the name is none of this room's.
[[nodiscard]] std::string label_of_row(std::string_view name);

// Damage: a name or a value that this room did not write.
[[nodiscard]] Description describe_row(std::string_view name, std::string_view value);

}  // namespace strata::object
