// The comparison as people and machines read it.
#pragma once

#include <string>

#include "bench/comparison.h"

namespace strata::bench {

// A table for a terminal of about 110 columns, with what was held equal and what was not.
[[nodiscard]] std::string render_table(const Comparison& comparison);
[[nodiscard]] std::string render_markdown(const Comparison& comparison);
[[nodiscard]] std::string render_json(const Comparison& comparison);

}  // namespace strata::bench
