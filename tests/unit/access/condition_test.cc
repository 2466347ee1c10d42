#include "objstore/access/condition.h"

#include <gtest/gtest.h>

#include "tests/unit/access/map_context.h"

namespace strata::access {
namespace {

using Values = std::vector<std::string>;

// Whether `op` with `wanted` holds for `given` values of a key; no values: the key is absent.
bool check(std::string_view op, const Values& wanted, const Values& given) {
  auto condition = parse_condition_operator(op);
  EXPECT_TRUE(condition.ok()) << op;
  if (!condition.ok()) return false;
  condition->key = "aws:referer";
  for (const std::string& value : wanted) {
    EXPECT_TRUE(add_condition_value(*condition, value, true).ok()) << value;
  }
  MapContext::Values values;
  if (!given.empty()) values["aws:referer"] = given;
  return holds(*condition, MapContext(values));
}

TEST(Condition, strings_are_equal_alike_or_not) {
  EXPECT_TRUE(check("StringEquals", {"a", "b"}, {"b"}));
  EXPECT_FALSE(check("StringEquals", {"a*"}, {"ab"}));
  EXPECT_FALSE(check("StringEquals", {"A"}, {"a"}));
  EXPECT_TRUE(check("StringEqualsIgnoreCase", {"A"}, {"a"}));
  EXPECT_TRUE(check("StringLike", {"a*"}, {"ab"}));
  EXPECT_FALSE(check("StringNotLike", {"a*", "c"}, {"ab"}));
  EXPECT_TRUE(check("StringNotEquals", {"a", "b"}, {"c"}));
}

TEST(Condition, an_absent_key_fails_what_asks_for_it_and_passes_what_forbids_it) {
  EXPECT_FALSE(check("StringEquals", {"a"}, {}));
  EXPECT_TRUE(check("StringNotEquals", {"a"}, {}));
  EXPECT_TRUE(check("StringEqualsIfExists", {"a"}, {}));
  EXPECT_FALSE(check("StringEqualsIfExists", {"a"}, {"b"}));
  EXPECT_TRUE(check("Null", {"true"}, {}));
  EXPECT_FALSE(check("Null", {"true"}, {"x"}));
  EXPECT_TRUE(check("Null", {"false"}, {"x"}));
}

TEST(Condition, numbers_and_dates_are_compared_as_such) {
  EXPECT_TRUE(check("NumericLessThan", {"10"}, {"9"}));
  EXPECT_FALSE(check("NumericLessThan", {"10"}, {"10"}));
  EXPECT_TRUE(check("NumericLessThanEquals", {"10"}, {"10.0"}));
  EXPECT_TRUE(check("NumericGreaterThan", {"9"}, {"10"}));
  EXPECT_FALSE(check("NumericEquals", {"10"}, {"ten"}));
  EXPECT_TRUE(check("NumericNotEquals", {"10"}, {"11"}));
  EXPECT_TRUE(check("DateLessThan", {"2030-01-01T00:00:00Z"}, {"2029-12-31T23:59:59Z"}));
  EXPECT_TRUE(check("DateGreaterThanEquals", {"2030-01-01"}, {"2030-01-01T00:00:00Z"}));
  EXPECT_TRUE(check("DateEquals", {"1893456000"}, {"2030-01-01T00:00:00Z"}));
}

TEST(Condition, booleans_bytes_and_arns) {
  EXPECT_TRUE(check("Bool", {"true"}, {"TRUE"}));
  EXPECT_FALSE(check("Bool", {"true"}, {"false"}));
  EXPECT_TRUE(check("BinaryEquals", {"QmluYXJ5"}, {"QmluYXJ5"}));
  EXPECT_TRUE(check("ArnLike", {"arn:aws:iam::*:user/a*"}, {"arn:aws:iam::1:user/alice"}));
  EXPECT_FALSE(check("ArnLike", {"arn:aws:*:user/alice"}, {"arn:aws:iam::1:user/alice"}));
  EXPECT_TRUE(check("ArnEquals", {"arn:aws:iam::1:user/*"}, {"arn:aws:iam::1:user/a/b:c"}));
  EXPECT_TRUE(check("ArnNotLike", {"arn:aws:iam::2:*"}, {"arn:aws:iam::1:user/a"}));
}

TEST(Condition, addresses_lie_in_networks_of_their_own_kind) {
  EXPECT_TRUE(check("IpAddress", {"10.0.0.0/8", "192.168.1.1"}, {"10.9.8.7"}));
  EXPECT_TRUE(check("IpAddress", {"192.168.1.1"}, {"192.168.1.1"}));
  EXPECT_FALSE(check("IpAddress", {"192.168.1.1"}, {"192.168.1.2"}));
  EXPECT_TRUE(check("NotIpAddress", {"10.0.0.0/8"}, {"11.0.0.1"}));
  EXPECT_TRUE(check("IpAddress", {"2001:db8::/32"}, {"2001:db8:1::5"}));
  EXPECT_FALSE(check("IpAddress", {"::/0"}, {"10.0.0.1"}));
  EXPECT_FALSE(check("IpAddress", {"0.0.0.0/0"}, {"not an address"}));
}

TEST(Condition, several_values_need_a_quantifier_to_say_whether_all_or_any) {
  EXPECT_TRUE(check("ForAllValues:StringEquals", {"a", "b"}, {"a", "b"}));
  EXPECT_FALSE(check("ForAllValues:StringEquals", {"a", "b"}, {"a", "c"}));
  EXPECT_TRUE(check("ForAllValues:StringEquals", {"a"}, {}));
  EXPECT_TRUE(check("ForAnyValue:StringEquals", {"a"}, {"x", "a"}));
  EXPECT_FALSE(check("ForAnyValue:StringEquals", {"a"}, {}));
  EXPECT_TRUE(check("ForAnyValue:StringNotEquals", {"a"}, {"a", "x"}));
  EXPECT_FALSE(check("ForAllValues:StringNotEquals", {"a"}, {"a", "x"}));
  EXPECT_TRUE(check("ForAllValues:StringLike", {"proj*"}, {"project", "projector"}));
}

}  // namespace
}  // namespace strata::access
