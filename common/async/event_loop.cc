#include "common/async/event_loop.h"

#include <thread>
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
  while (posting_.load(std::memory_order_acquire) > 0) std::this_thread::yield();
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
  const FramePool::Scope frames(frames_);
  Status outcome;
  run_posted();
  while (!stopping_.load(std::memory_order_acquire)) {
    Deadline until = Deadline::never();
    if (!timers_.empty()) until = Deadline::at(timers_.first_time());
    if (posted_to_itself_) until = Deadline::at(SteadyTime::min());  // only look, do not wait
    outcome = ring_->run_once(until);
    if (!outcome.ok()) break;
    run_posted();
    run_timers();
  }
  // What was posted before the stop, but after this turn's look.
  if (outcome.ok()) run_posted();
  stopping_.store(false, std::memory_order_release);
  current_loop = nullptr;
  return outcome;
}

void EventLoop::stop() noexcept {
  stopping_.store(true, std::memory_order_release);
  ring_->wake();
}

void EventLoop::post(std::coroutine_handle<> handle) {
  enqueue({handle, {}});
}

void EventLoop::post(std::function<void()> function) {
  enqueue({{}, std::move(function)});
}

void EventLoop::enqueue(Posted item) {
  posting_.fetch_add(1, std::memory_order_acq_rel);
  {
    const std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(item));
  }
  wake_for_posted();
  posting_.fetch_sub(1, std::memory_order_release);
}

void EventLoop::wake_for_posted() noexcept {
  if (current_loop == this) {
    posted_to_itself_ = true;  // no system call for a loop that is awake
  } else {
    ring_->wake();
  }
}

void EventLoop::run_posted() {
  posted_to_itself_ = false;
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
  if (deadline.is_never()) {
    timers_.clear(timer);
  } else {
    timers_.set(timer, deadline.when());
  }
}

void EventLoop::clear_timer(Timer& timer) noexcept {
  timers_.clear(timer);
}

void EventLoop::run_timers() noexcept {
  if (timers_.empty()) return;
  const SteadyTime now = std::chrono::steady_clock::now();
  // A timer that sets itself again for a time that has passed waits for the next turn.
  for (size_t left = timers_.size(); left > 0 && !timers_.empty(); --left) {
    if (timers_.first_time() > now) break;
    Timer& timer = timers_.first();
    timers_.clear(timer);
    timer.expired();
  }
}

}  // namespace strata::async
