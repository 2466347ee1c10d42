#include "strata/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace strata::roof {
namespace {

TEST(Json, what_is_too_long_too_deep_or_broken_is_refused) {
  EXPECT_EQ(parse_json("[1, 2, 3]", 5).error().code, Code::kTooLarge);
  EXPECT_FALSE(parse_json(std::string(1000, '['), kJsonBytesMax).ok());
  EXPECT_FALSE(parse_json("{\"a\":", kJsonBytesMax).ok());
  EXPECT_FALSE(parse_json("", kJsonBytesMax).ok());
  EXPECT_FALSE(parse_json("{} {}", kJsonBytesMax).ok());
}

TEST(Json, nesting_is_counted_outside_of_strings_only) {
  const std::string brackets(1000, '[');
  const Result<nlohmann::json> value = parse_json("\"\\\"" + brackets + "\"", kJsonBytesMax);
  ASSERT_TRUE(value.ok()) << value.error().message;
  EXPECT_EQ(value->get<std::string>(), "\"" + brackets);
  std::string deepest = std::string(kJsonDepthMax, '[') + std::string(kJsonDepthMax, ']');
  EXPECT_TRUE(parse_json(deepest, kJsonBytesMax).ok());
  EXPECT_FALSE(parse_json("[" + deepest + "]", kJsonBytesMax).ok());
}

TEST(Json, members_have_the_type_that_is_asked_for) {
  const nlohmann::json object = {{"name", "db"}, {"size", 7U}, {"minus", -7}, {"half", 0.5}};
  EXPECT_EQ(*json_string(object, "name"), "db");
  EXPECT_EQ(*json_u64(object, "size"), 7U);
  EXPECT_FALSE(json_u64(object, "minus").ok());
  EXPECT_FALSE(json_u64(object, "half").ok());
  EXPECT_FALSE(json_u64(object, "name").ok());
  EXPECT_FALSE(json_string(object, "absent").ok());
  EXPECT_FALSE(json_string(nlohmann::json("text"), "name").ok());
}

TEST(Json, bytes_that_are_not_text_are_written_as_text) {
  EXPECT_EQ(dump_json(nlohmann::json("a\xff")), "\"a\xEF\xBF\xBD\"");
}

}  // namespace
}  // namespace strata::roof
