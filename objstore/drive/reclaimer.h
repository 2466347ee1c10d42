// Reclaimer: gives back, on a thread of its own, the space of small blobs that were dropped.
//
// RocksDB merges files when it finds it worth while, which on a full drive may be never: nothing is
// written any more. So a drive that runs short of space asks for it.
//
// Thread rule: ask from any thread; it never blocks. The destructor waits for the work to end
// early.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "objstore/drive/index.h"

namespace strata::drive {

class Reclaimer {
 public:
  struct Wiring {
    Index& index;                              // outlives this
    std::function<uint64_t()> room;            // bytes that it may take meanwhile
    std::function<void(const Error&)> failed;  // a write failed; on the reclaimer's thread
  };
  explicit Reclaimer(Wiring wiring) : wiring_(std::move(wiring)) {}
  ~Reclaimer();
  Reclaimer(const Reclaimer&) = delete;
  Reclaimer& operator=(const Reclaimer&) = delete;

  // Reclaims once, soon; asked again while that is under way, once more.
  void ask();

 private:
  void work();

  Wiring wiring_;
  std::mutex mutex_;
  std::condition_variable asked_changed_;
  bool asked_ = false;     // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;     // guarded by mutex_ until the destructor; started by the first ask
};

}  // namespace strata::drive
