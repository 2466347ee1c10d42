// Programs of the system that the verbs use: losetup, mount, qemu-img.
//
// Thread rule: from any thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace strata::roof {

struct CommandOutput {
  int status = 0;      // exit status, or 128 + signal
  std::string output;  // standard output, up to 1 MiB
  std::string errors;  // the end of standard error, up to 4 KiB
};

inline constexpr std::chrono::seconds kCommandTimeout{60};

// Whether there is a program of that name on the PATH, or in /sbin and /usr/sbin.
[[nodiscard]] bool has_program(const std::string& name);

// Runs it without a shell and waits. kNotFound if there is no such program, kTimeout (after killing
// it) when the time is over.
[[nodiscard]] Result<CommandOutput> run_command(const std::vector<std::string>& arguments,
                                                std::chrono::seconds timeout = kCommandTimeout);
// The same; another status than 0 is an error with what the program said.
[[nodiscard]] Result<std::string> run_or_fail(const std::vector<std::string>& arguments,
                                              std::chrono::seconds timeout = kCommandTimeout);
// Starts it in a session of its own, with output to the end of `log`; it lives on when we end.
[[nodiscard]] Result<pid_t> start_daemon(const std::vector<std::string>& arguments,
                                         const std::string& log);

}  // namespace strata::roof
