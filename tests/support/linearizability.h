// Is there an order of these operations on one key in which each took effect at one moment between
// its call and its answer? After Wing and Gong, with the memory of Lowe: a state and a set of
// operations that were already tried together are not tried again.
//
// An operation whose outcome is not known took effect at some moment after its call, or never.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace strata::tests {

// Values are numbers from 1; 0 is a key that is not there.
struct Operation {
  enum class Kind { kRead, kWrite, kCreate, kSwap, kRemove };
  Kind kind = Kind::kRead;
  uint64_t value = 0;     // written, or found by a read
  uint64_t expected = 0;  // of a swap (If-Match): what must be there
  // kYes: it was done; of a create or swap kNo: the condition did not hold; kUnknown: an error.
  enum class Outcome { kYes, kNo, kUnknown } outcome = Outcome::kYes;
  uint64_t called = 0;
  uint64_t answered = 0;
};

inline constexpr uint64_t kNeverAnswered = std::numeric_limits<uint64_t>::max();

// The state after the operation, or false when it cannot have had this outcome in this state.
inline bool apply(const Operation& operation, uint64_t& state) {
  using Kind = Operation::Kind;
  if (operation.kind == Kind::kRead) return state == operation.value;
  if (operation.kind == Kind::kRemove) {
    state = 0;
    return true;
  }
  const bool holds = operation.kind == Kind::kWrite ||
                     (operation.kind == Kind::kCreate && state == 0) ||
                     (operation.kind == Kind::kSwap && state == operation.expected && state != 0);
  if (operation.outcome == Operation::Outcome::kNo) return !holds;
  if (holds) state = operation.value;
  // With an unknown outcome, one that did not hold changed nothing: the same as never.
  return holds || operation.outcome == Operation::Outcome::kUnknown;
}

// For histories of a few hundred operations of which a dozen overlap.
class LinearizabilityChecker {
 public:
  static constexpr size_t kStatesMax = 300'000;
  explicit LinearizabilityChecker(std::vector<Operation> history) : history_(std::move(history)) {
    for (Operation& one : history_) {
      if (one.outcome == Operation::Outcome::kUnknown) one.answered = kNeverAnswered;
    }
    std::ranges::sort(history_, {}, &Operation::called);
    done_.resize(history_.size());
  }
  [[nodiscard]] bool holds(uint64_t state = 0) { return search(state); }
  // The search was ended without an answer: holds() was false for that.
  [[nodiscard]] bool gave_up() const { return tried_.size() >= kStatesMax; }

 private:
  // Some operation that is called before every answer of those that are left goes next.
  bool search(uint64_t state) {
    uint64_t first_answer = kNeverAnswered;
    bool any_left = false;
    for (size_t i = 0; i < history_.size(); ++i) {
      if (done_[i]) continue;
      if (history_[i].outcome != Operation::Outcome::kUnknown) any_left = true;
      first_answer = std::min(first_answer, history_[i].answered);
    }
    if (!any_left) return true;
    if (tried_.size() >= kStatesMax || !tried_.emplace(done_, state).second) return false;
    // What may never have happened is taken only where nothing else helps.
    return next(state, first_answer, false) || next(state, first_answer, true);
  }

  bool next(uint64_t state, uint64_t first_answer, bool unknown) {
    for (size_t i = 0; i < history_.size() && history_[i].called <= first_answer; ++i) {
      if (done_[i] || (history_[i].outcome == Operation::Outcome::kUnknown) != unknown) continue;
      uint64_t after = state;
      if (!apply(history_[i], after)) continue;
      done_[i] = true;
      if (search(after)) return true;
      done_[i] = false;
    }
    return false;
  }

  std::vector<Operation> history_;
  std::vector<bool> done_;
  std::set<std::pair<std::vector<bool>, uint64_t>> tried_;
};

[[nodiscard]] inline bool is_linearizable(std::vector<Operation> history, uint64_t state = 0) {
  return LinearizabilityChecker(std::move(history)).holds(state);
}

inline std::string to_text(const std::vector<Operation>& history) {
  constexpr const char* kKinds[] = {"read", "write", "create", "swap", "remove"};
  constexpr const char* kOutcomes[] = {"yes", "no", "unknown"};
  std::string text;
  for (const Operation& one : history) {
    text += std::to_string(one.called) + ".." + std::to_string(one.answered) + " " +
            kKinds[static_cast<size_t>(one.kind)] + " " + std::to_string(one.expected) + ">" +
            std::to_string(one.value) + " " + kOutcomes[static_cast<size_t>(one.outcome)] + "\n";
  }
  return text;
}

}  // namespace strata::tests
