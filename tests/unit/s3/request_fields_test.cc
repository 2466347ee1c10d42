#include "objstore/s3/request_fields.h"

#include <gtest/gtest.h>

#include "common/codec/text.h"
#include "objstore/s3/claimed_checksum.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/listing_parameters.h"

namespace strata::s3 {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

http::Fields fields_of(const Pairs& pairs) {
  http::Fields fields;
  for (const auto& [name, value] : pairs) fields.add(name, value);
  return fields;
}

std::string_view error_code_of(const Error& error) {
  return to_wire(error).code;
}

const OperationInfo& row_of(std::string_view name) {
  for (const OperationInfo& row : operations()) {
    if (row.name == name) return row;
  }
  CHECK(false, "no such operation");
  return operations().front();
}

TEST(Supported, what_asks_for_something_unserved_is_refused) {
  const Pairs refused = {
      {"x-amz-grant-write", "id=1"},
      {"x-amz-object-ownership", "ObjectWriter"},
      {"x-amz-bypass-governance-retention", "true"},
      {"x-amz-write-offset-bytes", "0"},
      {"x-amz-mfa", "1 2"},
      {"x-amz-of-next-year", "1"},
      {"x-amz-copy-source", "a/b"},
  };
  for (const auto& field : refused) {
    const Status status = check_supported(fields_of({field}), row_of("PutObject"), "1");
    ASSERT_FALSE(status.ok()) << field.first;
    EXPECT_EQ(error_code_of(status.error()), "NotImplemented") << field.first;
  }
}

TEST(Supported, what_is_honoured_or_the_case_anyway_passes) {
  const http::Fields fields = fields_of({{"x-amz-date", "x"},
                                         {"x-amz-acl", "private"},
                                         {"x-amz-meta-a", "b"},
                                         {"x-amz-meta-a", "c"},
                                         {"x-amz-storage-class", "GLACIER"},
                                         {"x-amz-request-payer", "requester"},
                                         {"x-amz-expected-bucket-owner", "000000000001"},
                                         {"x-amz-checksum-crc32", "AAAAAA=="}});
  EXPECT_TRUE(check_supported(fields, row_of("PutObject"), "000000000001").ok());
  const Status other = check_supported(fields, row_of("PutObject"), "000000000002");
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(error_code_of(other.error()), "AccessDenied");
}

TEST(Supported, what_is_asked_twice_is_refused_and_not_answered_by_half) {
  for (const char* name : {"x-amz-acl", "x-amz-tagging", "x-amz-storage-class",
                           "x-amz-expected-bucket-owner", "x-amz-grant-read"}) {
    const http::Fields fields = fields_of({{name, "000000000001"}, {name, "000000000001"}});
    const Status status = check_supported(fields, row_of("PutObject"), "000000000001");
    ASSERT_FALSE(status.ok()) << name;
    EXPECT_EQ(error_code_of(status.error()), "InvalidArgument") << name;
  }
}

TEST(Supported, some_fields_are_for_some_operations_only) {
  const http::Fields tagging = fields_of({{"x-amz-tagging", "a=b"}});
  EXPECT_TRUE(check_supported(tagging, row_of("PutObject"), "1").ok());
  EXPECT_FALSE(check_supported(tagging, row_of("GetObject"), "1").ok());
  for (const char* name :
       {"x-amz-server-side-encryption", "x-amz-server-side-encryption-customer-algorithm"}) {
    const http::Fields sealed = fields_of({{name, "AES256"}});
    EXPECT_TRUE(check_supported(sealed, row_of("PutObject"), "1").ok()) << name;
    EXPECT_FALSE(check_supported(sealed, row_of("DeleteObject"), "1").ok()) << name;
  }
  const http::Fields bypass = fields_of({{"x-amz-bypass-governance-retention", "true"}});
  EXPECT_TRUE(check_supported(bypass, row_of("DeleteObjects"), "1").ok());
  EXPECT_FALSE(check_supported(bypass, row_of("DeleteBucket"), "1").ok());
}

TEST(Conditions, a_removal_takes_time_and_size) {
  const auto conditions = removal_conditions(
      fields_of({{"x-amz-if-match-size", "5"},
                 {"x-amz-if-match-last-modified-time", "Tue, 14 Nov 2023 22:13:20 GMT"}}));
  ASSERT_TRUE(conditions.ok());
  EXPECT_EQ(conditions->if_match_size_bytes, 5U);
  EXPECT_EQ(conditions->if_match_modified->time_since_epoch().count(), 1'700'000'000'000);
  EXPECT_FALSE(removal_conditions(fields_of({{"x-amz-if-match-size", "-5"}})).ok());
  EXPECT_FALSE(removal_conditions(fields_of({{"x-amz-if-match-last-modified-time", "x"}})).ok());
}

TEST(Range, one_range_is_understood_and_everything_else_ignored) {
  EXPECT_EQ(parse_range("bytes=1-3")->last, 3U);
  EXPECT_EQ(parse_range("bytes=5-")->first, 5U);
  EXPECT_FALSE(parse_range("bytes=5-")->last.has_value());
  EXPECT_EQ(parse_range("bytes=-7")->suffix, 7U);
  EXPECT_EQ(parse_range("bytes=-0")->suffix, 0U);
  for (const char* bad :
       {"", "bytes", "bytes=", "bytes=-", "bytes=3-1", "bytes=1-2,4-5", "lines=1-2", "bytes=a-b",
        "bytes=1-99999999999999999999", "bytes=+1-2", "bytes=--1"}) {
    EXPECT_FALSE(parse_range(bad).has_value()) << bad;
  }
}

TEST(Attributes, metadata_is_sorted_and_joined_and_aws_chunked_is_not_kept) {
  const auto attributes = parse_attributes(fields_of({{"content-encoding", "aws-chunked, gzip"},
                                                      {"x-amz-meta-b", "2"},
                                                      {"x-amz-meta-a", "1"},
                                                      {"x-amz-meta-b", "3"},
                                                      {"x-amz-storage-class", "STANDARD"}}));
  ASSERT_TRUE(attributes.ok());
  EXPECT_EQ(attributes->content_encoding, "gzip");
  EXPECT_EQ(attributes->storage_class, "");
  EXPECT_EQ(attributes->user_metadata, (Pairs{{"a", "1"}, {"b", "2,3"}}));
  EXPECT_EQ(strip_aws_chunked("aws-chunked"), "");
  EXPECT_EQ(strip_aws_chunked("AWS-Chunked"), "");
  const auto wrong = parse_attributes(fields_of({{"x-amz-storage-class", "TAPE"}}));
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(error_code_of(wrong.error()), "InvalidStorageClass");
}

TEST(Conditions, a_write_takes_only_what_s3_has) {
  EXPECT_TRUE(write_conditions(fields_of({{"if-none-match", "*"}})).ok());
  EXPECT_TRUE(write_conditions(fields_of({{"if-match", "\"abc\""}})).ok());
  for (const auto& field : Pairs{{"if-none-match", "\"abc\""}, {"if-modified-since", "x"}}) {
    EXPECT_EQ(error_code_of(write_conditions(fields_of({field})).error()), "NotImplemented");
  }
}

TEST(Conditions, a_date_that_does_not_parse_counts_as_absent) {
  const auto conditions =
      read_conditions(fields_of({{"if-modified-since", "yesterday"},
                                 {"if-unmodified-since", "Sun, 06 Nov 1994 08:49:37 GMT"}}));
  ASSERT_TRUE(conditions.ok());
  EXPECT_FALSE(conditions->if_modified_since.has_value());
  EXPECT_TRUE(conditions->if_unmodified_since.has_value());
}

TEST(ClaimedChecksum, comes_in_a_header_or_a_trailer_but_once) {
  auto claimed = parse_claimed_checksum(fields_of({{"x-amz-checksum-crc32", "AAAAAA=="}}));
  ASSERT_TRUE(claimed.ok() && *claimed);
  EXPECT_EQ((*claimed)->value, std::string(4, '\0'));
  claimed = parse_claimed_checksum(fields_of(
      {{"x-amz-trailer", "x-amz-checksum-sha256"}, {"x-amz-sdk-checksum-algorithm", "SHA256"}}));
  ASSERT_TRUE(claimed.ok() && *claimed);
  EXPECT_FALSE((*claimed)->value.has_value());
  EXPECT_FALSE(*parse_claimed_checksum(fields_of({{"x-amz-checksum-mode", "ENABLED"}})));
}

TEST(ClaimedChecksum, refuses_what_cannot_be_checked) {
  const std::vector<std::pair<Pairs, std::string_view>> cases = {
      {{{"x-amz-checksum-crc32", "AAAA"}}, "InvalidRequest"},
      {{{"x-amz-checksum-crc32", "not base64"}}, "InvalidRequest"},
      {{{"x-amz-checksum-crc32", "AAAAAA==-2"}}, "InvalidRequest"},
      {{{"x-amz-checksum-crc32", "AAAAAA=="}, {"x-amz-checksum-crc32c", "AAAAAA=="}},
       "InvalidRequest"},
      {{{"x-amz-checksum-crc32", "AAAAAA=="}, {"x-amz-trailer", "x-amz-checksum-crc32"}},
       "InvalidRequest"},
      {{{"x-amz-checksum-crc32", "AAAAAA=="}, {"x-amz-sdk-checksum-algorithm", "SHA1"}},
       "InvalidRequest"},
      {{{"x-amz-sdk-checksum-algorithm", "SHA1"}}, "InvalidRequest"},
      {{{"x-amz-sdk-checksum-algorithm", "ROT13"}}, "InvalidRequest"},
      {{{"x-amz-sdk-checksum-algorithm", "XXHASH3"}}, "InvalidRequest"},
      {{{"x-amz-checksum-sha512", "AAAA"}}, "InvalidRequest"},
      {{{"x-amz-checksum-xxhash64", "AAAAAA=="}}, "InvalidRequest"},
      {{{"x-amz-checksum-xxhash32", "AAAAAA=="}}, "NotImplemented"},
      {{{"x-amz-trailer", "x-amz-checksum-rot13"}}, "NotImplemented"},
      {{{"x-amz-trailer", "x-amz-checksum-crc32,x-amz-checksum-sha1"}}, "NotImplemented"},
      {{{"x-amz-trailer", "content-length"}}, "NotImplemented"},
  };
  for (const auto& [pairs, expected] : cases) {
    const auto claimed = parse_claimed_checksum(fields_of(pairs));
    ASSERT_FALSE(claimed.ok()) << pairs.front().first << ": " << pairs.front().second;
    EXPECT_EQ(error_code_of(claimed.error()), expected) << claimed.error().to_string();
  }
}

TEST(ContentMd5, must_be_sixteen_bytes) {
  EXPECT_FALSE(*parse_content_md5(fields_of({})));
  EXPECT_TRUE(*parse_content_md5(fields_of({{"content-md5", "1B2M2Y8AsgTpgAmY7PhCfg=="}})));
  for (const char* bad : {"", "AAAA", "1B2M2Y8AsgTpgAmY7PhCfg"}) {
    EXPECT_EQ(error_code_of(parse_content_md5(fields_of({{"content-md5", bad}})).error()),
              "InvalidDigest");
  }
}

TEST(NumberParameter, is_clamped_and_refused_when_it_is_none) {
  const Query query = *Query::parse("a=5&b=5000&c=-1&d=&e=2147483648&f=0");
  EXPECT_EQ(*number_parameter(query, "a", 1, 1000), 5U);
  EXPECT_EQ(*number_parameter(query, "b", 1, 1000), 1000U);
  EXPECT_EQ(*number_parameter(query, "f", 1, 1000), 0U);
  EXPECT_EQ(*number_parameter(query, "z", 7, 1000), 7U);
  for (const char* name : {"c", "d", "e"}) {
    EXPECT_FALSE(number_parameter(query, name, 1, 1000).ok()) << name;
  }
}

TEST(Token, comes_back_and_is_refused_when_it_is_not_ours) {
  const std::string after = "a/\xc3\xa9 +%";
  EXPECT_EQ(*decode_token(encode_token(after)), after);
  for (const std::string& bad : {std::string(), std::string("x"), std::string("!!!!"),
                                 codec::to_base64("0abc"), codec::to_base64("1")}) {
    EXPECT_FALSE(decode_token(bad).ok()) << bad;
  }
}

TEST(NameEncoding, encodes_all_but_the_slash_when_asked) {
  const auto url = NameEncoding::parse(*Query::parse("encoding-type=url"));
  ASSERT_TRUE(url.ok());
  EXPECT_EQ((*url)("a/b c+\x01(3).png"), "a/b%20c%2B%01%283%29.png");
  EXPECT_EQ((*NameEncoding::parse(*Query::parse("")))("a b"), "a b");
  EXPECT_FALSE(NameEncoding::parse(*Query::parse("encoding-type=base64")).ok());
}

}  // namespace
}  // namespace strata::s3
