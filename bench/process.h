// Child processes of the comparison: started with arguments, waited for with a bound, and never
// left behind, not even when this process is killed.
//
// Thread rule: one thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.h"

namespace strata::bench {

struct Command {
  std::vector<std::string> arguments;  // the program first; found on the PATH unless it has a '/'
  std::vector<std::pair<std::string, std::string>> environment;  // added to ours
  std::vector<std::string> removed_environment;  // prefixes of names taken out of it
  std::string output_path;  // where standard output and error go, appended; never empty
};

class Process {
 public:
  [[nodiscard]] static Result<Process> start(const Command& command);
  Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Process& operator=(Process&&) = delete;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  // Ends the process: SIGTERM, then SIGKILL after kStopWait.
  ~Process();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] bool running();
  // The exit status, or 128 + signal. kTimeout when the wait is over; the process goes on.
  [[nodiscard]] Result<int> wait(std::chrono::milliseconds limit);
  void stop();

  static constexpr std::chrono::seconds kStopWait{15};

 private:
  explicit Process(pid_t pid) noexcept : pid_(pid) {}
  pid_t pid_ = -1;
  int status_ = 0;
};

// Processor time that the process has used so far, in microseconds (from /proc/PID/stat).
[[nodiscard]] Result<uint64_t> cpu_time_us(pid_t pid);

// Set by SIGINT and SIGTERM once installed: the comparison ends early and cleans up.
void catch_interrupts();
[[nodiscard]] bool interrupted() noexcept;

}  // namespace strata::bench
