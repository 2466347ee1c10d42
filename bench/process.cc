#include "bench/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <sstream>

#include "common/base/deadline.h"
#include "common/base/parse.h"
#include "common/base/unique_fd.h"

extern char** environ;

namespace strata::bench {
namespace {

volatile std::sig_atomic_t interrupt_seen = 0;

std::vector<std::string> child_environment(const Command& command) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    bool removed = false;
    for (const std::string& prefix : command.removed_environment) {
      removed = removed || text.starts_with(prefix);
    }
    if (!removed) out.emplace_back(text);
  }
  for (const auto& [name, value] : command.environment) {
    out.push_back(fmt::format("{}={}", name, value));
  }
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

int exit_code(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Result<Process> Process::start(const Command& command) {
  CHECK(!command.arguments.empty() && !command.output_path.empty());
  std::vector<std::string> arguments = command.arguments;
  std::vector<std::string> environment = child_environment(command);
  const std::vector<char*> argv = pointers(arguments);
  const std::vector<char*> envp = pointers(environment);
  const UniqueFd output(
      open(command.output_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!output.valid()) return errno_error(errno, "open " + command.output_path);
  const UniqueFd input(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return errno_error(errno, "fork");
  if (pid == 0) {
    // Only async-signal-safe calls from here on.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(126);
    setpgid(0, 0);  // Ctrl-C reaches us alone; we stop our children in order
    dup2(input.get(), STDIN_FILENO);
    dup2(output.get(), STDOUT_FILENO);
    dup2(output.get(), STDERR_FILENO);
    execvpe(argv[0], argv.data(), envp.data());
    _exit(127);
  }
  return Process(pid);
}

Process::~Process() {
  stop();
}

bool Process::running() {
  if (pid_ < 0) return false;
  if (waitpid(pid_, &status_, WNOHANG) != pid_) return true;
  pid_ = -1;
  return false;
}

Result<int> Process::wait(std::chrono::milliseconds limit) {
  if (pid_ < 0) return exit_code(status_);
  const UniqueFd handle(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  if (!handle.valid()) return errno_error(errno, "pidfd_open");
  const Deadline deadline = Deadline::after(limit);
  while (running()) {
    if (interrupted()) return Error(Code::kClosed, "interrupted");
    if (deadline.passed(std::chrono::steady_clock::now())) {
      return Error(Code::kTimeout, "the process did not end in time");
    }
    pollfd waiting{handle.get(), POLLIN, 0};
    poll(&waiting, 1, 100);  // short, so that an interrupt is seen soon
  }
  return exit_code(status_);
}

void Process::stop() {
  if (pid_ < 0) return;
  kill(pid_, SIGTERM);
  const UniqueFd handle(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  const Deadline deadline = Deadline::after(kStopWait);
  while (running() && !deadline.passed(std::chrono::steady_clock::now())) {
    pollfd waiting{handle.get(), POLLIN, 0};
    poll(&waiting, 1, 100);
  }
  if (pid_ >= 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, &status_, 0);
    pid_ = -1;
  }
}

Result<uint64_t> cpu_time_us(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::stringstream content;
  content << file.rdbuf();
  const std::string text = content.str();
  const size_t after_name = text.rfind(')');
  if (after_name == std::string::npos) {
    return Error(Code::kNotFound, fmt::format("process {} is gone", pid));
  }
  // After the name: state, then 10 fields, then utime and stime in clock ticks (proc(5)).
  std::istringstream fields(text.substr(after_name + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  uint64_t user = 0;
  uint64_t system = 0;
  fields >> user >> system;
  return (user + system) * 1'000'000 / static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
}

void catch_interrupts() {
  struct sigaction action{};
  action.sa_handler = [](int) { interrupt_seen = 1; };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() noexcept {
  return interrupt_seen != 0;
}

}  // namespace strata::bench
