#include "common/sigv4/version2.h"

#include <gtest/gtest.h>

#include <vector>

namespace strata::sigv4 {
namespace {

using Version2Headers = std::vector<std::pair<std::string, std::string>>;

// The examples of the developer guide's "Signing and Authenticating REST Requests".
constexpr const char* kVersion2Secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

std::string sign_request(const V2Request& request) {
  return v2_sign(kVersion2Secret, v2_string_to_sign(request, false));
}

TEST(Version2, signs_the_documented_get) {
  V2Request request;
  request.method = "GET";
  request.date = "Tue, 27 Mar 2007 19:36:42 +0000";
  request.bucket = "johnsmith";
  request.path = "/photos/puppy.jpg";
  EXPECT_EQ(v2_string_to_sign(request, false),
            "GET\n\n\nTue, 27 Mar 2007 19:36:42 +0000\n/johnsmith/photos/puppy.jpg");
  EXPECT_EQ(sign_request(request), "bWq2s1WEIj+Ydj0vQ697zp+IXMU=");
}

TEST(Version2, signs_the_documented_put) {
  V2Request request;
  request.method = "PUT";
  request.content_type = "image/jpeg";
  request.date = "Tue, 27 Mar 2007 21:15:45 +0000";
  request.bucket = "johnsmith";
  request.path = "/photos/puppy.jpg";
  EXPECT_EQ(sign_request(request), "MyyxeRY7whkBe+bq8fHCL/2kKUg=");
}

TEST(Version2, signs_the_documented_list_whose_parameters_do_not_count) {
  const V2Parameter query[] = {{"prefix", "photos", true}, {"max-keys", "50", true}};
  V2Request request;
  request.method = "GET";
  request.date = "Tue, 27 Mar 2007 19:42:41 +0000";
  request.bucket = "johnsmith";
  request.path = "/";
  request.query = query;
  EXPECT_EQ(sign_request(request), "htDYFYduRNen8P9ZfE/s9SuKy0U=");
}

TEST(Version2, signs_the_documented_fetch_of_a_subresource) {
  const V2Parameter query[] = {{"acl", "", false}};
  V2Request request;
  request.method = "GET";
  request.date = "Tue, 27 Mar 2007 19:44:46 +0000";
  request.bucket = "johnsmith";
  request.path = "/";
  request.query = query;
  EXPECT_EQ(sign_request(request), "c2WLPFtWHVgbEmeEG93a4cG37dM=");
}

TEST(Version2, signs_the_documented_upload_with_its_headers) {
  const Version2Headers headers = {{"host", "static.johnsmith.net:8080"},
                                   {"x-amz-acl", "public-read"},
                                   {"x-amz-meta-reviewedby", "joe@johnsmith.net"},
                                   {"x-amz-meta-reviewedby", "jane@johnsmith.net"},
                                   {"x-amz-meta-filechecksum", "0x02661779"},
                                   {"x-amz-meta-checksumalgorithm", "crc32"}};
  V2Request request;
  request.method = "PUT";
  request.content_md5 = "4gJE4saaMU4BqNR0kLY+lw==";
  request.content_type = "application/x-download";
  request.date = "Tue, 27 Mar 2007 21:06:08 +0000";
  request.headers = headers;
  request.bucket = "static.johnsmith.net";
  request.path = "/db-backup.dat.gz";
  EXPECT_EQ(sign_request(request), "ilyl83RwaSoYIEdixDQcA4OnAnc=");
}

TEST(Version2, signs_the_documented_key_in_its_encoded_form) {
  V2Request request;
  request.method = "GET";
  request.date = "Wed, 28 Mar 2007 01:49:49 +0000";
  request.path = "/dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re";
  EXPECT_EQ(sign_request(request), "DNEZGsoieTZ92F3bUfSPQcbGmlM=");
}

TEST(Version2, parameters_are_sorted_and_written_with_their_decoded_values) {
  const V2Parameter query[] = {{"uploadId", "a b", true},
                               {"other", "1", true},
                               {"partNumber", "3", true},
                               {"uploads", "", true}};
  V2Request request;
  request.method = "PUT";
  request.path = "/b/k";
  request.query = query;
  EXPECT_EQ(v2_string_to_sign(request, false),
            "PUT\n\n\n\n/b/k?partNumber=3&uploadId=a b&uploads=");
  EXPECT_EQ(v2_string_to_sign(request, true), "PUT\n\n\n\n/b/k?partNumber=3&uploadId=a b&uploads");
}

TEST(Version2, a_header_needs_a_key_and_a_signature) {
  const auto good = parse_v2_authorization("AWS AKID:abc=");
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(good->access_key, "AKID");
  EXPECT_EQ(good->signature, "abc=");
  for (const std::string& text :
       {std::string("AWS "), std::string("AWS AKID"), std::string("AWS :x"), std::string("AWS a:"),
        "AWS " + std::string(200, 'a') + ":x", "AWS a:" + std::string(100, 'x')}) {
    const auto bad = parse_v2_authorization(text);
    ASSERT_FALSE(bad.ok()) << text;
    EXPECT_EQ(bad.error().reason, kReasonV2Malformed);
  }
}

}  // namespace
}  // namespace strata::sigv4
