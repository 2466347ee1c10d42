#include "objstore/access/condition.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "common/base/parse.h"
#include "common/codec/http_date.h"
#include "common/codec/text.h"

namespace strata::access {

namespace {

struct OperatorName {
  std::string_view name;
  ConditionType type;
  Comparison comparison = Comparison::kEqual;
  bool negated = false;
};

constexpr OperatorName kOperators[] = {
    {"StringEquals", ConditionType::kString},
    {"StringNotEquals", ConditionType::kString, Comparison::kEqual, true},
    {"StringEqualsIgnoreCase", ConditionType::kStringIgnoreCase},
    {"StringNotEqualsIgnoreCase", ConditionType::kStringIgnoreCase, Comparison::kEqual, true},
    {"StringLike", ConditionType::kStringLike},
    {"StringNotLike", ConditionType::kStringLike, Comparison::kEqual, true},
    {"NumericEquals", ConditionType::kNumeric},
    {"NumericNotEquals", ConditionType::kNumeric, Comparison::kEqual, true},
    {"NumericLessThan", ConditionType::kNumeric, Comparison::kLess},
    {"NumericLessThanEquals", ConditionType::kNumeric, Comparison::kLessOrEqual},
    {"NumericGreaterThan", ConditionType::kNumeric, Comparison::kGreater},
    {"NumericGreaterThanEquals", ConditionType::kNumeric, Comparison::kGreaterOrEqual},
    {"DateEquals", ConditionType::kDate},
    {"DateNotEquals", ConditionType::kDate, Comparison::kEqual, true},
    {"DateLessThan", ConditionType::kDate, Comparison::kLess},
    {"DateLessThanEquals", ConditionType::kDate, Comparison::kLessOrEqual},
    {"DateGreaterThan", ConditionType::kDate, Comparison::kGreater},
    {"DateGreaterThanEquals", ConditionType::kDate, Comparison::kGreaterOrEqual},
    {"Bool", ConditionType::kBool},
    {"BinaryEquals", ConditionType::kBinary},
    {"IpAddress", ConditionType::kIpAddress},
    {"NotIpAddress", ConditionType::kIpAddress, Comparison::kEqual, true},
    {"ArnEquals", ConditionType::kArn},
    {"ArnLike", ConditionType::kArn},
    {"ArnNotEquals", ConditionType::kArn, Comparison::kEqual, true},
    {"ArnNotLike", ConditionType::kArn, Comparison::kEqual, true},
    {"Null", ConditionType::kNull},
};

std::optional<double> parse_double(std::string_view text) {
  if (text.empty() || text.size() > 64) return std::nullopt;
  const std::string copy(text);
  char* end = nullptr;
  const double value = std::strtod(copy.c_str(), &end);
  if (end != copy.c_str() + copy.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

// ISO 8601, a day alone, or seconds since 1970; in milliseconds.
std::optional<double> parse_date(std::string_view text) {
  if (const auto time = codec::parse_iso8601(text)) {
    return static_cast<double>(time->time_since_epoch().count());
  }
  if (text.size() == 10) {
    if (const auto day = codec::parse_iso8601(std::string(text) + "T00:00:00Z")) {
      return static_cast<double>(day->time_since_epoch().count());
    }
  }
  const auto seconds = parse_double(text);
  if (!seconds) return std::nullopt;
  return *seconds * 1000;
}

std::optional<bool> parse_bool(std::string_view text) {
  if (ascii_iequals(text, "true")) return true;
  if (ascii_iequals(text, "false")) return false;
  return std::nullopt;
}

bool compare(Comparison comparison, double given, double wanted) {
  switch (comparison) {
    case Comparison::kEqual:
      return given == wanted;
    case Comparison::kLess:
      return given < wanted;
    case Comparison::kLessOrEqual:
      return given <= wanted;
    case Comparison::kGreater:
      return given > wanted;
    case Comparison::kGreaterOrEqual:
      return given >= wanted;
  }
  return false;
}

bool in_network(std::string_view address, std::string_view network) {
  const auto host = parse_network(address);
  const auto net = parse_network(network);
  if (!host || !net || host->v6 != net->v6) return false;
  for (int bit = 0; bit < net->prefix_bits; ++bit) {
    const auto byte = static_cast<size_t>(bit / 8);
    const unsigned mask = 0x80U >> (bit % 8);
    if ((host->address[byte] & mask) != (net->address[byte] & mask)) return false;
  }
  return true;
}

// The six parts of an ARN are compared each for itself: no wildcard reaches across a colon, but in
// the last part.
bool arn_matches(std::string_view pattern, std::string_view value) {
  if (pattern == "*") return true;
  for (int part = 0; part < 5; ++part) {
    const size_t in_pattern = pattern.find(':');
    const size_t in_value = value.find(':');
    if (in_pattern == std::string_view::npos || in_value == std::string_view::npos) return false;
    if (!glob_matches(pattern.substr(0, in_pattern), value.substr(0, in_value))) return false;
    pattern.remove_prefix(in_pattern + 1);
    value.remove_prefix(in_value + 1);
  }
  return glob_matches(pattern, value);
}

bool matches_value(const Condition& condition, const Pattern& wanted, const std::string& given,
                   const Context& context) {
  switch (condition.type) {
    case ConditionType::kString:
    case ConditionType::kStringLike:
      return wanted.matches(given, &context);
    case ConditionType::kStringIgnoreCase:
      return wanted.matches(given, &context, Letters::kAnyCase);
    default:
      break;
  }
  const auto text = wanted.expand(&context);
  if (!text) return false;
  switch (condition.type) {
    case ConditionType::kNumeric:
    case ConditionType::kDate: {
      const bool date = condition.type == ConditionType::kDate;
      const auto left = date ? parse_date(given) : parse_double(given);
      const auto right = date ? parse_date(*text) : parse_double(*text);
      return left && right && compare(condition.comparison, *left, *right);
    }
    case ConditionType::kBool: {
      const auto left = parse_bool(given);
      return left && left == parse_bool(*text);
    }
    case ConditionType::kBinary: {
      const auto left = codec::from_base64(given);
      return left && left == codec::from_base64(*text);
    }
    case ConditionType::kIpAddress:
      return in_network(given, *text);
    case ConditionType::kArn:
      return arn_matches(*text, given);
    default:
      return false;
  }
}

// What one value of the request has to do: equal one of the policy's, or, negated, none.
bool satisfies(const Condition& condition, const std::string& given, const Context& context) {
  const bool found = std::any_of(
      condition.values.begin(), condition.values.end(),
      [&](const Pattern& wanted) { return matches_value(condition, wanted, given, context); });
  return found != condition.negated;
}

}  // namespace

std::optional<Network> parse_network(std::string_view text) {
  if (text.size() > 64) return std::nullopt;
  Network network;
  const size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  network.v6 = address.find(':') != std::string::npos;
  const int family = network.v6 ? AF_INET6 : AF_INET;
  if (inet_pton(family, address.c_str(), network.address.data()) != 1) return std::nullopt;
  const int bits_max = network.v6 ? 128 : 32;
  network.prefix_bits = bits_max;
  if (slash != std::string_view::npos) {
    const auto bits = parse_u64(text.substr(slash + 1));
    if (!bits || *bits > static_cast<uint64_t>(bits_max)) return std::nullopt;
    network.prefix_bits = static_cast<int>(*bits);
  }
  return network;
}

Result<Condition> parse_condition_operator(std::string_view name) {
  Condition condition;
  condition.operator_name = std::string(name);
  std::string_view rest = name;
  constexpr std::string_view kAll = "ForAllValues:";
  constexpr std::string_view kAny = "ForAnyValue:";
  constexpr std::string_view kIfExists = "IfExists";
  if (rest.starts_with(kAll)) {
    condition.quantifier = Quantifier::kForAllValues;
    rest.remove_prefix(kAll.size());
  } else if (rest.starts_with(kAny)) {
    condition.quantifier = Quantifier::kForAnyValue;
    rest.remove_prefix(kAny.size());
  }
  if (rest.ends_with(kIfExists)) {
    condition.if_exists = true;
    rest.remove_suffix(kIfExists.size());
  }
  for (const OperatorName& known : kOperators) {
    if (!ascii_iequals(known.name, rest)) continue;
    const bool null = known.type == ConditionType::kNull;
    if (null && (condition.if_exists || condition.quantifier != Quantifier::kNone)) break;
    condition.type = known.type;
    condition.comparison = known.comparison;
    condition.negated = known.negated;
    return condition;
  }
  return Error(Code::kInvalidArgument, "Invalid Condition type : " + std::string(name));
}

Status add_condition_value(Condition& condition, std::string_view text, bool variables) {
  const bool wildcards =
      condition.type == ConditionType::kStringLike || condition.type == ConditionType::kArn;
  Pattern pattern = Pattern::parse(text, {wildcards, variables});
  bool good = true;
  // A variable's value is known with the request only.
  if (wildcards || pattern.is_fixed()) {
    switch (condition.type) {
      case ConditionType::kNumeric:
        good = parse_double(text).has_value();
        break;
      case ConditionType::kDate:
        good = parse_date(text).has_value();
        break;
      case ConditionType::kBool:
      case ConditionType::kNull:
        good = parse_bool(text).has_value();
        break;
      case ConditionType::kBinary:
        good = codec::from_base64(text).has_value();
        break;
      case ConditionType::kIpAddress:
        good = parse_network(text).has_value();
        break;
      default:
        break;
    }
  }
  if (!good) {
    return Error(Code::kInvalidArgument, "Value '" + std::string(text.substr(0, 64)) +
                                             "' is not valid for the condition operator " +
                                             condition.operator_name);
  }
  condition.values.push_back(std::move(pattern));
  return {};
}

bool holds(const Condition& condition, const Context& context) {
  const auto given = context.find(condition.key);
  if (condition.type == ConditionType::kNull) {
    const bool absent = !given || given->empty();
    return std::any_of(condition.values.begin(), condition.values.end(),
                       [&](const Pattern& wanted) { return parse_bool(wanted.text()) == absent; });
  }
  const auto good = [&](const std::string& value) { return satisfies(condition, value, context); };
  if (!given || given->empty()) {
    if (condition.if_exists || condition.quantifier == Quantifier::kForAllValues) return true;
    return condition.negated && condition.quantifier == Quantifier::kNone;
  }
  const bool all = condition.quantifier == Quantifier::kForAllValues ||
                   (condition.quantifier == Quantifier::kNone && condition.negated);
  return all ? std::all_of(given->begin(), given->end(), good)
             : std::any_of(given->begin(), given->end(), good);
}

}  // namespace strata::access
