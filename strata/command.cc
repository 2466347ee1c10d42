#include "strata/command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "common/base/deadline.h"
#include "common/base/parse.h"
#include "common/base/unique_fd.h"

namespace strata::roof {
namespace {

constexpr size_t kOutputMax = 1024UL * 1024;
constexpr size_t kErrorsMax = 4096;

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return access(name.c_str(), X_OK) == 0 ? name : "";
  const char* const variable = std::getenv("PATH");
  std::string folders = variable != nullptr ? variable : "";
  folders += ":/usr/sbin:/sbin:/usr/bin:/bin";
  while (!folders.empty()) {
    const size_t colon = folders.find(':');
    const std::string path = folders.substr(0, colon) + "/" + name;
    folders = colon == std::string::npos ? "" : folders.substr(colon + 1);
    if (path.front() == '/' && access(path.c_str(), X_OK) == 0) return path;
  }
  return "";
}

Error no_program(const std::string& name) {
  return Error(Code::kNotFound, fmt::format("the program {} is not installed", name));
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// In the child: only async-signal-safe calls.
[[noreturn]] void become(const char* program, char* const* arguments, int out, int err) {
  const int null = open("/dev/null", O_RDONLY);
  dup2(null, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  syscall(SYS_close_range, 3, ~0U, 0);
  execv(program, arguments);
  _exit(127);
}

// Reads what has come; false at the end.
bool take(int fd, std::string& into, size_t most, bool keep_end) {
  std::array<char, 4096> piece{};
  const ssize_t got = read(fd, piece.data(), piece.size());
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  into.append(piece.data(), static_cast<size_t>(got));
  if (into.size() > most) keep_end ? into.erase(0, into.size() - most) : into.erase(most);
  return got > 0;
}

}  // namespace

bool has_program(const std::string& name) {
  return !find_program(name).empty();
}

Result<CommandOutput> run_command(const std::vector<std::string>& given,
                                  std::chrono::seconds timeout) {
  const std::string program = find_program(given.front());
  if (program.empty()) return no_program(given.front());
  std::vector<std::string> arguments = given;
  const std::vector<char*> argv = pointers(arguments);
  int out[2];
  int err[2];
  if (pipe2(out, O_CLOEXEC) != 0) return errno_error(errno, "pipe");
  UniqueFd out_read(out[0]);
  UniqueFd out_write(out[1]);
  if (pipe2(err, O_CLOEXEC) != 0) return errno_error(errno, "pipe");
  UniqueFd err_read(err[0]);
  UniqueFd err_write(err[1]);
  const pid_t pid = fork();
  if (pid < 0) return errno_error(errno, "fork");
  if (pid == 0) become(program.c_str(), argv.data(), out_write.get(), err_write.get());
  out_write = UniqueFd();
  err_write = UniqueFd();
  CommandOutput result;
  const Deadline deadline = Deadline::after(timeout);
  bool out_open = true;
  bool err_open = true;
  while (out_open || err_open) {
    std::array<pollfd, 2> wait = {pollfd{out_open ? out_read.get() : -1, POLLIN, 0},
                                  pollfd{err_open ? err_read.get() : -1, POLLIN, 0}};
    poll(wait.data(), wait.size(), 100);
    if (wait[0].revents != 0) out_open = take(out_read.get(), result.output, kOutputMax, false);
    if (wait[1].revents != 0) err_open = take(err_read.get(), result.errors, kErrorsMax, true);
    if (!deadline.passed(std::chrono::steady_clock::now())) continue;
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return Error(Code::kTimeout, fmt::format("{} did not end within {} s and was killed",
                                             given.front(), timeout.count()));
  }
  int status = 0;
  if (waitpid(pid, &status, 0) != pid) return errno_error(errno, "waitpid");
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

Result<std::string> run_or_fail(const std::vector<std::string>& arguments,
                                std::chrono::seconds timeout) {
  TRY_ASSIGN(CommandOutput done, run_command(arguments, timeout));
  if (done.status == 0)
    return std::string(trim(done.output.substr(0, done.output.find_last_not_of('\n') + 1)));
  std::string said = done.errors.empty() ? done.output : done.errors;
  while (said.ends_with('\n')) said.pop_back();
  return Error(Code::kIo,
               fmt::format("{} failed with status {}: {}", arguments.front(), done.status, said));
}

Result<pid_t> start_daemon(const std::vector<std::string>& given, const std::string& log) {
  const std::string program = find_program(given.front());
  if (program.empty()) return no_program(given.front());
  std::vector<std::string> arguments = given;
  const std::vector<char*> argv = pointers(arguments);
  const UniqueFd output(open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!output.valid()) return errno_error(errno, "open " + log);
  int ids[2];
  if (pipe2(ids, O_CLOEXEC) != 0) return errno_error(errno, "pipe");
  const UniqueFd id_read(ids[0]);
  UniqueFd id_write(ids[1]);
  // Twice, so that the daemon is init's child and leaves no zombie behind.
  const pid_t middle = fork();
  if (middle < 0) return errno_error(errno, "fork");
  if (middle == 0) {
    setsid();
    const pid_t daemon = fork();
    if (daemon == 0) become(program.c_str(), argv.data(), output.get(), output.get());
    const bool told = write(ids[1], &daemon, sizeof daemon) == sizeof daemon;
    _exit(told && daemon > 0 ? 0 : 1);
  }
  id_write = UniqueFd();
  int status = 0;
  waitpid(middle, &status, 0);
  pid_t daemon = -1;
  if (read(id_read.get(), &daemon, sizeof daemon) != sizeof daemon || daemon <= 0) {
    return Error(Code::kIo, "cannot start " + given.front());
  }
  return daemon;
}

}  // namespace strata::roof
