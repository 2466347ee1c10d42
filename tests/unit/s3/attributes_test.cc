// GetObjectAttributes, UploadPartCopy, and configurations that have one value.
#include "tests/unit/s3/s3_fixture.h"

namespace strata::s3 {
namespace {

codec::XmlElement attributes_xml(const Reply& reply) {
  auto parsed = codec::parse_xml(reply.body);
  EXPECT_TRUE(parsed.ok()) << reply.body;
  return parsed.ok() ? *parsed : codec::XmlElement{};
}

using AttributesWire = S3Fixture;

TEST_F(AttributesWire, are_told_as_they_are_asked_for) {
  const std::string crc =
      codec::to_base64(digest::checksum(digest::ChecksumAlgorithm::kCrc32, as_bytes("abc")));
  ASSERT_EQ(put("/bucket/k", "abc", {{"x-amz-checksum-crc32", crc}}).status, 200);
  const auto ask = [this](const std::string& names) {
    return get("/bucket/k", "attributes=", {{"x-amz-object-attributes", names}});
  };
  const Reply reply = ask("ETag,Checksum, ObjectParts,StorageClass,ObjectSize");
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_FALSE(reply.fields.get("last-modified").empty());
  const auto all = attributes_xml(reply);
  EXPECT_EQ(all.name, "GetObjectAttributesResponse");
  EXPECT_EQ(all.child_text("ETag"), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(all.child("Checksum")->child_text("ChecksumCRC32"), crc);
  EXPECT_EQ(all.child("Checksum")->child_text("ChecksumType"), "FULL_OBJECT");
  EXPECT_EQ(all.child("ObjectParts"), nullptr);
  EXPECT_EQ(all.child_text("StorageClass"), "STANDARD");
  EXPECT_EQ(all.child_text("ObjectSize"), "3");
  EXPECT_EQ(attributes_xml(ask("ObjectSize")).children.size(), 1U);
  EXPECT_EQ(ask("Nothing").code(), "InvalidArgument");
  EXPECT_EQ(get("/bucket/k", "attributes=").code(), "InvalidArgument");
  EXPECT_EQ(get("/bucket/none", "attributes=", {{"x-amz-object-attributes", "ETag"}}).code(),
            "NoSuchKey");
}

TEST_F(AttributesWire, parts_are_copied_and_told_of) {
  ASSERT_EQ(put("/bucket/source", "0123456789").status, 200);
  const Reply created =
      send({.method = "POST",
            .path = "/bucket/k",
            .query = "uploads=",
            .headers = {{"host", "localhost:9000"}, {"x-amz-checksum-algorithm", "CRC32C"}}});
  const std::string id =
      "uploadId=" + codec::uri_encode(attributes_xml(created).child_text("UploadId"), true);
  const auto copy = [&](const std::string& number, Headers headers) {
    headers.emplace_back("x-amz-copy-source", "/bucket/source");
    return send({.method = "PUT",
                 .path = "/bucket/k",
                 .query = "partNumber=" + number + "&" + id,
                 .headers = std::move(headers)});
  };
  const Reply part = copy("1", {{"x-amz-copy-source-range", "bytes=2-4"}});
  EXPECT_EQ(part.status, 200) << part.body;
  EXPECT_EQ(attributes_xml(part).name, "CopyPartResult");
  EXPECT_FALSE(attributes_xml(part).child_text("ChecksumCRC32C").empty());
  for (const char* bad : {"bytes=2-10", "bytes=2-", "bytes=-2", "2-4", "bytes=4-2"}) {
    EXPECT_EQ(copy("1", {{"x-amz-copy-source-range", bad}}).code(), "InvalidArgument") << bad;
  }
  EXPECT_EQ(copy("1", {{"x-amz-copy-source-if-match", "\"no\""}}).code(), "PreconditionFailed");
  EXPECT_EQ(copy("0", {}).code(), "InvalidArgument");
  const std::string etag(attributes_xml(part).child_text("ETag"));
  const std::string crc(attributes_xml(part).child_text("ChecksumCRC32C"));
  const Reply done =
      send({.method = "POST",
            .path = "/bucket/k",
            .query = id,
            .body = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" + etag +
                    "</ETag><ChecksumCRC32C>" + crc +
                    "</ChecksumCRC32C></Part></CompleteMultipartUpload>"});
  ASSERT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(get("/bucket/k").body, "234");
  const auto parts =
      attributes_xml(get("/bucket/k", "attributes=", {{"x-amz-object-attributes", "ObjectParts"}}));
  ASSERT_NE(parts.child("ObjectParts"), nullptr);
  EXPECT_EQ(parts.child("ObjectParts")->child_text("PartsCount"), "1");
  EXPECT_EQ(parts.child("ObjectParts")->child("Part")->child_text("Size"), "3");
}

TEST_F(AttributesWire, configurations_with_one_value_tell_it_and_take_it) {
  EXPECT_EQ(attributes_xml(get("/bucket", "requestPayment=")).child_text("Payer"), "BucketOwner");
  EXPECT_EQ(attributes_xml(get("/bucket", "logging=")).name, "BucketLoggingStatus");
  EXPECT_EQ(attributes_xml(get("/bucket", "accelerate=")).name, "AccelerateConfiguration");
  EXPECT_EQ(get("/nobucket", "logging=").code(), "NoSuchBucket");
  const auto set = [this](const std::string& query, const std::string& body) {
    return send({.method = "PUT", .path = "/bucket", .query = query, .body = body}).code();
  };
  const auto payer = [&](const std::string& who) {
    return set("requestPayment=", "<RequestPaymentConfiguration><Payer>" + who + "</Payer>" +
                                      "</RequestPaymentConfiguration>");
  };
  EXPECT_EQ(payer("BucketOwner"), "");
  EXPECT_EQ(payer("Requester"), "NotImplemented");
  EXPECT_EQ(payer("Nobody"), "MalformedXML");
  EXPECT_EQ(set("logging=", "<BucketLoggingStatus/>"), "");
  EXPECT_EQ(set("logging=", "<BucketLoggingStatus><LoggingEnabled/></BucketLoggingStatus>"),
            "NotImplemented");
  EXPECT_EQ(set("accelerate=", "<AccelerateConfiguration/>"), "NotImplemented");
}

}  // namespace
}  // namespace strata::s3
