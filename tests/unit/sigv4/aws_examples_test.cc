// The worked examples of Amazon's documentation, "Authenticating Requests (AWS Signature Version
// 4)".
#include <gtest/gtest.h>

#include "common/codec/http_date.h"
#include "common/digest/checksum.h"
#include "common/sigv4/authorization.h"
#include "common/sigv4/canonical.h"
#include "common/sigv4/chunk_signer.h"
#include "common/sigv4/client.h"
#include "common/sigv4/signing_key.h"

namespace strata::sigv4 {
namespace {

constexpr std::string_view kAccessKey = "AKIAIOSFODNN7EXAMPLE";
constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
constexpr std::string_view kDate = "20130524T000000Z";
const Scope kScope{.date = "20130524", .region = "us-east-1", .service = "s3"};
const Keys kKeys{
    .access_key = std::string(kAccessKey), .secret = std::string(kSecret), .session_token = {}};

using Headers = std::vector<std::pair<std::string, std::string>>;

Time example_time() {
  return *codec::parse_iso8601_basic(kDate);
}

std::string signature_of(std::string_view method, std::string_view path, std::string_view query,
                         const Headers& headers, const std::vector<std::string>& signed_headers,
                         std::string_view payload_hash) {
  const auto canonical =
      canonical_request({.method = method, .path = path, .query = query, .headers = headers},
                        signed_headers, payload_hash);
  if (!canonical.ok()) return canonical.error().to_string();
  return sign(derive_signing_key(kSecret, kScope), string_to_sign(kDate, kScope, *canonical));
}

TEST(AwsExamples, get_object_with_a_range) {
  const Headers headers = {{"host", "examplebucket.s3.amazonaws.com"},
                           {"range", "bytes=0-9"},
                           {"x-amz-content-sha256", std::string(kEmptySha256Hex)},
                           {"x-amz-date", std::string(kDate)}};
  EXPECT_EQ(signature_of("GET", "/test.txt", "", headers,
                         {"host", "range", "x-amz-content-sha256", "x-amz-date"}, kEmptySha256Hex),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(AwsExamples, put_object_with_a_dollar_in_its_name) {
  const std::string hash = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
  const Headers headers = {{"host", "examplebucket.s3.amazonaws.com"},
                           {"date", "Fri, 24 May 2013 00:00:00 GMT"},
                           {"x-amz-content-sha256", hash},
                           {"x-amz-date", std::string(kDate)},
                           {"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
  for (const char* path : {"/test%24file.text", "/test$file.text"}) {
    EXPECT_EQ(
        signature_of("PUT", path, "", headers,
                     {"date", "host", "x-amz-content-sha256", "x-amz-date", "x-amz-storage-class"},
                     hash),
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
  }
}

TEST(AwsExamples, queries_with_and_without_values) {
  const Headers headers = {{"host", "examplebucket.s3.amazonaws.com"},
                           {"x-amz-content-sha256", std::string(kEmptySha256Hex)},
                           {"x-amz-date", std::string(kDate)}};
  const std::vector<std::string> names = {"host", "x-amz-content-sha256", "x-amz-date"};
  EXPECT_EQ(signature_of("GET", "/", "lifecycle", headers, names, kEmptySha256Hex),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  EXPECT_EQ(signature_of("GET", "/", "max-keys=2&prefix=J", headers, names, kEmptySha256Hex),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
  EXPECT_EQ(signature_of("GET", "", "prefix=J&max-keys=2", headers, names, kEmptySha256Hex),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(AwsExamples, a_presigned_url) {
  ClientRequest request;
  request.path = "/test.txt";
  request.headers = {{"host", "examplebucket.s3.amazonaws.com"}};
  const auto query =
      presign_query(request, kKeys, "us-east-1", example_time(), std::chrono::seconds(86400));
  ASSERT_TRUE(query.ok());
  EXPECT_EQ(*query,
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F"
            "us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&"
            "X-Amz-SignedHeaders=host&X-Amz-Signature="
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
  const auto presigned = parse_presigned(*query);
  ASSERT_TRUE(presigned.ok()) << presigned.error().to_string();
  EXPECT_EQ(signature_of("GET", "/test.txt", *query, request.headers,
                         presigned->authorization.signed_headers, kUnsignedPayload),
            presigned->authorization.signature);
}

TEST(AwsExamples, a_body_in_signed_chunks) {
  ClientRequest request;
  request.method = "PUT";
  request.path = "/examplebucket/chunkObject.txt";
  request.headers = {{"host", "s3.amazonaws.com"},
                     {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                     {"content-encoding", "aws-chunked"},
                     {"x-amz-decoded-content-length", "66560"},
                     {"content-length", "66824"}};
  const auto seed = sign_request(request, kKeys, "us-east-1", example_time(), kStreamingSigned);
  ASSERT_TRUE(seed.ok());
  EXPECT_EQ(*seed, "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");

  ChunkSigner signer(derive_signing_key(kSecret, kScope), std::string(kDate), kScope, *seed);
  EXPECT_EQ(signer.sign_chunk(digest::sha256(as_bytes(std::string(65536, 'a')))),
            "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648");
  EXPECT_EQ(signer.sign_chunk(digest::sha256(as_bytes(std::string(1024, 'a')))),
            "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497");
  EXPECT_EQ(signer.sign_chunk(digest::sha256({})),
            "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9");
}

TEST(AwsExamples, a_body_in_signed_chunks_with_a_trailer) {
  ClientRequest request;
  request.method = "PUT";
  request.path = "/examplebucket/chunkObject.txt";
  request.headers = {{"host", "s3.amazonaws.com"},
                     {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                     {"content-encoding", "aws-chunked"},
                     {"x-amz-decoded-content-length", "66560"},
                     {"x-amz-trailer", "x-amz-checksum-crc32c"}};
  const auto seed =
      sign_request(request, kKeys, "us-east-1", example_time(), kStreamingSignedTrailer);
  ASSERT_TRUE(seed.ok());
  EXPECT_EQ(*seed, "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e");

  ChunkSigner signer(derive_signing_key(kSecret, kScope), std::string(kDate), kScope, *seed);
  EXPECT_EQ(signer.sign_chunk(digest::sha256(as_bytes(std::string(65536, 'a')))),
            "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2");
  EXPECT_EQ(signer.sign_chunk(digest::sha256(as_bytes(std::string(1024, 'a')))),
            "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7");
  EXPECT_EQ(signer.sign_chunk(digest::sha256({})),
            "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992");
  const Headers trailers = {{"x-amz-checksum-crc32c", "sOO8/Q=="}};
  EXPECT_EQ(signer.sign_trailers(trailers),
            "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435");
}

TEST(AwsExamples, a_signed_header_is_read_back_and_verifies) {
  ClientRequest request;
  request.path = "/test.txt";
  request.headers = {{"host", "examplebucket.s3.amazonaws.com"}, {"range", "bytes=0-9"}};
  ASSERT_TRUE(sign_request(request, kKeys, "us-east-1", example_time(), kEmptySha256Hex).ok());
  const auto authorization = parse_authorization(request.headers.back().second);
  ASSERT_TRUE(authorization.ok()) << authorization.error().to_string();
  EXPECT_EQ(authorization->credential.access_key, kAccessKey);
  EXPECT_EQ(authorization->credential.scope, kScope);
  EXPECT_TRUE(check_headers_signed(request.headers, authorization->signed_headers).ok());
  EXPECT_EQ(authorization->signature,
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

}  // namespace
}  // namespace strata::sigv4
