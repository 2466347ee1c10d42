#include "common/fault/fault_plan.h"

#include <fmt/format.h>

namespace strata::fault {

std::string_view operation_name(Operation operation) noexcept {
  switch (operation) {
    case Operation::kAny:
      return "any";
    case Operation::kOpen:
      return "open";
    case Operation::kRead:
      return "read";
    case Operation::kWrite:
      return "write";
    case Operation::kSync:
      return "sync";
    case Operation::kTruncate:
      return "truncate";
    case Operation::kAllocate:
      return "allocate";
    case Operation::kSize:
      return "size";
    case Operation::kRename:
      return "rename";
    case Operation::kLink:
      return "link";
    case Operation::kRemove:
      return "remove";
    case Operation::kCreateDirectory:
      return "create_directory";
    case Operation::kList:
      return "list";
    case Operation::kInfo:
      return "info";
    case Operation::kSyncDirectory:
      return "sync_directory";
    case Operation::kLock:
      return "lock";
    case Operation::kSpace:
      return "space";
  }
  return "unknown";
}

std::string_view effect_name(Effect effect) noexcept {
  switch (effect) {
    case Effect::kError:
      return "error";
    case Effect::kTornWrite:
      return "torn_write";
    case Effect::kLostWrite:
      return "lost_write";
    case Effect::kMisdirectedWrite:
      return "misdirected_write";
    case Effect::kFlipBit:
      return "flip_bit";
    case Effect::kLostFlush:
      return "lost_flush";
    case Effect::kDelay:
      return "delay";
  }
  return "unknown";
}

namespace {

bool can_happen(Operation operation, Effect effect) {
  switch (effect) {
    case Effect::kError:
    case Effect::kDelay:
      return true;
    case Effect::kTornWrite:
    case Effect::kLostWrite:
    case Effect::kMisdirectedWrite:
      return operation == Operation::kWrite;
    case Effect::kFlipBit:
      return operation == Operation::kRead;
    case Effect::kLostFlush:
      return operation == Operation::kSync || operation == Operation::kSyncDirectory;
  }
  return false;
}

}  // namespace

Status check_plan(const FaultPlan& plan) {
  if (plan.rules.size() > kMaxRules) {
    return Error(Code::kInvalidArgument, fmt::format("a fault plan has at most {} rules, not {}",
                                                     kMaxRules, plan.rules.size()));
  }
  for (const FaultRule& rule : plan.rules) {
    if (!can_happen(rule.operation, rule.effect)) {
      return Error(Code::kInvalidArgument,
                   fmt::format("the effect {} cannot happen to the operation {}",
                               effect_name(rule.effect), operation_name(rule.operation)));
    }
    if (!(rule.probability >= 0.0 && rule.probability <= 1.0)) {
      return Error(Code::kInvalidArgument, "the probability of a fault lies between 0 and 1");
    }
    if (rule.delay < Duration::zero() || rule.delay > kMaxDelay) {
      return Error(Code::kInvalidArgument, "the delay of a fault lies between 0 and an hour");
    }
  }
  return {};
}

}  // namespace strata::fault
