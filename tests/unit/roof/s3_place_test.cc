#include "strata/s3_place.h"

#include <gtest/gtest.h>

namespace strata::roof {
namespace {

TEST(S3Endpoint, is_a_bucket_a_prefix_and_an_http_address) {
  const auto whole = parse_s3_endpoint("s3://b/team/a?endpoint=http://127.0.0.1:9000&region=eu-1");
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  EXPECT_EQ(whole->bucket, "b");
  EXPECT_EQ(whole->prefix, "team/a/");
  EXPECT_EQ(whole->address.to_string(), "127.0.0.1:9000");
  EXPECT_EQ(whole->region, "eu-1");
  const auto plain = parse_s3_endpoint("s3://b?endpoint=http://store.example/");
  ASSERT_TRUE(plain.ok()) << plain.error().message;
  EXPECT_EQ(plain->prefix, "");
  EXPECT_EQ(plain->address.port, 80);
  EXPECT_EQ(plain->region, "us-east-1");
}

TEST(S3Endpoint, what_is_none_is_refused) {
  EXPECT_EQ(parse_s3_endpoint("s3://b?endpoint=https://h").error().code, Code::kUnsupported);
  for (const char* bad :
       {"", "s3://b", "s3://?endpoint=http://h", "s3://b?endpoint=ftp://h", "s3://b?region=r",
        "s3://b?endpoint=http://h&key=secret", "http://h/b?endpoint=http://h"}) {
    EXPECT_EQ(parse_s3_endpoint(bad).error().code, Code::kInvalidArgument) << bad;
  }
}

}  // namespace
}  // namespace strata::roof
