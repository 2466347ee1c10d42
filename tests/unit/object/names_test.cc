#include "objstore/object/names.h"

#include <gtest/gtest.h>

#include "objstore/object/object_store.h"

namespace strata::object {
namespace {

TEST(BucketName, takes_what_aws_takes) {
  for (const std::string& name :
       {std::string("abc"), std::string("my.bucket-1"), std::string("1.2.3"),
        std::string("a.1.2.3"), std::string(63, 'a')}) {
    EXPECT_TRUE(check_bucket_name(name).ok()) << name;
  }
}

TEST(BucketName, refuses_what_aws_refuses) {
  for (const std::string& name : {std::string(""),
                                  std::string("ab"),
                                  std::string(64, 'a'),
                                  std::string("Abc"),
                                  std::string("a_b"),
                                  std::string("-abc"),
                                  std::string("abc-"),
                                  std::string(".abc"),
                                  std::string("abc."),
                                  std::string("a..b"),
                                  std::string("192.168.5.4"),
                                  std::string("xn--abc"),
                                  std::string("sthree-abc"),
                                  std::string("amzn-s3-demo-bucket"),
                                  std::string("abc-s3alias"),
                                  std::string("abc--ol-s3"),
                                  std::string("abc.mrap"),
                                  std::string("abc--x-s3"),
                                  std::string("abc--table-s3"),
                                  std::string("a\0b", 3),
                                  std::string("../etc")}) {
    const Status checked = check_bucket_name(name);
    ASSERT_FALSE(checked.ok()) << name;
    EXPECT_EQ(checked.error().reason, reason::kInvalidBucketName);
  }
}

TEST(Key, is_1_to_1024_bytes_of_utf8_without_nul) {
  EXPECT_TRUE(check_key("a").ok());
  EXPECT_TRUE(check_key(std::string(1024, 'a')).ok());
  EXPECT_TRUE(check_key("../\xc3\xa4//\x01").ok());
  EXPECT_EQ(check_key("").error().reason, reason::kInvalidKey);
  EXPECT_EQ(check_key(std::string(1025, 'a')).error().reason, reason::kKeyTooLong);
  EXPECT_EQ(check_key(std::string_view("a\0b", 3)).error().reason, reason::kInvalidKey);
  EXPECT_EQ(check_key("\xff").error().reason, reason::kInvalidKey);
  EXPECT_EQ(check_key("\xc0\x80").error().reason, reason::kInvalidKey);
}

TEST(Attributes, hold_two_kib_of_user_metadata_names_included) {
  Attributes attributes;
  attributes.user_metadata = {{"name", std::string(kUserMetadataBytesMax - 4, 'v')}};
  EXPECT_TRUE(check_attributes(attributes).ok());
  attributes.user_metadata[0].second += 'v';
  EXPECT_EQ(check_attributes(attributes).error().reason, reason::kMetadataTooLarge);
  attributes.user_metadata = {{"", "value"}};
  EXPECT_EQ(check_attributes(attributes).error().code, Code::kInvalidArgument);
}

TEST(Attributes, are_bounded_each) {
  Attributes attributes;
  attributes.cache_control = std::string(kAttributeBytesMax, 'x');
  EXPECT_TRUE(check_attributes(attributes).ok());
  attributes.cache_control += 'x';
  EXPECT_FALSE(check_attributes(attributes).ok());
}

}  // namespace
}  // namespace strata::object
