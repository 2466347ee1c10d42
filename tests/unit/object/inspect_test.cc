#include "objstore/object/inspect.h"

#include <gtest/gtest.h>

#include "objstore/object/bucket_record.h"
#include "objstore/object/record_format.h"

namespace strata::object {
namespace {

BucketRecord plain_bucket() {
  BucketRecord record;
  record.region = "r";
  return record;
}

TEST(DescribeRow, every_kind_of_row_is_shown_with_its_fields) {
  ObjectRecord object;
  object.stamp = replica::Sequence(7);
  object.size_bytes = 3;
  object.etag = "0123";
  object.attributes.user_metadata = {{"a", "b\n"}};
  replica::BlobRef blob;
  blob.size_bytes = 3;
  object.segments = {{0, 3, blob, ""}};
  const Description shown = describe_row(rows::object("demo", "a/b"), encode(object));
  EXPECT_FALSE(shown.damaged());
  EXPECT_EQ(shown.what, "object");
  EXPECT_EQ(*shown.find("key"), "a/b");
  EXPECT_EQ(*shown.find("metadata"), "a: b\\x0a");
  EXPECT_EQ(*shown.find("stamp"), "7");

  const UploadId id = UploadId::make(replica::Sequence(5), 6);
  const std::string upload = rows::upload("demo", "k", id);
  EXPECT_EQ(describe_row(upload, encode(UploadRecord{})).what, "upload");
  EXPECT_EQ(*describe_row(upload, encode(UploadRecord{})).find("upload"), id.to_text());
  PartRecord part;
  part.md5 = std::string(16, 'm');
  const Description shown_part = describe_row(rows::part("demo", "k", id, 12), encode(part));
  EXPECT_EQ(*shown_part.find("part"), "12");
  EXPECT_FALSE(shown_part.damaged());
  const Description bucket = describe_row(rows::bucket("demo"), encode(plain_bucket()));
  EXPECT_EQ(*bucket.find("region"), "r");
}

TEST(DescribeRow, what_this_room_did_not_write_is_damage) {
  using namespace std::string_literals;
  for (const std::string& name :
       {""s, "x"s, "b"s, "b\0"s, "odemo"s, "odemo\0"s, "odemo\0k"s, "odemo\0k\0x"s, "o\0k\0"s,
        "udemo\0k\0short"s, "pdemo\0k\0"s + std::string(16, 'i') + "123", "zdemo\0k\0"s}) {
    EXPECT_TRUE(describe_row(name, "").damaged()) << name;
    EXPECT_EQ(label_of_row(name), "") << name;
  }
  const std::string good = encode(plain_bucket());
  for (size_t length = 0; length < good.size(); ++length) {
    EXPECT_TRUE(describe_row(rows::bucket("demo"), good.substr(0, length)).damaged()) << length;
  }
}

TEST(LabelOfRow, is_bucket_and_key) {
  EXPECT_EQ(label_of_row(rows::bucket("demo")), "demo");
  EXPECT_EQ(label_of_row(rows::object("demo", "a/b")), "demo/a/b");
}

}  // namespace
}  // namespace strata::object
