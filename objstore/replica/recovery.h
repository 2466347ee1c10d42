// Recovery: makes the drives agree before the store serves.
//
// After a crash, or when a drive was away, drives stand at different points of the order, and a
// drive may have changes that nobody else has. For every placement the drive of it that stands
// furthest *speaks*: it has every change that succeeded, because success needs a majority and every
// drive in service, and because each drive applies a prefix of the changes meant for it.
//
// For every other drive of the placement the rows and blobs named by recent log entries (its own
// and the others') are made what they are on the one that speaks: copied, or removed. Entries up to
// a drive's agreed point need no look. A drive for which some log does not reach back that far, or
// that was being filled when the store stopped, or whose log is damaged at its end, is filled while
// the store serves (resync.h); only
// when too few others would be left to know what is true is it compared with them before.
//
// Drives whose loss somebody has accepted (drive::MemberRecord::is_lost) are not waited for: who
// stands furthest of the others speaks. With one copy of everything each drive speaks for itself,
// and a drive that is away only takes its own with it.
//
// At the end every drive gets the marker of a new epoch. A drive that comes back without it stands
// behind all that have it.
//
// Thread rule: one thread, before any drive takes changes.
#pragma once

#include <cstdint>

#include "objstore/replica/membership.h"
#include "objstore/replica/placement.h"

namespace strata::replica {

// Keys remembered while logs are compared; with more, everything is compared.
inline constexpr size_t kReconcileKeysMax = 1'000'000;
// Up to this much is written as one batch, whole or not at all; beyond, the drive is marked as
// being filled meanwhile.
inline constexpr size_t kRecoveryBatchBytes = 32 * kMiB;

struct Recovered {
  uint64_t start = 0;         // the sequence of the new epoch's marker
  std::vector<bool> joining;  // by member: must be filled from the others; marked so
  uint64_t damaged = 0;       // of those, because a record of their log is damaged
};

// kIo with the reasons of the missing drives when too few are left to know what is true.
[[nodiscard]] Result<Recovered> recover(Members& members, const Placement& placement);

}  // namespace strata::replica
