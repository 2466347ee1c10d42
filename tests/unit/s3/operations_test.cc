// Operations through the handler, as a client meets them.
#include "objstore/s3/claimed_checksum.h"
#include "tests/unit/s3/s3_fixture.h"

namespace strata::s3 {
namespace {

using Operations = S3Fixture;

codec::XmlElement reply_xml(const Reply& reply) {
  auto parsed = codec::parse_xml(reply.body);
  EXPECT_TRUE(parsed.ok()) << reply.body;
  return parsed.ok() ? *parsed : codec::XmlElement{};
}

std::vector<std::string> texts(const codec::XmlElement& root, std::string_view group,
                               std::string_view name) {
  std::vector<std::string> found;
  for (const codec::XmlElement& child : root.children) {
    if (child.name == group) found.emplace_back(child.child_text(name));
  }
  return found;
}

TEST_F(Operations, an_object_comes_back_with_everything_that_was_said_of_it) {
  const Headers said = {{"content-type", "text/plain"},
                        {"content-encoding", "gzip"},
                        {"content-language", "de"},
                        {"content-disposition", "attachment"},
                        {"cache-control", "no-store"},
                        {"expires", "Thu, 01 Jan 2099 00:00:00 GMT"},
                        {"x-amz-website-redirect-location", "/other"},
                        {"x-amz-storage-class", "STANDARD_IA"},
                        {"x-amz-meta-color", "blue"}};
  ASSERT_EQ(put("/bucket/dir/a%20b", "hello", said).status, 200);
  const Reply reply = get("/bucket/dir/a%20b");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "hello");
  for (const auto& [name, value] : said) EXPECT_EQ(reply.fields.get(name), value) << name;
  EXPECT_EQ(reply.fields.get("accept-ranges"), "bytes");
  EXPECT_EQ(reply.fields.get("etag"), "\"5d41402abc4b2a76b9719d911017c592\"");
  const Reply head = send({.method = "HEAD", .path = "/bucket/dir/a%20b"});
  EXPECT_EQ(head.announced, 5U);
  EXPECT_EQ(head.fields.get("x-amz-meta-color"), "blue");
}

TEST_F(Operations, ranges_conditions_and_overrides) {
  ASSERT_EQ(put("/bucket/k", "0123456789").status, 200);
  const Reply part = get("/bucket/k", "", {{"range", "bytes=2-4"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "234");
  EXPECT_EQ(part.fields.get("content-range"), "bytes 2-4/10");
  EXPECT_EQ(get("/bucket/k", "", {{"range", "bytes=10-"}}).code(), "InvalidRange");
  EXPECT_EQ(get("/bucket/k", "", {{"range", "bytes=0-1,3-4"}}).status, 200);
  EXPECT_EQ(get("/bucket/k", "", {{"range", "bytes=0-1"}, {"if-range", "\"x\""}}).body.size(), 10U);
  const auto if_range = [this](std::string_view value) {
    return get("/bucket/k", "", {{"range", "bytes=0-1"}, {"if-range", std::string(value)}});
  };
  EXPECT_EQ(if_range(part.fields.get("etag")).body, "01");
  EXPECT_EQ(if_range(part.fields.get("last-modified")).body, "01");
  EXPECT_EQ(if_range("W/" + std::string(part.fields.get("etag"))).status, 200);
  EXPECT_EQ(if_range("Tue, 14 Nov 2023 22:13:21 GMT").status, 200);
  EXPECT_EQ(get("/bucket/k", "partNumber=1", {{"range", "bytes=0-1"}}).code(), "InvalidRequest");
  const Reply same =
      get("/bucket/k", "", {{"if-none-match", std::string(part.fields.get("etag"))}});
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.fields.get("etag"), part.fields.get("etag"));
  EXPECT_EQ(get("/bucket/k", "", {{"if-match", "\"x\""}}).code(), "PreconditionFailed");
  EXPECT_EQ(get("/bucket/k", "response-content-type=a%2Fb").fields.get("content-type"), "a/b");
  EXPECT_EQ(get("/bucket/k", "response-content-type=a%0D%0Ab").code(), "InvalidArgument");
  EXPECT_EQ(get("/bucket/k").fields.get("content-type"), "binary/octet-stream");
}

TEST_F(Operations, conditional_writes) {
  EXPECT_EQ(put("/bucket/k", "1", {{"if-match", "\"x\""}}).status / 100, 4);
  EXPECT_EQ(put("/bucket/k", "1", {{"if-none-match", "*"}}).status, 200);
  EXPECT_EQ(put("/bucket/k", "2", {{"if-none-match", "*"}}).code(), "PreconditionFailed");
  EXPECT_EQ(put("/bucket/k", "2", {{"if-none-match", "\"x\""}}).code(), "NotImplemented");
  EXPECT_EQ(get("/bucket/k").body, "1");
}

TEST_F(Operations, checksums_are_verified_kept_and_told_when_asked) {
  const std::string crc =
      codec::to_base64(digest::checksum(digest::ChecksumAlgorithm::kCrc32c, as_bytes("abc")));
  const Reply stored = put("/bucket/k", "abc", {{"x-amz-checksum-crc32c", crc}});
  ASSERT_EQ(stored.status, 200);
  EXPECT_EQ(stored.fields.get("x-amz-checksum-crc32c"), crc);
  EXPECT_EQ(get("/bucket/k").fields.find("x-amz-checksum-crc32c"), nullptr);
  const Headers mode = {{"x-amz-checksum-mode", "ENABLED"}};
  EXPECT_EQ(get("/bucket/k", "", mode).fields.get("x-amz-checksum-crc32c"), crc);
  Headers ranged = mode;
  ranged.emplace_back("range", "bytes=0-1");
  EXPECT_EQ(get("/bucket/k", "", ranged).fields.find("x-amz-checksum-crc32c"), nullptr);
  EXPECT_EQ(put("/bucket/k", "abd", {{"x-amz-checksum-crc32c", crc}}).code(), "BadDigest");
  EXPECT_EQ(put("/bucket/k", "abd", {{"content-md5", "1B2M2Y8AsgTpgAmY7PhCfg=="}}).code(),
            "BadDigest");
  EXPECT_EQ(put("/bucket/k", "abd", {{"x-amz-checksum-sha512", "x"}}).code(), "InvalidRequest");
  EXPECT_EQ(get("/bucket/k").body, "abc");
}

TEST_F(Operations, every_checksum_algorithm_is_verified_kept_and_told) {
  for (const digest::ChecksumAlgorithm algorithm : digest::kChecksumAlgorithms) {
    const std::string header = checksum_header(algorithm);
    SCOPED_TRACE(header);
    const std::string sum = codec::to_base64(digest::checksum(algorithm, as_bytes("abc")));
    EXPECT_EQ(put("/bucket/sum", "abc", {{header, sum}}).fields.get(header), sum);
    EXPECT_EQ(put("/bucket/sum", "abd", {{header, sum}}).code(), "BadDigest");
    const Reply got = get("/bucket/sum", "", {{"x-amz-checksum-mode", "ENABLED"}});
    EXPECT_EQ(got.fields.get(header), sum);
    EXPECT_EQ(got.fields.get("x-amz-checksum-type"), "FULL_OBJECT");
  }
}

TEST_F(Operations, an_upload_without_a_checksum_gets_a_crc64nvme) {
  const std::string crc =
      codec::to_base64(digest::checksum(digest::ChecksumAlgorithm::kCrc64Nvme, as_bytes("abc")));
  EXPECT_EQ(put("/bucket/k", "abc").fields.get("x-amz-checksum-crc64nvme"), crc);
  const Reply got = get("/bucket/k", "", {{"x-amz-checksum-mode", "ENABLED"}});
  EXPECT_EQ(got.fields.get("x-amz-checksum-crc64nvme"), crc);
  EXPECT_EQ(get("/bucket/k").fields.find("x-amz-checksum-crc64nvme"), nullptr);
}

TEST_F(Operations, an_upload_takes_the_checksum_types_that_its_algorithm_has) {
  for (const digest::ChecksumAlgorithm algorithm : digest::kChecksumAlgorithms) {
    const std::string name(digest::checksum_name(algorithm));
    SCOPED_TRACE(name);
    const auto begin = [&](const char* type) {
      Headers headers = {{"host", "localhost"}, {"x-amz-checksum-algorithm", name}};
      if (*type != '\0') headers.emplace_back("x-amz-checksum-type", type);
      return send(
          {.method = "POST", .path = "/bucket/mp", .query = "uploads=", .headers = headers});
    };
    const bool crc = digest::checksum_combines(algorithm);
    const bool always_full = algorithm == digest::ChecksumAlgorithm::kCrc64Nvme;
    EXPECT_EQ(begin("FULL_OBJECT").code(), crc ? "" : "InvalidRequest");
    EXPECT_EQ(begin("COMPOSITE").code(), always_full ? "InvalidRequest" : "");
    EXPECT_EQ(begin("").fields.get("x-amz-checksum-type"),
              always_full ? "FULL_OBJECT" : "COMPOSITE");
  }
}

TEST_F(Operations, a_put_needs_a_length) {
  Call call{.method = "PUT", .path = "/bucket/k", .body = "x"};
  std::string wire;
  http::RequestHead head = build(call, wire);
  head.content_length.reset();
  head.chunked = true;
  const Reply reply = send_raw(head, wire);
  EXPECT_EQ(reply.status, 411);
  EXPECT_EQ(reply.code(), "MissingContentLength");
}

TEST_F(Operations, listings_are_ordered_paged_and_encoded) {
  for (const char* key : {"b", "a/1", "a/2", "c%20d", "e%26", "%C3%A9"}) {
    ASSERT_EQ(put(std::string("/bucket/") + key, "x").status, 200);
  }
  auto page = reply_xml(get("/bucket", "list-type=2&delimiter=%2F&encoding-type=url"));
  EXPECT_EQ(texts(page, "Contents", "Key"),
            (std::vector<std::string>{"b", "c%20d", "e%26", "%C3%A9"}));
  EXPECT_EQ(texts(page, "CommonPrefixes", "Prefix"), std::vector<std::string>{"a/"});
  EXPECT_EQ(page.child_text("KeyCount"), "5");

  std::vector<std::string> seen;
  std::string token;
  do {
    std::string query = "list-type=2&max-keys=2";
    if (!token.empty()) query += "&continuation-token=" + codec::uri_encode(token, true);
    page = reply_xml(get("/bucket", query));
    for (std::string& key : texts(page, "Contents", "Key")) seen.push_back(std::move(key));
    token = page.child_text("NextContinuationToken");
  } while (!token.empty());
  EXPECT_EQ(seen, (std::vector<std::string>{"a/1", "a/2", "b", "c d", "e&", "\xc3\xa9"}));

  page = reply_xml(get("/bucket", "max-keys=0"));
  EXPECT_EQ(page.child_text("IsTruncated"), "false");
  EXPECT_EQ(reply_xml(get("/bucket", "max-keys=9999")).child_text("MaxKeys"), "1000");
  EXPECT_EQ(get("/bucket", "max-keys=-1").code(), "InvalidArgument");
  EXPECT_EQ(get("/bucket", "list-type=2&continuation-token=x").code(), "InvalidArgument");
  EXPECT_EQ(get("/nobucket").code(), "NoSuchBucket");
}

TEST_F(Operations, a_range_beyond_the_end_is_told_how_long_the_object_is) {
  ASSERT_EQ(put("/bucket/k", "0123456789").status, 200);
  const Reply reply = get("/bucket/k", "", {{"range", "bytes=10-20"}});
  EXPECT_EQ(reply.status, 416);
  EXPECT_EQ(reply.code(), "InvalidRange");
  EXPECT_EQ(reply.fields.get("content-range"), "bytes */10");
  EXPECT_EQ(reply_xml(reply).child_text("RangeRequested"), "bytes=10-20");
  EXPECT_EQ(reply_xml(reply).child_text("ActualObjectSize"), "10");
}

TEST_F(Operations, a_bucket_may_be_made_with_tags) {
  const auto make = [this](const std::string& tags) {
    return put("/tagged",
               "<CreateBucketConfiguration><Tags>" + tags + "</Tags></CreateBucketConfiguration>");
  };
  const std::string tag = "<Tag><Key>team</Key><Value>blue</Value></Tag>";
  EXPECT_EQ(make(tag + tag).code(), "InvalidTag");
  ASSERT_EQ(make(tag).status, 200);
  EXPECT_NE(get("/tagged", "tagging=").body.find("<Value>blue</Value>"), std::string::npos);
  EXPECT_EQ(make(tag).status, 200);
  EXPECT_EQ(make("<Tag><Key>team</Key><Value>red</Value></Tag>").code(), "BucketAlreadyOwnedByYou");
}

TEST_F(Operations, deleting_many_keys_needs_an_integrity_check_and_answers_for_each) {
  ASSERT_EQ(put("/bucket/a", "x").status, 200);
  const std::string body =
      "<Delete><Object><Key>a</Key></Object><Object><Key>never was</Key></Object>"
      "<Object><Key>b</Key><VersionId>7</VersionId></Object></Delete>";
  Call call{.method = "POST", .path = "/bucket", .query = "delete=", .body = body};
  EXPECT_EQ(send(call).code(), "InvalidRequest");
  call.headers = {{"host", "localhost"},
                  {"content-md5", codec::to_base64(digest::md5(as_bytes(body)))}};
  const Reply reply = send(call);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(texts(reply_xml(reply), "Deleted", "Key"),
            (std::vector<std::string>{"a", "never was"}));
  EXPECT_EQ(texts(reply_xml(reply), "Error", "Code"), std::vector<std::string>{"NoSuchVersion"});
  EXPECT_EQ(get("/bucket/a").code(), "NoSuchKey");
}

TEST_F(Operations, a_copy_takes_the_bytes_and_the_description_asked_for) {
  ASSERT_EQ(put("/bucket/a%20b", "x", {{"x-amz-meta-a", "1"}}).status, 200);
  const auto copy = [this](Headers headers) {
    headers.emplace_back("x-amz-copy-source", "/bucket/a%20b");
    return put("/bucket/copy", "", std::move(headers));
  };
  EXPECT_EQ(reply_xml(copy({})).name, "CopyObjectResult");
  EXPECT_EQ(get("/bucket/copy").fields.get("x-amz-meta-a"), "1");
  EXPECT_EQ(copy({{"x-amz-metadata-directive", "REPLACE"}, {"x-amz-meta-b", "2"}}).status, 200);
  EXPECT_EQ(get("/bucket/copy").fields.find("x-amz-meta-a"), nullptr);
  EXPECT_EQ(get("/bucket/copy").fields.get("x-amz-meta-b"), "2");
  EXPECT_EQ(copy({{"x-amz-storage-class", "GLACIER"}}).status, 200);
  EXPECT_EQ(get("/bucket/copy").fields.get("x-amz-storage-class"), "GLACIER");
  EXPECT_EQ(get("/bucket/copy").fields.get("x-amz-meta-a"), "1");
  EXPECT_EQ(copy({{"x-amz-copy-source-if-match", "\"no\""}}).code(), "PreconditionFailed");
  EXPECT_EQ(copy({{"x-amz-metadata-directive", "MERGE"}}).code(), "InvalidArgument");
}

TEST_F(Operations, parts_become_an_object) {
  const Reply created = send({.method = "POST", .path = "/bucket/big", .query = "uploads="});
  const std::string id =
      "uploadId=" + codec::uri_encode(reply_xml(created).child_text("UploadId"), true);
  const std::string first(5 * kMiB, 'a');
  const auto part = [&](int number, const std::string& body) {
    return send({.method = "PUT",
                 .path = "/bucket/big",
                 .query = "partNumber=" + std::to_string(number) + "&" + id,
                 .body = body});
  };
  const std::string etag1(part(1, first).fields.get("etag"));
  const std::string etag2(part(2, "end").fields.get("etag"));
  EXPECT_EQ(part(0, "x").code(), "InvalidArgument");
  EXPECT_EQ(part(10'001, "x").code(), "InvalidArgument");
  EXPECT_EQ(texts(reply_xml(get("/bucket/big", id)), "Part", "Size"),
            (std::vector<std::string>{"5242880", "3"}));
  EXPECT_EQ(texts(reply_xml(get("/bucket", "uploads=")), "Upload", "Key"),
            std::vector<std::string>{"big"});
  const auto complete = [&](const std::string& second) {
    return send({.method = "POST",
                 .path = "/bucket/big",
                 .query = id,
                 .body = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" + etag1 +
                         "</ETag></Part><Part><PartNumber>2</PartNumber><ETag>" + second +
                         "</ETag></Part></CompleteMultipartUpload>"});
  };
  EXPECT_EQ(complete("\"00000000000000000000000000000000\"").code(), "InvalidPart");
  const Reply done = complete(etag2);
  ASSERT_EQ(done.status, 200) << done.body;
  EXPECT_TRUE(std::string(reply_xml(done).child_text("ETag")).ends_with("-2\""));
  EXPECT_EQ(get("/bucket/big").body, first + "end");
  const Reply second = get("/bucket/big", "partNumber=2");
  EXPECT_EQ(second.body, "end");
  EXPECT_EQ(second.fields.get("x-amz-mp-parts-count"), "2");
  EXPECT_EQ(send({.method = "DELETE", .path = "/bucket/big", .query = id}).code(), "NoSuchUpload");
}

TEST_F(Operations, buckets_are_made_told_of_and_removed) {
  EXPECT_EQ(put("/UPPER", "").code(), "InvalidBucketName");
  EXPECT_EQ(put("/elsewhere",
                "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint>"
                "</CreateBucketConfiguration>")
                .code(),
            "IllegalLocationConstraintException");
  EXPECT_EQ(send({.method = "HEAD", .path = "/bucket"}).fields.get("x-amz-bucket-region"),
            "us-east-1");
  EXPECT_EQ(reply_xml(get("/bucket", "location=")).text, "");
  EXPECT_EQ(get("/bucket", "policy=").code(), "NoSuchBucketPolicy");
  EXPECT_EQ(get("/nobucket", "policy=").code(), "NoSuchBucket");
  ASSERT_EQ(put("/second", "").status, 200);
  const auto page = reply_xml(get("/", "max-buckets=1"));
  EXPECT_EQ(page.child("Buckets")->children.size(), 1U);
  EXPECT_FALSE(page.child_text("ContinuationToken").empty());
  ASSERT_EQ(put("/second/k", "x").status, 200);
  EXPECT_EQ(send({.method = "DELETE", .path = "/second"}).code(), "BucketNotEmpty");
  EXPECT_EQ(send({.method = "DELETE", .path = "/second/k"}).status, 204);
  EXPECT_EQ(send({.method = "DELETE", .path = "/second"}).status, 204);
}

TEST_F(Operations, a_bucket_in_the_host_is_the_same_bucket) {
  const Headers host = {{"host", "bucket.s3.example.com:9000"}};
  ASSERT_EQ(put("/k/1", "x", host).status, 200);
  EXPECT_EQ(get("/bucket/k/1").body, "x");
  EXPECT_EQ(texts(reply_xml(get("/", "", host)), "Contents", "Key"),
            std::vector<std::string>{"k/1"});
}

TEST_F(Operations, a_failing_store_answers_without_its_internals) {
  ASSERT_EQ(put("/bucket/k", "x").status, 200);
  store_.fail = [](strata::testing::StoreCall call) -> std::optional<Error> {
    if (call != strata::testing::StoreCall::kGet) return std::nullopt;
    return Error(Code::kCorrupt, "/drive/3: record 7");
  };
  const Reply reply = get("/bucket/k");
  EXPECT_EQ(reply.code(), "InternalError");
  EXPECT_EQ(reply.body.find("drive"), std::string::npos);
  store_.fail = [](strata::testing::StoreCall) { return Error(Code::kBusy, "queue"); };
  EXPECT_EQ(get("/bucket/k").code(), "SlowDown");
  store_.fail = nullptr;
}

TEST_F(Operations, a_refusal_before_the_handler_is_xml_with_ids) {
  http::Fields fields;
  const std::string body = handler_->refusal(431, "too many fields", "ABC", fields);
  EXPECT_EQ(fields.get("x-amz-request-id"), "ABC");
  EXPECT_EQ(codec::parse_xml(body)->child_text("Code"), "RequestHeaderSectionTooLarge");
}

}  // namespace
}  // namespace strata::s3
