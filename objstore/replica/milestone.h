// Milestones: a point in the order of changes that every drive in service has reached.
//
// Thread rule: threads that may block, never a committer's or an event loop's.
#pragma once

#include <functional>
#include <memory>

#include "objstore/replica/core.h"

namespace strata::replica {

// How long one drive may take for what it is asked here.
inline constexpr Duration kDriveWait = std::chrono::seconds(30);

// Puts the view in force and, as the next change, a marker that goes to all its drives. Returns
// once each of them has flushed everything up to the marker or has gone out of service. kTimeout
// when that takes too long; the view is in force all the same.
[[nodiscard]] Status pass_milestone(Core& core, std::unique_ptr<View> view);

// Runs the function on the thread that writes the drive's index, between two groups of changes, and
// waits for it. kIo when the drive is out of service, kTimeout when it takes too long: it may then
// still run, so it holds what it uses.
[[nodiscard]] Status run_on_drive(Core& core, size_t seat,
                                  std::function<Status(drive::Index&)> function);

}  // namespace strata::replica
