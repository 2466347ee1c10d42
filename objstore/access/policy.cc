#include "objstore/access/policy.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "common/base/parse.h"
#include "objstore/access/policy_syntax.h"

namespace strata::access {

namespace {

using Json = nlohmann::ordered_json;

// What the parts of a document need to know of the whole.
struct Parsing {
  PolicyKind kind;
  bool variables = false;  // version 2012-10-17
  size_t statements = 0;
};

// The strings of a list, or the one string in place of it.
Result<std::vector<std::string>> strings_of(const Json& value, std::string_view element) {
  std::vector<std::string> out;
  if (value.is_string()) {
    out.push_back(value.get<std::string>());
    return out;
  }
  if (!value.is_array()) {
    return malformed_policy("Element " + std::string(element) + " must be a string or a list");
  }
  if (value.size() > kPolicyValuesMax) {
    return malformed_policy("Element " + std::string(element) + " holds too many values");
  }
  for (const Json& one : value) {
    if (!one.is_string()) {
      return malformed_policy("Element " + std::string(element) + " must hold strings");
    }
    out.push_back(one.get<std::string>());
  }
  return out;
}

Status read_aws_principal(const std::string& text, PrincipalSet& into) {
  if (text == "*") {
    into.everyone = true;
    return {};
  }
  if (is_account_id(text)) {
    into.accounts.push_back(text);
    return {};
  }
  const auto arn = parse_principal_arn(text);
  if (!arn) return malformed_policy("Invalid principal in policy");
  if (arn->root) {
    into.accounts.push_back(arn->account);
  } else {
    into.arns.push_back(text);
  }
  return {};
}

Result<PrincipalSet> read_principal(const Json& value) {
  PrincipalSet set;
  if (value.is_string()) {
    if (value.get<std::string>() != "*") return malformed_policy("Invalid principal in policy");
    set.everyone = true;
    return set;
  }
  if (!value.is_object() || value.empty()) {
    return malformed_policy("Invalid principal in policy");
  }
  for (const auto& [type, list] : value.items()) {
    TRY_ASSIGN(const std::vector<std::string> names, strings_of(list, "Principal"));
    if (names.empty()) return malformed_policy("Invalid principal in policy");
    for (const std::string& name : names) {
      if (type == "AWS") {
        TRY(read_aws_principal(name, set));
      } else if (type == "CanonicalUser") {
        if (!is_canonical_id(name)) return malformed_policy("Invalid principal in policy");
        set.canonical.push_back(name);
      } else if (type == "Service" || type == "Federated") {
        if (name.empty()) return malformed_policy("Invalid principal in policy");
        set.services.push_back(name);
      } else {
        return malformed_policy("Invalid principal in policy");
      }
    }
  }
  return set;
}

// A condition value may be written as a string, a number or a boolean.
Result<std::string> condition_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean() || value.is_number()) return value.dump();
  return malformed_policy("Condition values must be strings, numbers or booleans");
}

Status read_condition_key(const Parsing& parsing, Condition condition, const std::string& key,
                          const Json& values, std::vector<Condition>& into) {
  condition.key = ascii_lower(key);
  if (!is_condition_key(condition.key)) {
    return malformed_policy("Policy has an invalid condition key");
  }
  const auto add = [&](const Json& value) -> Status {
    TRY_ASSIGN(const std::string text, condition_text(value));
    const Status added = add_condition_value(condition, text, parsing.variables);
    return added.ok() ? Status() : Status(malformed_policy(added.error().message));
  };
  if (values.is_array()) {
    if (values.size() > kPolicyValuesMax) {
      return malformed_policy("A condition holds too many values");
    }
    for (const Json& value : values) TRY(add(value));
  } else {
    TRY(add(values));
  }
  into.push_back(std::move(condition));
  return {};
}

Status read_conditions(const Parsing& parsing, const Json& value, std::vector<Condition>& into) {
  if (!value.is_object()) return malformed_policy("Condition must be an object");
  for (const auto& [name, keys] : value.items()) {
    Result<Condition> condition = parse_condition_operator(name);
    if (!condition.ok()) return malformed_policy(condition.error().message);
    if (!keys.is_object()) return malformed_policy("A condition operator must hold an object");
    for (const auto& [key, values] : keys.items()) {
      TRY(read_condition_key(parsing, *condition, key, values, into));
    }
  }
  return {};
}

Status read_actions(const Json& value, std::string_view element, Statement& statement) {
  TRY_ASSIGN(const std::vector<std::string> names, strings_of(value, element));
  if (names.empty()) return malformed_policy("Policy statement must contain actions.");
  for (const std::string& name : names) {
    if (!is_action_pattern(name)) {
      return malformed_policy(
          "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.");
    }
    // No variable stands in an action.
    statement.actions.push_back(Pattern::parse(name, {true, false}));
  }
  return {};
}

Status read_resources(const Parsing& parsing, const Json& value, std::string_view element,
                      Statement& statement) {
  TRY_ASSIGN(const std::vector<std::string> names, strings_of(value, element));
  if (names.empty()) return malformed_policy("Policy statement must contain resources.");
  for (const std::string& name : names) {
    if (!is_resource_pattern(name)) {
      return malformed_policy(parsing.kind == PolicyKind::kBucket
                                  ? "Policy has invalid resource"
                                  : "Resource " + name + " must be in ARN format or \"*\".");
    }
    statement.resources.push_back(Pattern::parse(name, {true, parsing.variables}));
  }
  return {};
}

Status read_effect(const Json& value, Statement& statement) {
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  if (text != "Allow" && text != "Deny") return malformed_policy("Invalid effect: " + text);
  statement.effect = text == "Allow" ? Effect::kAllow : Effect::kDeny;
  return {};
}

Status read_element(const Parsing& parsing, const std::string& name, const Json& value,
                    Statement& statement) {
  if (name == "Sid") {
    if (!value.is_string()) return malformed_policy("Sid must be a string");
    statement.sid = value.get<std::string>();
    if (parsing.kind != PolicyKind::kBucket && !is_plain_sid(statement.sid)) {
      return malformed_policy("Statement IDs (SID) in a single policy must be alpha numeric.");
    }
    return {};
  }
  if (name == "Effect") return read_effect(value, statement);
  if (name == "Principal" || name == "NotPrincipal") {
    if (parsing.kind == PolicyKind::kIdentity) {
      return malformed_policy("Policy document should not specify a principal.");
    }
    TRY_ASSIGN(statement.principal, read_principal(value));
    statement.not_principal = name == "NotPrincipal";
    return {};
  }
  if (name == "Action" || name == "NotAction") {
    statement.not_action = name == "NotAction";
    return read_actions(value, name, statement);
  }
  if (name == "Resource" || name == "NotResource") {
    if (parsing.kind == PolicyKind::kTrust) {
      return malformed_policy("Has prohibited field " + name);
    }
    statement.not_resource = name == "NotResource";
    return read_resources(parsing, value, name, statement);
  }
  if (name == "Condition") return read_conditions(parsing, value, statement.conditions);
  return malformed_policy("Unknown field " + name);
}

Result<Statement> read_statement(const Parsing& parsing, const Json& value) {
  if (!value.is_object()) return malformed_policy("A statement must be an object");
  for (const char* pair : {"Principal", "Action", "Resource"}) {
    if (value.contains(pair) && value.contains(std::string("Not") + pair)) {
      return malformed_policy(std::string("A statement may have ") + pair + " or Not" + pair +
                              ", not both");
    }
  }
  if (!value.contains("Effect")) return malformed_policy("Missing required field Effect");
  Statement statement;
  for (const auto& [name, element] : value.items()) {
    TRY(read_element(parsing, name, element, statement));
  }
  if (parsing.kind != PolicyKind::kIdentity && !statement.principal) {
    return malformed_policy("Missing required field Principal");
  }
  if (statement.actions.empty()) {
    return malformed_policy(parsing.kind == PolicyKind::kBucket
                                ? "Missing required field Action"
                                : "Policy statement must contain actions.");
  }
  if (parsing.kind != PolicyKind::kTrust && statement.resources.empty()) {
    return malformed_policy(parsing.kind == PolicyKind::kBucket
                                ? "Missing required field Resource"
                                : "Policy statement must contain resources.");
  }
  return statement;
}

Status read_version(const Json& value, Parsing& parsing) {
  if (value == "2012-10-17") {
    parsing.variables = true;
    return {};
  }
  if (value == "2008-10-17") return {};
  return malformed_policy("The policy must contain a valid version string");
}

// Refuses a name that comes twice in one object: which of the two counts would be anybody's guess.
class DuplicateNames {
 public:
  bool operator()(int /*depth*/, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) {
      names_.emplace_back();
    } else if (event == Json::parse_event_t::object_end) {
      if (!names_.empty()) names_.pop_back();
    } else if (event == Json::parse_event_t::key && !names_.empty()) {
      if (!names_.back().insert(parsed.get<std::string>()).second) found_ = true;
    }
    return true;
  }
  [[nodiscard]] bool found() const noexcept { return found_; }

 private:
  std::vector<std::set<std::string>> names_;
  bool found_ = false;
};

Result<Json> read_json(std::string_view text) {
  if (text.empty() || trim_json(text).empty() || trim_json(text).front() != '{') {
    return malformed_policy("Policies must be valid JSON and the first byte must be '{'");
  }
  if (text.size() > kPolicyBytesMax) {
    return malformed_policy("Policy exceeds the maximum allowed document size.");
  }
  if (json_depth(text) > kPolicyDepthMax) {
    return malformed_policy("This policy contains invalid Json: it is nested too deeply");
  }
  DuplicateNames duplicates;
  const auto watch = [&duplicates](int depth, Json::parse_event_t event, Json& parsed) {
    return duplicates(depth, event, parsed);
  };
  Json json = Json::parse(text, watch, false);
  if (json.is_discarded() || !json.is_object()) {
    return malformed_policy("This policy contains invalid Json");
  }
  if (duplicates.found()) {
    return malformed_policy("This policy contains invalid Json: a name comes twice");
  }
  return json;
}

// Whether the text of any pattern or the key of any condition asks for the tags of an object.
bool names_object_tags(const Statement& statement) {
  constexpr std::string_view kTag = "s3:existingobjecttag/";
  const auto in_text = [&](const Pattern& pattern) {
    return ascii_lower(pattern.text()).find(kTag) != std::string::npos;
  };
  for (const Condition& condition : statement.conditions) {
    if (condition.key.starts_with(kTag)) return true;
    if (std::any_of(condition.values.begin(), condition.values.end(), in_text)) return true;
  }
  return std::any_of(statement.resources.begin(), statement.resources.end(), in_text);
}

}  // namespace

Error malformed_policy(std::string text) {
  return {Code::kInvalidArgument, kMalformedPolicy, std::move(text)};
}

std::string statement_name(const Policy& policy, size_t index) {
  const std::string& sid = policy.statements[index].sid;
  return sid.empty() ? "statement " + std::to_string(index + 1) : "statement \"" + sid + "\"";
}

Result<Policy> parse_policy(std::string_view text, PolicyKind kind) {
  TRY_ASSIGN(const Json json, read_json(text));
  Parsing parsing{.kind = kind};
  Policy policy;
  // First, because it decides what a '$' means in the rest.
  if (json.contains("Version")) TRY(read_version(json["Version"], parsing));
  std::vector<const Json*> statements;
  for (const auto& [name, value] : json.items()) {
    if (name == "Version") continue;
    if (name == "Id") {
      if (!value.is_string()) return malformed_policy("Id must be a string");
      policy.id = value.get<std::string>();
    } else if (name == "Statement") {
      if (value.is_array()) {
        for (const Json& one : value) statements.push_back(&one);
      } else {
        statements.push_back(&value);
      }
    } else {
      return malformed_policy("Unknown field " + name);
    }
  }
  if (statements.empty()) return malformed_policy("Missing required field Statement");
  if (statements.size() > kStatementsMax) return malformed_policy("Too many statements");
  std::set<std::string> sids;
  for (const Json* one : statements) {
    TRY_ASSIGN(Statement statement, read_statement(parsing, *one));
    if (!statement.sid.empty() && !sids.insert(statement.sid).second) {
      return malformed_policy("Statement IDs (SID) in a single policy must be unique.");
    }
    policy.reads_object_tags = policy.reads_object_tags || names_object_tags(statement);
    policy.statements.push_back(std::move(statement));
  }
  return policy;
}

}  // namespace strata::access
