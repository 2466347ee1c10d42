#include "objstore/replica/background.h"

#include <memory>

namespace strata::replica {

class Background::Job final : public async::BlockingPool::Job {
 public:
  Job(Background& owner, std::function<void()> work) : owner_(owner), work_(std::move(work)) {}
  void execute() noexcept override {
    const std::unique_ptr<Job> self(this);
    work_();
    work_ = nullptr;  // what it holds goes before the owner may
    owner_.leave();
  }

 private:
  Background& owner_;
  std::function<void()> work_;
};

bool Background::run(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (running_ >= kJobsMax) return false;
    ++running_;
  }
  pool_.enqueue(*std::make_unique<Job>(*this, std::move(work)).release());
  return true;
}

void Background::insist(std::function<void()> work) {
  enter();
  pool_.enqueue(*std::make_unique<Job>(*this, std::move(work)).release());
}

void Background::enter() {
  const std::lock_guard lock(mutex_);
  ++running_;
}

void Background::leave() {
  const std::lock_guard lock(mutex_);
  --running_;
  idle_.notify_all();
}

void Background::drain() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return running_ == 0; });
}

}  // namespace strata::replica
