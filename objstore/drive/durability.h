// Durability: what a drive has done with a change when it says that the change has ended.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/base/bytes.h"
#include "common/base/deadline.h"

namespace strata::drive {

// kStrict: flushed. kRelaxed: written to the drive's log, in the kernel's hands, and flushed soon:
// a power cut may lose the last of them, each whole, and never an earlier one without the later
// ones. Files of large blobs are flushed before the change that owns them, either way.
enum class Durability : uint8_t { kStrict, kRelaxed };

// Relaxed: a change waits at most this long for the flush to begin, while at most so many bytes, or
// changes, wait with it. What a power cut may take is what was acknowledged within a second before
// it, with a drive that flushes in half of that.
inline constexpr Duration kRelaxedFlushEvery = std::chrono::milliseconds(500);
inline constexpr size_t kRelaxedBytesMax = 16 * kMiB;
inline constexpr size_t kRelaxedChangesMax = 8192;

}  // namespace strata::drive
