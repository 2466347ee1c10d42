#include "strata/process.h"

#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "common/base/log.h"

namespace strata::roof {
namespace {

// The process has one start, so it is kept here.
std::chrono::steady_clock::time_point program_start = std::chrono::steady_clock::now();
const char* called_as_text = "strata";

// Each arena keeps what its threads freed; the thresholds stay dynamic, because fixed ones make
// every large buffer a system call.
constexpr int kArenasMax = 2;
// Wakes the watchdog to end itself after a drain that went well.
constexpr int kWatchdogSignal = SIGUSR2;

sigset_t stop_signals() noexcept {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

void note_program_start(const char* called_as) noexcept {
  called_as_text = called_as;
  program_start = std::chrono::steady_clock::now();
}

const char* program_called_as() noexcept {
  return called_as_text;
}

std::chrono::milliseconds process_age() noexcept {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               program_start);
}

uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t total_pages = 0;
  uint64_t resident_pages = 0;
  if (!(statm >> total_pages >> resident_pages)) return 0;
  return resident_pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

Result<uint64_t> prepare_process() {
  umask(077);
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;
  if (sigaction(SIGPIPE, &ignore, nullptr) != 0) return errno_error(errno, "ignore SIGPIPE");
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return errno_error(errno, "limit of open files");
  if (files.rlim_cur < files.rlim_max) {
    rlimit raised = files;
    raised.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) files = raised;
  }
  return static_cast<uint64_t>(files.rlim_cur);
}

void bound_allocator_memory() noexcept {
  mallopt(M_ARENA_MAX, kArenasMax);
}

void release_free_memory() noexcept {
  malloc_trim(0);
}

StopSignals::StopSignals() {
  sigset_t set = stop_signals();
  sigaddset(&set, kWatchdogSignal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

StopSignals::~StopSignals() {
  if (!watchdog_.joinable()) return;
  drained_.store(true, std::memory_order_release);
  pthread_kill(watchdog_.native_handle(), kWatchdogSignal);
  watchdog_.join();
}

int StopSignals::wait() {
  const sigset_t set = stop_signals();
  while (true) {
    const int signal = sigwaitinfo(&set, nullptr);
    if (signal > 0) return signal;
  }
}

void StopSignals::exit_hard_after(std::chrono::seconds bound) {
  watchdog_ = std::thread([this, bound] {
    sigset_t set = stop_signals();
    sigaddset(&set, kWatchdogSignal);
    const timespec wait{.tv_sec = bound.count(), .tv_nsec = 0};
    const int signal = sigtimedwait(&set, nullptr, &wait);
    if (drained_.load(std::memory_order_acquire)) return;
    // Killing the process is always safe: the next start recovers whatever was under way.
    log::error("server.exit_hard",
               {{"why", signal < 0 ? "the drain took too long" : "second signal"}});
    _exit(1);
  });
  pthread_setname_np(watchdog_.native_handle(), "watchdog");
}

}  // namespace strata::roof
