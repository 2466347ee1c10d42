#include "strata/loop_threads.h"

#include <fmt/format.h>
#include <pthread.h>

#include "common/base/check.h"

namespace strata::roof {

Result<std::unique_ptr<LoopThreads>> LoopThreads::start(uint32_t count) {
  CHECK(count > 0, "at least one event loop");
  std::unique_ptr<LoopThreads> self(new LoopThreads());
  for (uint32_t i = 0; i < count; ++i) {
    TRY_ASSIGN(std::unique_ptr<async::EventLoop> loop, async::EventLoop::create());
    self->loops_.push_back(std::move(loop));
  }
  for (uint32_t i = 0; i < count; ++i) {
    async::EventLoop* loop = self->loops_[i].get();
    self->threads_.emplace_back([loop, i] {
      pthread_setname_np(pthread_self(), fmt::format("loop-{}", i).c_str());
      const Status outcome = loop->run();
      CHECK(outcome.ok(), outcome.ok() ? std::string() : outcome.error().to_string());
    });
  }
  return self;
}

LoopThreads::~LoopThreads() {
  for (const auto& loop : loops_) loop->stop();
  for (std::thread& thread : threads_) thread.join();
}

std::vector<async::EventLoop*> LoopThreads::all() const {
  std::vector<async::EventLoop*> pointers;
  pointers.reserve(loops_.size());
  for (const auto& loop : loops_) pointers.push_back(loop.get());
  return pointers;
}

}  // namespace strata::roof
