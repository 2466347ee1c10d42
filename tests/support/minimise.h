// Delta debugging: the shortest list of steps, found by leaving some out, that still fails.
#pragma once

#include <cstddef>
#include <vector>

namespace strata::tests {

// fails(steps) says whether the list still fails; it is called at most calls_max times. Whole runs
// of steps are tried first, then single ones.
template <typename Step, typename Fails>
std::vector<Step> minimise(std::vector<Step> steps, Fails fails, size_t calls_max = 200) {
  for (size_t run = steps.size() / 2; run > 0;) {
    bool shorter = false;
    for (size_t from = 0; from + run <= steps.size() && calls_max > 0;) {
      std::vector<Step> fewer = steps;
      fewer.erase(fewer.begin() + static_cast<ptrdiff_t>(from),
                  fewer.begin() + static_cast<ptrdiff_t>(from + run));
      --calls_max;
      if (!fewer.empty() && fails(fewer)) {
        steps = std::move(fewer);
        shorter = true;
      } else {
        from += run;
      }
    }
    if (calls_max == 0) break;
    if (!shorter || run > steps.size()) run /= 2;
  }
  return steps;
}

}  // namespace strata::tests
