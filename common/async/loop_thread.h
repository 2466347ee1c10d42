// LoopThread: an event loop and the thread that runs it.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "common/async/event_loop.h"

namespace strata::async {

// Thread rule: made and destroyed outside the loop.
class LoopThread {
 public:
  // name: what the thread is called in ps and gdb, 15 characters at most.
  [[nodiscard]] static Result<std::unique_ptr<LoopThread>> start(const std::string& name);
  // Stops and joins; no task may be under way any more.
  ~LoopThread();
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  [[nodiscard]] EventLoop& loop() const noexcept { return *loop_; }

 private:
  explicit LoopThread(std::unique_ptr<EventLoop> loop) : loop_(std::move(loop)) {}
  std::unique_ptr<EventLoop> loop_;
  std::thread thread_;
};

}  // namespace strata::async
