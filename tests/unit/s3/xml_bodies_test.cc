#include "objstore/s3/xml_bodies.h"

#include <gtest/gtest.h>

#include "objstore/s3/errors.h"
#include "objstore/s3/xml_configurations.h"

namespace strata::s3 {
namespace {

template <typename T>
std::string code_of(const Result<T>& result) {
  return result.ok() ? "OK" : std::string(to_wire(result.error()).code);
}

std::string delete_of(size_t keys) {
  std::string xml = "<Delete>";
  for (size_t i = 0; i < keys; ++i) xml += "<Object><Key>k" + std::to_string(i) + "</Key></Object>";
  return xml + "</Delete>";
}

TEST(DeleteXml, keeps_keys_as_they_are) {
  const auto list = parse_delete(
      "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>"
      "<Object><Key> a &amp; b/ </Key><VersionId>null</VersionId></Object>"
      "<Object><Key>c</Key><ETag>\"x\"</ETag></Object></Delete>");
  ASSERT_TRUE(list.ok());
  EXPECT_TRUE(list->quiet);
  ASSERT_EQ(list->entries.size(), 2U);
  EXPECT_EQ(list->entries[0].key, " a & b/ ");
  EXPECT_EQ(list->entries[0].version_id, "null");
  EXPECT_EQ(list->entries[1].if_match, "\"x\"");
}

TEST(DeleteXml, holds_one_to_a_thousand_keys) {
  EXPECT_EQ(code_of(parse_delete(delete_of(0))), "MalformedXML");
  EXPECT_EQ(code_of(parse_delete(delete_of(1000))), "OK");
  EXPECT_EQ(code_of(parse_delete(delete_of(1001))), "MalformedXML");
}

TEST(DeleteXml, refuses_what_is_not_in_the_schema) {
  for (const char* bad :
       {"", "x", "<Delete>", "<Remove><Object><Key>a</Key></Object></Remove>",
        "<Delete><Object></Object></Delete>", "<Delete><Object><Key></Key></Object></Delete>",
        "<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>",
        "<Delete><Object><Key>a</Key><Force>1</Force></Object></Delete>",
        "<!DOCTYPE a [<!ENTITY x \"y\">]><Delete><Object><Key>&x;</Key></Object></Delete>",
        "<Delete><Quiet>true</Quiet><Quiet>false</Quiet><Object><Key>a</Key></Object></Delete>"}) {
    EXPECT_EQ(code_of(parse_delete(bad)), "MalformedXML") << bad;
  }
}

TEST(CompleteXml, gives_the_parts_with_their_checksums) {
  const auto parts = parse_complete(
      "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>&quot;abc&quot;</ETag>"
      "<ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part>"
      "<Part><ETag>def</ETag><PartNumber>10000</PartNumber></Part></CompleteMultipartUpload>");
  ASSERT_TRUE(parts.ok());
  ASSERT_EQ(parts->size(), 2U);
  EXPECT_EQ((*parts)[0].etag, "abc");
  ASSERT_EQ((*parts)[0].checksums.size(), 1U);
  EXPECT_EQ((*parts)[1].number, 10000U);
  EXPECT_EQ((*parts)[1].etag, "def");
}

TEST(CompleteXml, refuses_bad_parts) {
  const auto wrapped = [](std::string_view part) {
    return code_of(parse_complete("<CompleteMultipartUpload>" + std::string(part) +
                                  "</CompleteMultipartUpload>"));
  };
  EXPECT_EQ(wrapped(""), "MalformedXML");
  EXPECT_EQ(wrapped("<Part><PartNumber>1</PartNumber></Part>"), "MalformedXML");
  EXPECT_EQ(wrapped("<Part><PartNumber>0</PartNumber><ETag>a</ETag></Part>"), "MalformedXML");
  EXPECT_EQ(wrapped("<Part><PartNumber>10001</PartNumber><ETag>a</ETag></Part>"), "MalformedXML");
  EXPECT_EQ(wrapped("<Part><PartNumber>1</PartNumber><ETag>a</ETag>"
                    "<ChecksumCRC32>AA</ChecksumCRC32></Part>"),
            "InvalidRequest");
  EXPECT_EQ(wrapped("<Part><PartNumber>1</PartNumber><ETag>a</ETag>"
                    "<ChecksumSHA512>AA</ChecksumSHA512></Part>"),
            "InvalidRequest");
  EXPECT_EQ(wrapped("<Part><PartNumber>1</PartNumber><ETag>a</ETag>"
                    "<ChecksumROT13>AA</ChecksumROT13></Part>"),
            "InvalidRequest");
}

TEST(CompleteXml, ten_thousand_parts_fit_and_one_more_does_not) {
  const auto parts_of = [](size_t count) {
    std::string xml = "<CompleteMultipartUpload>";
    for (size_t i = 1; i <= count; ++i) {
      xml += "<Part><PartNumber>" + std::to_string(std::min<size_t>(i, 10'000)) +
             "</PartNumber><ETag>\"00000000000000000000000000000000\"</ETag>"
             "<ChecksumSHA256>AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=</ChecksumSHA256></Part>";
    }
    return xml + "</CompleteMultipartUpload>";
  };
  EXPECT_EQ(code_of(parse_complete(parts_of(10'000))), "OK");
  EXPECT_EQ(code_of(parse_complete(parts_of(10'001))), "MalformedXML");
}

TEST(CreateBucketXml, names_a_region_and_tags_or_asks_for_what_is_not_served) {
  EXPECT_EQ(parse_create_bucket("<CreateBucketConfiguration><LocationConstraint>eu-west-1"
                                "</LocationConstraint></CreateBucketConfiguration>")
                ->location,
            "eu-west-1");
  EXPECT_EQ(parse_create_bucket("<CreateBucketConfiguration/>")->location, "");
  const auto tagged = parse_create_bucket(
      "<CreateBucketConfiguration><Tags><Tag><Key>team</Key><Value>blue</Value></Tag></Tags>"
      "</CreateBucketConfiguration>");
  ASSERT_TRUE(tagged.ok());
  EXPECT_EQ(tagged->tags, (object::Tags{{"team", "blue"}}));
  EXPECT_EQ(code_of(parse_create_bucket("<CreateBucketConfiguration><Tags><Key>a</Key></Tags>"
                                        "</CreateBucketConfiguration>")),
            "MalformedXML");
  EXPECT_EQ(code_of(parse_create_bucket("<CreateBucketConfiguration><Bucket/>"
                                        "</CreateBucketConfiguration>")),
            "NotImplemented");
  EXPECT_EQ(code_of(parse_create_bucket("<a/>")), "MalformedXML");
}

}  // namespace
}  // namespace strata::s3
