#include "objstore/drive/reclaimer.h"

#include <pthread.h>

namespace strata::drive {

Reclaimer::~Reclaimer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wiring_.index.stop_reclaiming();
  asked_changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Reclaimer::ask() {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || asked_) return;
    asked_ = true;
    if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
  }
  asked_changed_.notify_all();
}

void Reclaimer::work() {
  pthread_setname_np(pthread_self(), "reclaimer");
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      asked_changed_.wait(lock, [this] { return stopping_ || asked_; });
      if (stopping_) return;
      asked_ = false;
    }
    const Status done = wiring_.index.reclaim(wiring_.room());
    if (!done.ok()) wiring_.failed(done.error());
  }
}

}  // namespace strata::drive
