#include "objstore/s3/errors.h"

#include <gtest/gtest.h>

#include "common/codec/xml.h"
#include "common/sigv4/authorization.h"
#include "objstore/object/types.h"

namespace strata::s3 {
namespace {

TEST(Errors, reasons_of_other_rooms_become_s3_codes) {
  const auto check = [](Code code, std::string_view reason, std::string_view wire, int status) {
    const WireError error = to_wire(Error(code, reason, "why"));
    EXPECT_EQ(error.code, wire);
    EXPECT_EQ(error.status, status);
  };
  check(Code::kNotFound, object::reason::kNoSuchBucket, "NoSuchBucket", 404);
  check(Code::kNotFound, object::reason::kNoSuchUpload, "NoSuchUpload", 404);
  check(Code::kConflict, object::reason::kConditionalConflict, "ConditionalRequestConflict", 409);
  check(Code::kAlreadyExists, object::reason::kBucketExists, "BucketAlreadyOwnedByYou", 409);
  check(Code::kPermissionDenied, sigv4::kReasonTimeSkewed, "RequestTimeTooSkewed", 403);
  check(Code::kPermissionDenied, sigv4::kReasonExpired, "AccessDenied", 403);
  check(Code::kUnsupported, sigv4::kReasonUnsupportedAlgorithm, "NotImplemented", 501);
}

TEST(Errors, every_code_has_a_status_without_a_reason) {
  EXPECT_EQ(to_wire(Error(Code::kBusy, "queue full")).code, "SlowDown");
  EXPECT_EQ(to_wire(Error(Code::kBusy, "queue full")).status, 503);
  EXPECT_EQ(to_wire(Error(Code::kNoSpace, "full")).status, 507);
  EXPECT_EQ(to_wire(Error(Code::kPreconditionFailed, "x")).status, 412);
  EXPECT_EQ(to_wire(Error(Code::kUnsupported, "x")).status, 501);
  EXPECT_EQ(to_wire(Error(Code::kInvalidArgument, "unknown reason", "x")).code, "InvalidArgument");
}

TEST(Errors, internals_are_not_told) {
  for (const Code code : {Code::kIo, Code::kCorrupt, Code::kInternal}) {
    const WireError error = to_wire(Error(code, "/data/drive1/blob: checksum 12 is 13"));
    EXPECT_EQ(error.status, 500);
    EXPECT_EQ(error.code, "InternalError");
    EXPECT_EQ(error.message.find("drive1"), std::string::npos);
  }
}

TEST(Errors, the_document_is_xml_whatever_the_names_are) {
  ErrorContext context;
  context.resource = "/b/<&\"";
  context.bucket = "b";
  context.request_id = "0123";
  const std::string text = render_error({"NoSuchBucket", 404, "a < b & c"}, context);
  const auto parsed = codec::parse_xml(text);
  ASSERT_TRUE(parsed.ok()) << text;
  EXPECT_EQ(parsed->name, "Error");
  EXPECT_EQ(parsed->child_text("Code"), "NoSuchBucket");
  EXPECT_EQ(parsed->child_text("Message"), "a < b & c");
  EXPECT_EQ(parsed->child_text("Resource"), "/b/<&\"");
  EXPECT_EQ(parsed->child_text("BucketName"), "b");
  EXPECT_EQ(parsed->child_text("RequestId"), "0123");
  EXPECT_EQ(parsed->child("Key"), nullptr);
}

}  // namespace
}  // namespace strata::s3
