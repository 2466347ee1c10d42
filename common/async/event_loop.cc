#include "common/async/event_loop.h"

#include <utility>

namespace strata::async {
namespace {
thread_local EventLoop* current_loop = nullptr;
}  // namespace

Result<std::unique_ptr<EventLoop>> EventLoop::create(ring::RingOptions options) {
  TRY_ASSIGN(auto ring, ring::Ring::create(options));
  return std::unique_ptr<EventLoop>(new EventLoop(std::move(ring)));
}

EventLoop::~EventLoop() {
  for (Timer* timer : timers_) timer->set_ = false;
}

EventLoop& EventLoop::current() noexcept {
  CHECK(current_loop != nullptr, "not on an event loop");
  return *current_loop;
}

bool EventLoop::inside_any() noexcept {
  return current_loop != nullptr;
}

Status EventLoop::run() {
  CHECK(current_loop == nullptr, "one loop a thread");
  current_loop = this;
  Status outcome;
  now_ = std::chrono::steady_clock::now();
  run_posted();
  while (!stopping_.load(std::memory_order_acquire)) {
    const Deadline until =
        timers_.empty() ? Deadline::never() : Deadline::at((*timers_.begin())->when_);
    outcome = ring_->run_once(until);
    if (!outcome.ok()) break;
    now_ = std::chrono::steady_clock::now();
    run_posted();
    run_timers();
  }
  stopping_.store(false, std::memory_order_release);
  current_loop = nullptr;
  return outcome;
}

void EventLoop::stop() noexcept {
  stopping_.store(true, std::memory_order_release);
  ring_->wake();
}

void EventLoop::post(std::coroutine_handle<> handle) {
  {
    const std::lock_guard lock(posted_mutex_);
    posted_.push_back({handle, {}});
  }
  ring_->wake();
}

void EventLoop::post(std::function<void()> function) {
  {
    const std::lock_guard lock(posted_mutex_);
    posted_.push_back({{}, std::move(function)});
  }
  ring_->wake();
}

void EventLoop::run_posted() {
  {
    const std::lock_guard lock(posted_mutex_);
    running_.swap(posted_);
  }
  for (Posted& item : running_) {
    if (item.handle) {
      item.handle.resume();
    } else {
      item.function();
    }
  }
  running_.clear();
}

void EventLoop::set_timer(Timer& timer, Deadline deadline) {
  clear_timer(timer);
  if (deadline.is_never()) return;
  timer.when_ = deadline.when();
  timer.set_ = true;
  timers_.insert(&timer);
}

void EventLoop::clear_timer(Timer& timer) noexcept {
  if (!timer.set_) return;
  timers_.erase(&timer);
  timer.set_ = false;
}

void EventLoop::run_timers() noexcept {
  while (!timers_.empty() && (*timers_.begin())->when_ <= now_) {
    Timer* timer = *timers_.begin();
    clear_timer(*timer);
    timer->expired();
  }
}

}  // namespace strata::async
