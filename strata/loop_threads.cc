#include "strata/loop_threads.h"

#include <fmt/format.h>

#include "common/base/check.h"

namespace strata::roof {

Result<std::unique_ptr<LoopThreads>> LoopThreads::start(uint32_t count) {
  CHECK(count > 0, "at least one event loop");
  std::unique_ptr<LoopThreads> self(new LoopThreads());
  self->threads_.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    TRY_ASSIGN(auto thread, async::LoopThread::start(fmt::format("loop-{}", i)));
    self->threads_.push_back(std::move(thread));
  }
  return self;
}

std::vector<async::EventLoop*> LoopThreads::all() const {
  std::vector<async::EventLoop*> pointers;
  pointers.reserve(threads_.size());
  for (const auto& thread : threads_) pointers.push_back(&thread->loop());
  return pointers;
}

}  // namespace strata::roof
