#include "objstore/object/conditions.h"

#include <gtest/gtest.h>

namespace strata::object {
namespace {

WallTime at(int64_t ms) {
  return WallTime(std::chrono::milliseconds(ms));
}
const Validators kCurrent{"abc", at(10'500)};

TEST(EtagList, names_a_tag_with_or_without_quotes_anywhere_in_it) {
  EXPECT_TRUE(etag_list_matches("\"abc\"", "abc", false));
  EXPECT_TRUE(etag_list_matches("abc", "abc", false));
  EXPECT_TRUE(etag_list_matches("\"x\", \"abc\"", "abc", false));
  EXPECT_TRUE(etag_list_matches("x ,abc , y", "abc", false));
  EXPECT_TRUE(etag_list_matches(" * ", "abc", false));
  EXPECT_FALSE(etag_list_matches("", "abc", false));
  EXPECT_FALSE(etag_list_matches(",,", "abc", false));
  EXPECT_FALSE(etag_list_matches("\"abcd\", \"ab\"", "abc", false));
  EXPECT_FALSE(etag_list_matches("\"x,abc\"", "abc", false));
  EXPECT_FALSE(etag_list_matches("\"", "abc", false));
}

TEST(EtagList, weak_tags_count_only_in_weak_comparison) {
  EXPECT_TRUE(etag_list_matches("W/\"abc\"", "abc", true));
  EXPECT_FALSE(etag_list_matches("W/\"abc\"", "abc", false));
}

Code read_code(const Conditions& conditions) {
  const Status checked = check_read_conditions(conditions, kCurrent);
  return checked.ok() ? Code::kInternal : checked.error().code;
}
constexpr Code kHolds = Code::kInternal;

TEST(ReadConditions, each_alone) {
  Conditions conditions;
  EXPECT_EQ(read_code(conditions), kHolds);
  conditions.if_match = "\"abc\"";
  EXPECT_EQ(read_code(conditions), kHolds);
  conditions.if_match = "\"x\"";
  EXPECT_EQ(read_code(conditions), Code::kPreconditionFailed);
  conditions = {};
  conditions.if_none_match = "\"abc\"";
  EXPECT_EQ(read_code(conditions), Code::kNotModified);
  conditions.if_none_match = "*";
  EXPECT_EQ(read_code(conditions), Code::kNotModified);
  conditions.if_none_match = "\"x\"";
  EXPECT_EQ(read_code(conditions), kHolds);
  conditions = {};
  conditions.if_modified_since = at(10'000);  // the date a client was shown for 10.5 s
  EXPECT_EQ(read_code(conditions), Code::kNotModified);
  conditions.if_modified_since = at(9'000);
  EXPECT_EQ(read_code(conditions), kHolds);
  conditions = {};
  conditions.if_unmodified_since = at(10'000);
  EXPECT_EQ(read_code(conditions), kHolds);
  conditions.if_unmodified_since = at(9'000);
  EXPECT_EQ(read_code(conditions), Code::kPreconditionFailed);
}

TEST(ReadConditions, tags_go_before_dates) {
  Conditions conditions;
  conditions.if_match = "\"abc\"";
  conditions.if_unmodified_since = at(9'000);
  EXPECT_EQ(read_code(conditions), kHolds);
  conditions = {};
  conditions.if_none_match = "\"x\"";
  conditions.if_modified_since = at(11'000);
  EXPECT_EQ(read_code(conditions), kHolds);
}

TEST(ReadConditions, a_failed_match_goes_before_not_modified) {
  Conditions conditions;
  conditions.if_match = "\"x\"";
  conditions.if_none_match = "\"abc\"";
  EXPECT_EQ(read_code(conditions), Code::kPreconditionFailed);
}

TEST(WriteConditions, compare_with_the_current_version_or_its_absence) {
  Conditions match;
  match.if_match = "*";
  EXPECT_TRUE(check_write_conditions(match, kCurrent).ok());
  EXPECT_EQ(check_write_conditions(match, std::nullopt).error().reason, reason::kNoSuchKey);
  Conditions none;
  none.if_none_match = "*";
  EXPECT_TRUE(check_write_conditions(none, std::nullopt).ok());
  EXPECT_EQ(check_write_conditions(none, kCurrent).error().code, Code::kPreconditionFailed);
  none.if_none_match = "\"x\"";
  EXPECT_TRUE(check_write_conditions(none, kCurrent).ok());
  Conditions unmodified;
  unmodified.if_unmodified_since = at(9'000);
  EXPECT_FALSE(check_write_conditions(unmodified, kCurrent).ok());
  EXPECT_TRUE(check_write_conditions(unmodified, std::nullopt).ok());
}

}  // namespace
}  // namespace strata::object
