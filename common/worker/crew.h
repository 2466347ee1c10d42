// Crew: runs the workers, each on a thread of its own, keeps their rates, and is what people talk
// to: start, pause, resume, rate, list. What they asked for survives a restart.
//
// Thread rule: add and start by one thread; stop and the destructor by one thread afterwards;
// everything else from any thread in between. Commands that change settings block on a file.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/base/deadline.h"
#include "common/io/clock.h"
#include "common/io/file_system.h"
#include "common/worker/settings.h"
#include "common/worker/shift.h"
#include "common/worker/worker.h"

namespace strata::worker {

inline constexpr size_t kWorkersMax = 32;

// One worker as it stands now.
struct WorkerStatus {
  std::string name;
  std::string purpose;
  State state = State::kIdle;
  uint64_t rate = 0;  // bytes a second; 0: no limit
  bool rate_is_default = true;
  Progress progress;
  uint64_t bytes = 0;     // that its steps have read or written since the start
  uint32_t failures = 0;  // in a row
  std::string reason;     // of the last failure, while failures > 0
  // Until the next step; absent while it is paused or stepping.
  std::optional<std::chrono::milliseconds> next;
};

class Crew {
 public:
  // Reads the settings at `path`. A file that cannot be read is reported in the log and replaced at
  // the next change: workers with their defaults are better than a server that does not start.
  // Files and clock outlive the crew.
  Crew(io::FileSystem& files, std::string path, const io::Clock& clock);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  // Before start. default_rate: bytes a second; 0: no limit. The worker outlives the crew. Names
  // are unique; at most kWorkersMax.
  void add(Worker& worker, uint64_t default_rate);
  void start();
  // No step begins any more. kTimeout, naming the worker, if a step is still under way at the
  // deadline; the destructor waits for it without one.
  [[nodiscard]] Status stop(Deadline deadline);

  [[nodiscard]] std::vector<WorkerStatus> list() const;
  // The rest: kNotFound with the names that there are for a name that is none.
  [[nodiscard]] Result<WorkerStatus> show(std::string_view name) const;
  // Begins a pass now, or hurries the one under way. kConflict while it is paused.
  [[nodiscard]] Status begin(std::string_view name);
  // A step under way ends first.
  [[nodiscard]] Status pause(std::string_view name);
  [[nodiscard]] Status resume(std::string_view name);
  // Bytes a second; 0: no limit; absent: the default again.
  [[nodiscard]] Status set_rate(std::string_view name, std::optional<uint64_t> rate);

  // The clock was moved by hand: every thread asks it again.
  void clock_moved();

 private:
  struct Post;
  [[nodiscard]] Result<Post*> find(std::string_view name) const;
  [[nodiscard]] WorkerStatus status_of(const Post& post) const;  // mutex_ held
  void load();
  [[nodiscard]] Status keep(const Post& post, const Settings& settings);
  void work(Post& post);

  io::FileSystem& files_;
  const std::string path_;
  const io::Clock& clock_;
  std::mutex settings_mutex_;  // one change of settings at a time; taken before mutex_
  SettingsByName settings_;    // guarded by settings_mutex_
  mutable std::mutex mutex_;   // guards every post's shift
  std::condition_variable changed_;
  bool stopping_ = false;                     // guarded by mutex_
  bool started_ = false;                      // by the thread that starts
  std::vector<std::unique_ptr<Post>> posts_;  // fixed once started
};

}  // namespace strata::worker
