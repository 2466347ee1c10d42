// This process as the operating system sees it: its age, memory, limits and signals.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "common/base/result.h"

namespace strata::roof {

// Called by main before anything else; process_age counts from here. called_as: argv[0], which
// lives as long as the process.
void note_program_start(const char* called_as) noexcept;
// How the user called the program: a path if one was typed, else its name.
[[nodiscard]] const char* program_called_as() noexcept;
[[nodiscard]] std::chrono::milliseconds process_age() noexcept;

// Bytes of physical memory in use; 0 if the kernel does not say.
[[nodiscard]] uint64_t resident_bytes();

// Files and sockets are created for this user alone, a closed socket is an error and not a death,
// as many descriptors as the hard limit allows. Returns that limit.
[[nodiscard]] Result<uint64_t> prepare_process();

// Keeps the allocator from hoarding: few arenas for many threads. Called before the first thread
// starts.
void bound_allocator_memory() noexcept;
// Gives back what start-up left free.
void release_free_memory() noexcept;

// SIGTERM and SIGINT as something to wait for. Made before the first thread, so that every thread
// inherits the blocked signals and only wait() takes them.
class StopSignals {
 public:
  StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals();

  // Returns the signal's number. Blocks; one thread, once.
  [[nodiscard]] int wait();
  // From now on a second signal, or the passing of `bound`, ends the process at once.
  void exit_hard_after(std::chrono::seconds bound);

 private:
  std::atomic<bool> drained_{false};
  std::thread watchdog_;
};

}  // namespace strata::roof
