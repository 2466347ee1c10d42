#include "common/async/loop_thread.h"

#include <pthread.h>

#include "common/base/check.h"

namespace strata::async {

Result<std::unique_ptr<LoopThread>> LoopThread::start(const std::string& name) {
  TRY_ASSIGN(std::unique_ptr<EventLoop> made, EventLoop::create());
  std::unique_ptr<LoopThread> self(new LoopThread(std::move(made)));
  self->thread_ = std::thread([loop = self->loop_.get(), name] {
    pthread_setname_np(pthread_self(), name.c_str());
    const Status outcome = loop->run();
    CHECK(outcome.ok(), outcome.ok() ? std::string() : outcome.error().to_string());
  });
  return self;
}

LoopThread::~LoopThread() {
  loop_->stop();
  thread_.join();
}

}  // namespace strata::async
