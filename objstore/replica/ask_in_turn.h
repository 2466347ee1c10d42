// Asking drives for the same thing, on threads that may block: the first that has it is enough. One
// that keeps the asker waiting is not waited for alone: the next one is asked too (suspects.h).
//
// Thread rule: inside a task on an event loop. The function runs on threads of the pool, on several
// at once, and may still run when the task has ended: it owns what it uses, the store aside.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "common/async/completion.h"
#include "common/async/task.h"
#include "common/base/log.h"
#include "objstore/replica/core.h"
#include "objstore/replica/healer.h"

namespace strata::replica {

// What came of it: a value, or none from anybody. `bad` are those that answered with an error.
template <typename T>
struct Asked {
  std::optional<T> value;
  size_t member = 0;  // whose value it is
  std::vector<BadCopy> bad;
  bool timed_out = false;  // some did not answer within the drives' time
};

namespace detail {

// Where the answers arrive, from any thread.
template <typename T>
class Answers {
 public:
  struct Answer {
    size_t member;
    Result<T> result;
  };
  void began(size_t member) {
    const std::lock_guard lock(mutex_);
    running_.push_back(member);
  }
  void answer(size_t member, Result<T> result) {
    const std::lock_guard lock(mutex_);
    std::erase(running_, member);
    arrived_.push_back(Answer{member, std::move(result)});
    wake();
  }
  void time_passed() {
    const std::lock_guard lock(mutex_);
    wake();
  }
  [[nodiscard]] std::optional<Answer> take() {
    const std::lock_guard lock(mutex_);
    if (arrived_.empty()) return std::nullopt;
    std::optional<Answer> first(std::move(arrived_.front()));
    arrived_.pop_front();
    return first;
  }
  // False when there is an answer already; else the completion is set with the next one.
  [[nodiscard]] bool wait_on(async::Completion<bool>& woken) {
    const std::lock_guard lock(mutex_);
    if (!arrived_.empty()) return false;
    waiter_ = &woken;
    return true;
  }
  // Those whose drive is being read now: not those that wait for a thread.
  [[nodiscard]] std::vector<size_t> running() const {
    const std::lock_guard lock(mutex_);
    return running_;
  }

 private:
  void wake() {
    if (waiter_ != nullptr) std::exchange(waiter_, nullptr)->set(true);
  }
  mutable std::mutex mutex_;
  std::deque<Answer> arrived_;                 // guarded by mutex_
  std::vector<size_t> running_;                // guarded by mutex_
  async::Completion<bool>* waiter_ = nullptr;  // guarded by mutex_
};

template <typename T>
class AnswerTimer final : public async::Timer {
 public:
  AnswerTimer(Answers<T>& answers, Deadline deadline) : answers_(answers) {
    async::EventLoop::current().set_timer(*this, deadline);
  }
  ~AnswerTimer() { async::EventLoop::current().clear_timer(*this); }
  AnswerTimer(const AnswerTimer&) = delete;
  AnswerTimer& operator=(const AnswerTimer&) = delete;
  void expired() noexcept override { answers_.time_passed(); }

 private:
  Answers<T>& answers_;
};

template <typename T>
void ask_one(Core& core, size_t member, const std::shared_ptr<Answers<T>>& answers,
             const std::function<Result<T>(size_t)>& ask) {
  core.suspects.read_begins(member);
  core.background.insist([&core, member, answers, ask] {
    answers->began(member);
    Result<T> result = ask(member);
    core.suspects.read_ends(member);
    answers->answer(member, std::move(result));
  });
}

inline void note_waiting(Core& core, const std::vector<size_t>& members) {
  for (const size_t member : members) {
    if (!core.suspects.kept_waiting(member)) continue;
    log::warning("drive.suspect", {{"path", core.seat(member).path},
                                   {"reason", "a read of it takes long; others are asked first"}});
  }
}

}  // namespace detail

// In the order of `drives`. An error of one sends the question to the next.
template <typename T>
async::Task<Asked<T>> ask_in_turn(Core& core, std::vector<size_t> drives,
                                  std::function<Result<T>(size_t)> ask) {
  const auto answers = std::make_shared<detail::Answers<T>>();
  const Deadline end = Deadline::after(core.drive_answer_max);
  Asked<T> asked;
  size_t next = 0;
  size_t waiting = 0;
  bool patient = false;  // everybody has been asked, and those that do not answer are known
  for (;;) {
    if (waiting == 0 && next == drives.size()) co_return asked;
    if (waiting == 0) {
      detail::ask_one<T>(core, drives[next++], answers, ask);
      ++waiting;
    }
    async::Completion<bool> woken;
    if (answers->wait_on(woken)) {
      const Deadline bound = patient ? end : Deadline::after(core.suspects.read_wait_max());
      const detail::AnswerTimer<T> timer(*answers, bound);
      (void)co_await woken;
    }
    auto answer = answers->take();
    if (answer) {
      --waiting;
      if (!answer->result.ok()) {
        asked.bad.push_back(BadCopy{answer->member, answer->result.error()});
        continue;
      }
      asked.value.emplace(std::move(answer->result).value());
      asked.member = answer->member;
      co_return asked;
    }
    if (patient || end.passed(std::chrono::steady_clock::now())) {
      asked.timed_out = true;
      co_return asked;
    }
    const std::vector<size_t> late = answers->running();
    detail::note_waiting(core, late);
    patient = next == drives.size();
    // One that waits for a thread would not be faster elsewhere.
    if (patient || late.empty()) continue;
    detail::ask_one<T>(core, drives[next++], answers, ask);
    ++waiting;
    ++core.suspects.hedged_reads;
  }
}

// For whoever got no value: why.
template <typename T>
Error nobody_has_it(const Core& core, const Asked<T>& asked, uint64_t placement,
                    std::string_view what) {
  if (!asked.bad.empty()) return asked.bad.front().error.with_context(what);
  if (!asked.timed_out) return core.too_few_drives(placement);
  return Error(Code::kTimeout,
               drive::unanswered(core.drive_answer_max) + ": the drive that has it");
}

}  // namespace strata::replica
