// What goes wrong, and when: the plan of a FaultyFileSystem.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/deadline.h"
#include "common/base/result.h"

namespace strata::fault {

// The calls of io::FileSystem and io::File. kSync is both sync and sync_data; kRemove is files and
// directories.
enum class Operation {
  kAny,
  kOpen,
  kRead,
  kWrite,
  kSync,
  kTruncate,
  kAllocate,
  kSize,
  kRename,
  kLink,
  kRemove,
  kCreateDirectory,
  kList,
  kInfo,
  kSyncDirectory,
  kLock,
  kSpace,
};
[[nodiscard]] std::string_view operation_name(Operation operation) noexcept;

enum class Effect {
  // The call fails with `code` and does nothing. A failed flush loses what was not flushed where
  // the file below can (io::ForgetfulFile), as a kernel does: a later flush that succeeds proves
  // nothing.
  kError,
  // A write puts its first `bytes` bytes (a random number if not set) and fails with `code`.
  kTornWrite,
  // A write puts its first `bytes` bytes (none if not set) and reports success.
  kLostWrite,
  // A write goes `bytes` bytes (4096 if not set) past the place it was meant for; reported as
  // success.
  kMisdirectedWrite,
  // One random bit of what was read is wrong.
  kFlipBit,
  // A flush of a file or directory reports success and flushes nothing.
  kLostFlush,
  // The call waits for `delay`, or until the plan changes, and then goes on to the next rule.
  kDelay,
};
inline constexpr size_t kEffects = 7;
[[nodiscard]] std::string_view effect_name(Effect effect) noexcept;

inline constexpr uint64_t kForever = std::numeric_limits<uint64_t>::max();

// Of the calls that match `operation` and `path_contains`, the first `skip` pass, and then each is
// hit with `probability`, until `times` were hit.
struct FaultRule {
  Operation operation = Operation::kAny;
  // Part of the path the file was opened with, or of either path of a rename or link. Empty: all.
  std::string path_contains{};
  Effect effect = Effect::kError;
  uint64_t skip = 0;
  uint64_t times = kForever;
  double probability = 1.0;
  Code code = Code::kIo;  // kIo as from EIO, kNoSpace as from ENOSPC, ...
  std::optional<uint64_t> bytes{};
  Duration delay{};
};

// Rules are asked in order; the first that hits, other than a delay, decides.
struct FaultPlan {
  uint64_t seed = 0;  // decides all that is random: print it, and a run can be repeated
  std::vector<FaultRule> rules{};
};

inline constexpr size_t kMaxRules = 1024;
inline constexpr Duration kMaxDelay = std::chrono::hours(1);

// kInvalidArgument if a rule cannot be: an effect that its operation does not have, a probability
// outside [0, 1], too long a delay, too many rules.
[[nodiscard]] Status check_plan(const FaultPlan& plan);

}  // namespace strata::fault
