#include "objstore/object/row_keys.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace strata::object {
namespace {

TEST(RowKeys, sort_as_the_keys_they_are_made_of) {
  std::vector<std::string> keys = {"a", "a\x01", "a!", "a/", "a/b", "a/b/c", "aa", "b", "\xc3\xa4"};
  ASSERT_TRUE(std::is_sorted(keys.begin(), keys.end()));
  for (size_t i = 0; i + 1 < keys.size(); ++i) {
    EXPECT_LT(rows::object("b", keys[i]), rows::object("b", keys[i + 1]));
    const UploadId late = UploadId::make(replica::Sequence(UINT64_MAX), UINT64_MAX);
    const UploadId early = UploadId::make(replica::Sequence(0), 0);
    EXPECT_LT(rows::upload("b", keys[i], late), rows::upload("b", keys[i + 1], early));
    EXPECT_LT(rows::part("b", keys[i], late, 10'000), rows::part("b", keys[i + 1], early, 1));
  }
}

TEST(RowKeys, uploads_of_a_key_sort_by_start_and_parts_by_number) {
  const UploadId first = UploadId::make(replica::Sequence(255), UINT64_MAX);
  const UploadId second = UploadId::make(replica::Sequence(256), 0);
  EXPECT_LT(rows::upload("b", "k", first), rows::upload("b", "k", second));
  EXPECT_LT(first.to_text(), second.to_text());
  EXPECT_LT(rows::part("b", "k", first, 255), rows::part("b", "k", first, 256));
}

TEST(RowKeys, of_one_bucket_do_not_lie_among_those_of_another) {
  const std::string end = rows::prefix_end(rows::objects_head("abc"));
  EXPECT_GT(rows::object("abc-d", "k"), end);
  EXPECT_LT(rows::object("abc", "\xf4\x8f\xbf\xbf"), end);
}

TEST(RowKeys, give_back_what_they_were_made_of) {
  const UploadId id = UploadId::make(replica::Sequence(7), 9);
  const std::string upload = rows::upload("bucket", "a/key", id);
  const std::string_view tail =
      std::string_view(upload).substr(rows::uploads_head("bucket").size());
  EXPECT_EQ(rows::key_of_tail(tail), "a/key");
  EXPECT_EQ(rows::upload_id_of_tail(tail)->raw, id.raw);
  EXPECT_EQ(rows::part_number_of_tail(std::string_view("\0\0\x01\x02", 4)), 258u);
  EXPECT_EQ(rows::upload_id_of_tail("a/key"), std::nullopt);
}

TEST(UploadId, is_taken_back_only_as_it_was_given_out) {
  const UploadId id = UploadId::make(replica::Sequence(0xabcdef), 1);
  const std::string text = id.to_text();
  EXPECT_EQ(text.size(), 32u);
  EXPECT_EQ(UploadId::parse(text)->raw, id.raw);
  std::string upper = text;
  std::transform(upper.begin(), upper.end(), upper.begin(), ::toupper);
  EXPECT_FALSE(UploadId::parse(upper));
  EXPECT_FALSE(UploadId::parse(text.substr(1)));
  EXPECT_FALSE(UploadId::parse(text + "00"));
  EXPECT_FALSE(UploadId::parse(""));
  EXPECT_FALSE(UploadId::parse("../../../../../../../../../../../"));
}

TEST(PrefixEnd, is_the_least_text_after_all_that_begin_so) {
  EXPECT_EQ(rows::prefix_end("a"), "b");
  EXPECT_EQ(rows::prefix_end("a\xff\xff"), "b");
  EXPECT_EQ(rows::prefix_end(std::string("a\0", 2)), "a\x01");
  EXPECT_EQ(rows::prefix_end("\xff"), "");
}

}  // namespace
}  // namespace strata::object
