#include "objstore/access/bucket_policy.h"

#include <algorithm>
#include <string>

#include "objstore/access/s3_actions.h"

namespace strata::access {

namespace {

constexpr std::string_view kS3Arn = "arn:aws:s3:::";

// "arn:aws:s3:::bucket", or the same with '/' and what may be anything; a wildcard may stand in
// for the bucket only where it is followed by nothing that could name another.
bool speaks_of(const Pattern& resource, std::string_view bucket) {
  std::string_view text = resource.text();
  if (!text.starts_with(kS3Arn)) return false;
  text.remove_prefix(kS3Arn.size());
  if (!text.starts_with(bucket)) return false;
  text.remove_prefix(bucket.size());
  return text.empty() || text.front() == '/' || text.front() == '*';
}

ActionCover resources_cover(const Statement& statement, std::string_view bucket) {
  ActionCover cover;
  for (const Pattern& resource : statement.resources) {
    const std::string_view rest =
        std::string_view(resource.text()).substr(kS3Arn.size() + bucket.size());
    // "bucket*" is both the bucket and what is in it.
    if (rest.empty() || rest.front() == '*') cover.bucket = true;
    if (!rest.empty()) cover.object = true;
  }
  return cover;
}

Status check_statement(const Statement& statement, std::string_view bucket) {
  for (const Pattern& resource : statement.resources) {
    if (!speaks_of(resource, bucket)) return malformed_policy("Policy has invalid resource");
  }
  const ActionCover reach = resources_cover(statement, bucket);
  for (const Pattern& action : statement.actions) {
    const ActionCover cover = cover_of(action);
    if (cover.nothing()) return malformed_policy("Policy has invalid action");
    const bool applies = (cover.bucket && reach.bucket) || (cover.object && reach.object);
    if (!applies && !statement.not_action && !statement.not_resource) {
      return malformed_policy("Action does not apply to any resource(s) in statement");
    }
  }
  return {};
}

bool is_narrow_network(const Pattern& value) {
  if (!value.is_fixed()) return false;
  const auto network = parse_network(value.text());
  return network && network->prefix_bits >= (network->v6 ? 32 : 8);
}

// "AROAEXAMPLE:*" is one role, whatever its session is called; any other wildcard could be anybody.
bool is_one_user_id(const Pattern& value) {
  if (value.is_fixed()) return true;
  const std::string& text = value.text();
  const size_t wildcard = text.find_first_of("*?$");
  return wildcard != std::string::npos && wildcard > 1 && text[wildcard - 1] == ':' &&
         wildcard + 1 == text.size() && text.starts_with("AROA");
}

bool pins_down(const Condition& condition) {
  if (condition.negated || condition.if_exists || condition.values.empty() ||
      condition.quantifier == Quantifier::kForAllValues) {
    return false;
  }
  const auto all = [&](bool (*good)(const Pattern&)) {
    return std::all_of(condition.values.begin(), condition.values.end(), good);
  };
  if (condition.key == "aws:sourceip") {
    return condition.type == ConditionType::kIpAddress && all(is_narrow_network);
  }
  const bool equals = condition.type == ConditionType::kString ||
                      condition.type == ConditionType::kStringIgnoreCase ||
                      condition.type == ConditionType::kStringLike ||
                      condition.type == ConditionType::kArn;
  if (!equals) return false;
  if (condition.key == "aws:userid") return all(is_one_user_id);
  constexpr std::string_view kPinning[] = {
      "aws:principalaccount",  "aws:principalarn",
      "aws:principalorgid",    "aws:sourcearn",
      "aws:sourcevpc",         "aws:sourcevpce",
      "aws:sourceowner",       "aws:sourceaccount",
      "aws:username",          "s3:dataaccesspointaccount",
      "s3:dataaccesspointarn", "aws:sourceorgid",
  };
  if (std::find(std::begin(kPinning), std::end(kPinning), condition.key) == std::end(kPinning)) {
    return false;
  }
  return all([](const Pattern& value) {
    // The Arn operators parse wildcards: a text without one is fixed there too.
    return value.is_fixed() && value.text().find_first_of("*?") == std::string::npos;
  });
}

}  // namespace

Result<Policy> parse_bucket_policy(std::string_view text, std::string_view bucket) {
  if (text.size() > kBucketPolicyBytesMax) {
    return malformed_policy("Policy exceeds the maximum allowed document size.");
  }
  TRY_ASSIGN(Policy policy, parse_policy(text, PolicyKind::kBucket));
  for (const Statement& statement : policy.statements) TRY(check_statement(statement, bucket));
  return policy;
}

bool is_public(const Policy& policy) {
  return std::any_of(
      policy.statements.begin(), policy.statements.end(), [](const Statement& statement) {
        if (statement.effect != Effect::kAllow || !statement.principal) return false;
        if (!statement.principal->everyone && !statement.not_principal) return false;
        return std::none_of(statement.conditions.begin(), statement.conditions.end(), pins_down);
      });
}

}  // namespace strata::access
