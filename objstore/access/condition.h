// Condition: one comparison of a statement's Condition block.
//
// Source: IAM user guide, "Policy elements: condition operators" and "Multivalued context keys".
// Thread rule: immutable once parsed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "objstore/access/pattern.h"

namespace strata::access {

enum class ConditionType : uint8_t {
  kString,
  kStringIgnoreCase,
  kStringLike,
  kNumeric,
  kDate,
  kBool,
  kBinary,
  kIpAddress,
  kArn,
  kNull
};
enum class Comparison : uint8_t { kEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual };
enum class Quantifier : uint8_t { kNone, kForAllValues, kForAnyValue };

struct Condition {
  ConditionType type = ConditionType::kString;
  Comparison comparison = Comparison::kEqual;
  bool negated = false;    // the operators with Not
  bool if_exists = false;  // holds where the key is absent
  Quantifier quantifier = Quantifier::kNone;
  std::string operator_name;  // as written, for explanations
  std::string key;            // lower case
  std::vector<Pattern> values;
};

// The operator by its name ("ForAnyValue:StringLikeIfExists"), in the case that AWS takes; the rest
// of the condition is empty. kInvalidArgument with AWS's sentence.
[[nodiscard]] Result<Condition> parse_condition_operator(std::string_view name);

// Adds a value as the operator understands it; kInvalidArgument when it cannot be one (a number
// that is none, an address that is none).
[[nodiscard]] Status add_condition_value(Condition& condition, std::string_view text,
                                         bool variables);

[[nodiscard]] bool holds(const Condition& condition, const Context& context);

// Whether the key is one that conditions can name here.
[[nodiscard]] bool is_condition_key(std::string_view lower_case_key);

// Bits of the network that "10.0.0.0/8" leaves free, and whether it is of IPv6; nullopt for what is
// no address.
struct Network {
  std::array<unsigned char, 16> address{};
  int prefix_bits = 0;
  bool v6 = false;
};
[[nodiscard]] std::optional<Network> parse_network(std::string_view text);

}  // namespace strata::access
