#include "objstore/access/evaluate.h"

#include <algorithm>
#include <optional>

#include "common/base/parse.h"

namespace strata::access {

namespace {

bool any_matches(const std::vector<Pattern>& patterns, std::string_view value,
                 const Context* context, Letters letters) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const Pattern& pattern) {
    return pattern.matches(value, context, letters);
  });
}

bool holds_text(const std::vector<std::string>& list, const std::string& text) {
  return !text.empty() && std::find(list.begin(), list.end(), text) != list.end();
}

// How closely the set names the principal.
Named how_named(const PrincipalSet& set, const Principal& principal) {
  if (set.everyone) return Named::kItself;
  if (principal.kind == CallerKind::kAnonymous) return Named::kNot;
  if (principal.kind == CallerKind::kRole && holds_text(set.arns, principal.arn)) {
    return Named::kSession;
  }
  if (holds_text(set.arns, principal.arn) || holds_text(set.arns, principal.role_arn)) {
    return Named::kItself;
  }
  if (holds_text(set.accounts, principal.account) ||
      holds_text(set.canonical, principal.canonical_id)) {
    return principal.kind == CallerKind::kRoot ? Named::kItself : Named::kAccount;
  }
  return Named::kNot;
}

// Why a statement does not apply; nullopt when it does, and then how the principal is named in it.
std::optional<std::string_view> mismatch(const Statement& statement, const Principal& principal,
                                         const Question& question, Named& named) {
  named = Named::kItself;
  if (statement.principal) {
    named = how_named(*statement.principal, principal);
    if (statement.not_principal) {
      if (named >= Named::kItself) return "the principal is excepted";
      named = Named::kItself;
    } else if (named == Named::kNot) {
      return "another principal";
    }
  }
  if (any_matches(statement.actions, question.action, nullptr, Letters::kAnyCase) ==
      statement.not_action) {
    return "another action";
  }
  if (!statement.resources.empty() &&
      any_matches(statement.resources, question.resource, question.context, Letters::kExact) ==
          statement.not_resource) {
    return "another resource";
  }
  for (const Condition& condition : statement.conditions) {
    if (question.context == nullptr || !holds(condition, *question.context)) {
      return "a condition does not hold";
    }
  }
  return std::nullopt;
}

// The first condition that fails, in words.
std::string failing_condition(const Statement& statement, const Question& question) {
  for (const Condition& condition : statement.conditions) {
    if (question.context == nullptr || !holds(condition, *question.context)) {
      return ": " + condition.operator_name + " " + condition.key;
    }
  }
  return {};
}

void note(Trace* trace, const NamedPolicy& policy, size_t index, const Question& question,
          std::optional<std::string_view> why_not) {
  if (trace == nullptr) return;
  const Statement& statement = policy.policy->statements[index];
  std::string line = policy.name + ", " + statement_name(*policy.policy, index) + " (" +
                     (statement.effect == Effect::kAllow ? "Allow" : "Deny") + "): ";
  if (!why_not) {
    line += "applies";
  } else {
    line += std::string("does not apply, ") + std::string(*why_not);
    if (*why_not == "a condition does not hold") line += failing_condition(statement, question);
  }
  trace->push_back(std::move(line));
}

Decision decide(bool allowed, std::string_view reason) {
  return {allowed, reason, {}, {}};
}

Decision decide_by(bool allowed, std::string_view reason, const NamedPolicy& policy,
                   size_t statement) {
  return {allowed, reason, policy.name, statement_name(*policy.policy, statement)};
}

// What several policies say together: a denial counts at once, else the first that allows.
struct Together {
  Says says = Says::kNothing;
  const NamedPolicy* policy = nullptr;
  size_t statement = 0;
};

Together ask_all(const std::vector<NamedPolicy>& policies, const Principal& principal,
                 const Question& question, Trace* trace) {
  Together together;
  for (const NamedPolicy& policy : policies) {
    const PolicyAnswer answer = ask_policy(policy, principal, question, trace);
    if (answer.says == Says::kDeny) return {Says::kDeny, &policy, answer.statement};
    if (answer.says == Says::kAllow && together.says == Says::kNothing) {
      together = {Says::kAllow, &policy, answer.statement};
    }
  }
  return together;
}

// What the principal's own side says, its session policies not yet counted.
Together identity_side(const Principal& principal, const Question& question, Trace* trace) {
  if (principal.kind == CallerKind::kRoot) {
    if (trace != nullptr) trace->push_back("the account's root: everything is granted to it");
    return {Says::kAllow, nullptr, 0};
  }
  return ask_all(principal.policies, principal, question, trace);
}

constexpr std::string_view kNoAllow = "no policy allows it: the default is to deny";

struct Answers {
  Together identity;
  Together session;  // kAllow where nothing narrows the session
  PolicyAnswer resource;
};

Decision combine(const Principal& principal, const ResourceSide& side, const Answers& answers) {
  const bool own = principal.account == side.account;
  const bool by_policy = answers.resource.says == Says::kAllow;
  const bool in_session = answers.session.says == Says::kAllow;
  const bool identity = answers.identity.says == Says::kAllow;
  const auto by_resource = [&](std::string_view reason) {
    if (!by_policy) return decide(true, reason);
    return decide_by(true, reason, *side.policy, answers.resource.statement);
  };
  if (own) {
    if (by_policy && answers.resource.named == Named::kSession) {
      return by_resource("the resource's policy allows it to this session");
    }
    if (!in_session) return decide(false, "the session's policy does not allow it");
    if (by_policy && answers.resource.named >= Named::kItself) {
      return by_resource("the resource's policy allows it");
    }
    if (side.acl_allows_everyone) return decide(true, "the access control list allows it");
    if (!identity) return decide(false, kNoAllow);
    if (answers.identity.policy == nullptr) {
      return decide(true, "the account's root may do everything to what its account owns");
    }
    return decide_by(true, "an identity policy allows it", *answers.identity.policy,
                     answers.identity.statement);
  }
  if (!by_policy && !side.acl_allows && !side.acl_allows_everyone) {
    return decide(false, "it belongs to another account, which has not allowed it");
  }
  if (!identity) {
    return decide(false, "the other account allows it, but no policy of the caller's own does");
  }
  if (!in_session) return decide(false, "the session's policy does not allow it");
  return by_policy ? by_resource("the other account's policy and the caller's own allow it")
                   : decide(true, "the access control list and the caller's own policy allow it");
}

}  // namespace

std::string Decision::explain() const {
  std::string text = allowed ? "allowed: " : "denied: ";
  text += reason;
  if (!policy.empty()) text += " (" + policy + ", " + statement + ")";
  return text;
}

PolicyAnswer ask_policy(const NamedPolicy& policy, const Principal& principal,
                        const Question& question, Trace* trace) {
  PolicyAnswer answer;
  for (size_t i = 0; i < policy.policy->statements.size(); ++i) {
    const Statement& statement = policy.policy->statements[i];
    Named named = Named::kNot;
    const auto why_not = mismatch(statement, principal, question, named);
    note(trace, policy, i, question, why_not);
    if (why_not) continue;
    if (statement.effect == Effect::kDeny) return {Says::kDeny, named, i};
    if (answer.says == Says::kNothing || named > answer.named) {
      answer = {Says::kAllow, named, i};
    }
  }
  return answer;
}

Decision evaluate(const Principal& principal, const Question& question, const ResourceSide& side,
                  Trace* trace) {
  // An operation without an action was left out of the route table: nobody may run it.
  if (question.action.empty()) return decide(false, "the operation names no action");
  Answers answers;
  const bool exempt = side.owner_root_is_exempt && principal.kind == CallerKind::kRoot &&
                      principal.account == side.account;
  if (side.policy != nullptr && !exempt) {
    answers.resource = ask_policy(*side.policy, principal, question, trace);
    if (answers.resource.says == Says::kDeny) {
      return decide_by(false, "the resource's policy denies it", *side.policy,
                       answers.resource.statement);
    }
    if (!side.policy_may_allow) answers.resource = {};
    if (side.restrict_public && principal.account != side.account &&
        answers.resource.says == Says::kAllow) {
      if (trace != nullptr) {
        trace->push_back(
            "the bucket restricts public access and its policy is public: other "
            "accounts and anonymous callers are kept out");
      }
      answers.resource = {};
    }
  }
  if (principal.kind == CallerKind::kAnonymous) {
    if (answers.resource.says == Says::kAllow) {
      return decide_by(true, "the resource's policy allows it to everyone", *side.policy,
                       answers.resource.statement);
    }
    if (side.acl_allows_everyone) {
      return decide(true, "the access control list allows it to everyone");
    }
    return decide(false, "nothing is granted to anonymous callers");
  }
  answers.identity = identity_side(principal, question, trace);
  if (answers.identity.says == Says::kDeny) {
    return decide_by(false, "an identity policy denies it", *answers.identity.policy,
                     answers.identity.statement);
  }
  answers.session.says = Says::kAllow;
  if (principal.narrowed) {
    answers.session = ask_all(principal.session_policies, principal, question, trace);
    if (answers.session.says == Says::kDeny) {
      return decide_by(false, "the session's policy denies it", *answers.session.policy,
                       answers.session.statement);
    }
  }
  return combine(principal, side, answers);
}

}  // namespace strata::access
