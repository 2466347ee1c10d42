#include "common/fault/fault_engine.h"

#include <fmt/format.h>

#include <utility>

#include "common/base/log.h"

namespace strata::fault {
namespace {

bool matches(const FaultRule& rule, Operation operation, std::string_view path,
             std::string_view other_path) {
  if (rule.operation != Operation::kAny && rule.operation != operation) return false;
  return path.find(rule.path_contains) != std::string_view::npos ||
         other_path.find(rule.path_contains) != std::string_view::npos;
}

}  // namespace

Error injected_error(const FaultRule& rule, Operation operation, std::string_view path) {
  return Error(rule.code, "injected",
               fmt::format("injected fault: {} {}", operation_name(operation), path));
}

void FaultEngine::set_plan(FaultPlan plan) {
  {
    const std::lock_guard lock(mutex_);
    plan_ = std::move(plan);
    ++plan_number_;
    progress_.assign(plan_.rules.size(), {});
    random_ = SeededRandom(plan_.seed);
  }
  plan_changed_.notify_all();
}

bool FaultEngine::hits(const FaultRule& rule, Progress& progress) {
  if (progress.seen++ < rule.skip || progress.hits >= rule.times) return false;
  if (rule.probability < 1.0) {
    constexpr double kWhole = 18446744073709551616.0;  // 2^64
    if (static_cast<double>(random_.next_u64()) >= rule.probability * kWhole) return false;
  }
  ++progress.hits;
  ++by_effect_[static_cast<size_t>(rule.effect)];
  return true;
}

std::optional<FaultRule> FaultEngine::decide(Operation operation, std::string_view path,
                                             std::string_view other_path) {
  std::unique_lock lock(mutex_);
  const uint64_t number = plan_number_;
  for (size_t i = 0; i < plan_.rules.size(); ++i) {
    const FaultRule& rule = plan_.rules[i];
    if (!matches(rule, operation, path, other_path) || !hits(rule, progress_[i])) continue;
    log::debug("fault.injected", {{"effect", effect_name(rule.effect)},
                                  {"operation", operation_name(operation)},
                                  {"path", path}});
    if (rule.effect != Effect::kDelay) return rule;
    plan_changed_.wait_for(lock, rule.delay, [&] { return plan_number_ != number; });
    // The rules of another plan have not seen this call, and do not.
    if (plan_number_ != number) return std::nullopt;
  }
  return std::nullopt;
}

Status FaultEngine::pass(Operation operation, std::string_view path, std::string_view other_path) {
  const std::optional<FaultRule> rule = decide(operation, path, other_path);
  if (rule.has_value() && rule->effect == Effect::kError) {
    return injected_error(*rule, operation, path);
  }
  return {};
}

uint64_t FaultEngine::random_below(uint64_t bound) {
  const std::lock_guard lock(mutex_);
  return random_.below(bound);
}

uint64_t FaultEngine::injected() const {
  const std::lock_guard lock(mutex_);
  uint64_t sum = 0;
  for (const uint64_t count : by_effect_) sum += count;
  return sum;
}

uint64_t FaultEngine::injected(Effect effect) const {
  const std::lock_guard lock(mutex_);
  return by_effect_[static_cast<size_t>(effect)];
}

std::vector<uint64_t> FaultEngine::rule_hits() const {
  const std::lock_guard lock(mutex_);
  std::vector<uint64_t> hits;
  hits.reserve(progress_.size());
  for (const Progress& progress : progress_) hits.push_back(progress.hits);
  return hits;
}

}  // namespace strata::fault
