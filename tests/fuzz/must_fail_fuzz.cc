// fuzz-deps: common_base
// A target with a planted bug: it aborts on input that holds "BUG!". A run that does not fail soon
// shows that the fuzzing itself is broken, not that the code is good.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  for (size_t i = 0; i + 4 <= size; ++i) {
    if (data[i] == 'B' && data[i + 1] == 'U' && data[i + 2] == 'G') {
      CHECK(data[i + 3] != '!', "the planted bug was found, as it should be");
    }
  }
  return 0;
}
