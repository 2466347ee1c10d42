// How the store's own workers behave.
#pragma once

#include "common/base/deadline.h"
#include "common/io/clock.h"

namespace strata::replica {

struct WorkerOptions {
  // Outlives the store; null: the system's.
  const io::Clock* clock = nullptr;
  // From the start of one scrub to the start of the next; zero: only when asked.
  Duration scrub_period = std::chrono::hours(7 * 24);
  // Files of blobs that no record owns are left alone until they are this old.
  Duration orphan_age = std::chrono::hours(1);
};

}  // namespace strata::replica
