// Times and durations as the verbs print them for people.
#pragma once

#include <cstdint>
#include <string>

namespace strata::roof {

// Milliseconds: "0.250 s", "3 min 20 s", "5 h 10 min", "2 d 3 h".
[[nodiscard]] std::string duration_text(int64_t milliseconds);

// Milliseconds since 1970 as "2026-01-31T12:00:00Z".
[[nodiscard]] std::string utc_time(int64_t milliseconds);

}  // namespace strata::roof
