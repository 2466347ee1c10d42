// when_all: runs several tasks at the same time on the current loop and gathers their values.
#pragma once

#include <coroutine>
#include <optional>
#include <utility>
#include <vector>

#include "common/async/task.h"

namespace strata::async {

namespace detail {
struct AllState {
  size_t left = 0;
  std::coroutine_handle<> waiter;
};

template <typename T>
Detached run_one_of_all(Task<T> task, std::optional<T>& slot, AllState& state) {
  {
    Task<T> mine = std::move(task);
    T value = co_await std::move(mine);
    slot.emplace(std::move(value));
  }  // The task's frame, with all that it holds, is gone before anybody hears of its end.
  if (--state.left == 0 && state.waiter) state.waiter.resume();
}

struct AllDone {
  AllState& state;
  [[nodiscard]] bool await_ready() const noexcept { return state.left == 0; }
  void await_suspend(std::coroutine_handle<> waiter) const noexcept { state.waiter = waiter; }
  void await_resume() const noexcept {}
};
}  // namespace detail

// Values in the order of the tasks, once all have finished.
template <typename T>
[[nodiscard]] Task<std::vector<T>> when_all(std::vector<Task<T>> tasks) {
  std::vector<std::optional<T>> slots(tasks.size());
  detail::AllState state{tasks.size(), {}};
  for (size_t i = 0; i < tasks.size(); ++i) {
    detail::run_one_of_all(std::move(tasks[i]), slots[i], state);
  }
  co_await detail::AllDone{state};
  std::vector<T> values;
  values.reserve(slots.size());
  for (std::optional<T>& slot : slots) values.push_back(std::move(*slot));
  co_return std::move(values);
}

}  // namespace strata::async
