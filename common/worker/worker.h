// Worker: one background job of the program, in the one shape that all of them have: a name, a
// bounded step, progress, findings. Scrub, resync, orphan sweep, expiry: each is a Worker; a Crew
// runs them, keeps their rate, and is what the command line talks to.
//
// Thread rule: step() is called by one thread at a time, the worker's own; it may block. The other
// methods come from any thread and do not block.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/deadline.h"
#include "common/base/result.h"

namespace strata::worker {

struct Progress {
  uint64_t done = 0;             // in `unit`, since the pass began
  uint64_t total = 0;            // as far as is known; 0: not known
  std::string unit;              // "objects", "bytes", "uploads"
  uint64_t findings = 0;         // what the pass met: bad copies, orphans, expired uploads
  int64_t pass_started_ms = 0;   // wall time, milliseconds since 1970; 0: no pass was begun yet
  int64_t pass_finished_ms = 0;  // of the last whole pass; 0: never
  std::string note;              // one line for a person: where it stands
};

// What a step did, and when the next one is wanted.
struct Step {
  uint64_t bytes = 0;  // read or written: what the rate limits
  bool more = false;   // there is more of this pass to do
  // !more: when to ask again, unless somebody starts it before. Also how often a worker whose work
  // comes from elsewhere looks for it.
  Duration wait = std::chrono::hours(1);
};

class Worker {
 public:
  virtual ~Worker() = default;
  // Lower case, one word or joined by '-': what the command line calls it.
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  // What it does, in one line for a person.
  [[nodiscard]] virtual std::string_view purpose() const noexcept = 0;
  // One bounded piece of work: at most about a MiB or a thousand rows, so that pausing, stopping
  // and the rate take effect soon. A failure is shown and the step is tried again later.
  [[nodiscard]] virtual Result<Step> step() = 0;
  // The next step begins a pass, or goes on with the one under way.
  virtual void begin() = 0;
  [[nodiscard]] virtual Progress progress() const = 0;
};

// A worker as a room hands it out, with the rate that it has unless somebody sets another.
struct Job {
  Worker* worker = nullptr;
  uint64_t default_rate = 0;  // bytes a second; 0: no limit
};

}  // namespace strata::worker
