// The signature matrix: every payload mode, every verb that writes, every lie.
#include "tests/unit/s3/s3_fixture.h"

namespace strata::s3 {
namespace {

class Authentication : public S3Fixture {
 protected:
  Authentication() {
    const Reply created = send({.method = "POST", .path = "/bucket/part", .query = "uploads="});
    upload_id_ = codec::parse_xml(created.body)->child_text("UploadId");
    body_ = std::string(2500, 'b');
  }

  // PutObject and UploadPart: the verbs whose bodies are kept.
  std::vector<Call> writes(Mode mode) const {
    Call object{.method = "PUT", .path = "/bucket/key", .body = body_, .mode = mode};
    Call part = object;
    part.path = "/bucket/part";
    part.query = "partNumber=1&uploadId=" + codec::uri_encode(upload_id_, true);
    return {object, part};
  }
  // Nothing of a refused write may be there.
  void expect_nothing_written() {
    EXPECT_EQ(get("/bucket/key").code(), "NoSuchKey");
    const Reply parts = get("/bucket/part", "uploadId=" + codec::uri_encode(upload_id_, true));
    EXPECT_EQ(parts.body.find("<Part>"), std::string::npos);
  }
  // Every mode and verb with one change; the code that must come back by mode.
  void expect_refused(const std::function<void(Call&)>& change,
                      const std::function<std::string(Mode)>& expected) {
    for (const Mode mode : kModes) {
      for (Call call : writes(mode)) {
        const std::string code = expected(mode);
        if (code.empty()) continue;
        change(call);
        EXPECT_EQ(send(call).code(), code) << "mode " << int(mode) << " of " << call.path;
      }
    }
    expect_nothing_written();
  }

  std::string upload_id_;
  std::string body_;
};

std::string always_mismatch(Mode) {
  return "SignatureDoesNotMatch";
}

TEST_F(Authentication, every_mode_and_verb_is_served_when_all_is_right) {
  for (const Mode mode : kModes) {
    for (const Call& call : writes(mode)) {
      const Reply reply = send(call);
      EXPECT_EQ(reply.status, 200) << "mode " << int(mode) << ": " << reply.body;
      EXPECT_EQ(reply.fields.get("etag"),
                "\"" + codec::to_hex(digest::md5(as_bytes(body_))) + "\"");
    }
    const Reply read = get("/bucket/key");
    EXPECT_EQ(read.body, body_);
    EXPECT_EQ(read.fields.find("content-encoding"), nullptr) << "aws-chunked is not kept";
  }
}

TEST_F(Authentication, a_wrong_secret_is_refused) {
  expect_refused([](Call& call) { call.secret = "another secret"; }, always_mismatch);
}

TEST_F(Authentication, an_unknown_key_is_refused) {
  expect_refused([](Call& call) { call.key = "AKIDNOBODY"; },
                 [](Mode) { return "InvalidAccessKeyId"; });
}

TEST_F(Authentication,
       every_verb_that_changes_something_refuses_a_wrong_secret_key_region_or_time) {
  const std::string id = "uploadId=" + codec::uri_encode(upload_id_, true);
  ASSERT_EQ(put("/bucket/keep", "kept").status, 200);
  const std::vector<Call> verbs = {
      {.method = "PUT", .path = "/bucket/key", .body = "x"},
      {.method = "PUT", .path = "/bucket/part", .query = "partNumber=1&" + id, .body = "x"},
      {.method = "PUT",
       .path = "/bucket/key",
       .headers = {{"host", "localhost"}, {"x-amz-copy-source", "/bucket/keep"}}},
      {.method = "PUT", .path = "/another-bucket"},
      {.method = "POST", .path = "/bucket/key", .query = "uploads="},
      {.method = "POST", .path = "/bucket/part", .query = id, .body = "<CompleteMultipartUpload/>"},
      {.method = "POST", .path = "/bucket", .query = "delete=", .body = "<Delete/>"},
      {.method = "DELETE", .path = "/bucket/keep"},
      {.method = "DELETE", .path = "/bucket/part", .query = id},
      {.method = "DELETE", .path = "/bucket"},
  };
  for (const Mode mode : kModes) {
    for (Call call : verbs) {
      if (call.body.empty() && is_chunked(mode)) continue;
      SCOPED_TRACE(call.method + " " + call.path + "?" + call.query + " in mode " +
                   std::to_string(static_cast<int>(mode)));
      call.mode = mode;
      call.secret = "another secret";
      EXPECT_EQ(send(call).code(), "SignatureDoesNotMatch");
      call.secret = kSecret;
      call.key = "AKIDNOBODY";
      EXPECT_EQ(send(call).code(), "InvalidAccessKeyId");
      call.key = kKey;
      call.region = "eu-west-1";
      EXPECT_EQ(send(call).status, 400);
      call.region = "us-east-1";
      for (const int minutes : {-16, 16}) {
        call.signed_ahead = std::chrono::minutes(minutes);
        EXPECT_EQ(send(call).status, 403);
      }
    }
  }
  EXPECT_EQ(get("/bucket/keep").body, "kept");
  EXPECT_EQ(get("/bucket/part", id).status, 200);
  EXPECT_EQ(get("/another-bucket").code(), "NoSuchBucket");
  expect_nothing_written();
}

TEST_F(Authentication, an_altered_byte_in_the_body_is_refused_where_something_promised_it) {
  const auto change = [](Call& call) {
    call.tamper = [](std::string& wire) { wire[wire.find("bbbb")] = 'c'; };
  };
  expect_refused(change, [](Mode mode) -> std::string {
    if (mode == Mode::kSigned) return "XAmzContentSHA256Mismatch";
    if (mode == Mode::kUnsignedTrailer) return "BadDigest";
    return is_chunked(mode) ? "SignatureDoesNotMatch" : "";
  });
}

TEST_F(Authentication, an_altered_last_byte_is_refused) {
  const auto change = [](Call& call) {
    call.tamper = [](std::string& wire) { wire[wire.rfind("bbbb")] = 'c'; };
  };
  expect_refused(change, [](Mode mode) -> std::string {
    if (mode == Mode::kSigned) return "XAmzContentSHA256Mismatch";
    if (mode == Mode::kUnsignedTrailer) return "BadDigest";
    return is_chunked(mode) ? "SignatureDoesNotMatch" : "";
  });
}

TEST_F(Authentication, an_altered_signature_of_the_last_chunk_is_refused) {
  const auto change = [](Call& call) {
    call.tamper = [](std::string& wire) {
      char& digit = wire[wire.rfind("chunk-signature=") + 16];
      digit = digit == '0' ? '1' : '0';
    };
  };
  expect_refused(change, [](Mode mode) -> std::string {
    return mode == Mode::kStreaming || mode == Mode::kStreamingTrailer ? "SignatureDoesNotMatch"
                                                                       : "";
  });
}

TEST_F(Authentication, an_altered_trailer_is_refused) {
  const auto change = [](Call& call) {
    call.tamper = [](std::string& wire) { wire.replace(wire.find("crc32:") + 6, 8, "AAAAAA=="); };
  };
  expect_refused(change, [](Mode mode) -> std::string {
    if (mode == Mode::kStreamingTrailer) return "SignatureDoesNotMatch";
    return mode == Mode::kUnsignedTrailer ? "BadDigest" : "";
  });
}

TEST_F(Authentication, a_missing_or_another_trailer_is_refused) {
  const auto rename = [](Call& call) {
    call.tamper = [](std::string& wire) { wire.replace(wire.find("crc32:"), 5, "sha99"); };
  };
  expect_refused(rename, [](Mode mode) -> std::string {
    return mode == Mode::kUnsignedTrailer ? "MalformedTrailerError" : "";
  });
  const auto remove = [](Call& call) {
    call.tamper = [](std::string& wire) {
      wire.resize(wire.find("x-amz-checksum"));
      wire += "\r\n";
    };
  };
  expect_refused(remove, [](Mode mode) -> std::string {
    return mode == Mode::kUnsignedTrailer ? "MalformedTrailerError" : "";
  });
}

TEST_F(Authentication, a_lying_decoded_length_is_refused) {
  for (const int64_t lie : {-2500, -1, 1, 100'000}) {
    expect_refused([lie](Call& call) { call.length_lie = lie; },
                   [](Mode mode) { return is_chunked(mode) ? "IncompleteBody" : ""; });
  }
}

TEST_F(Authentication, a_body_cut_short_or_followed_by_more_is_refused) {
  const auto cut = [](Call& call) {
    call.tamper = [](std::string& wire) { wire.resize(wire.size() / 2); };
  };
  expect_refused(cut, [](Mode mode) { return is_chunked(mode) ? "IncompleteBody" : ""; });
  const auto more = [](Call& call) { call.tamper = [](std::string& wire) { wire += "more"; }; };
  expect_refused(more, [](Mode mode) { return is_chunked(mode) ? "InvalidRequest" : ""; });
}

TEST_F(Authentication, a_time_too_far_off_is_refused) {
  const auto by_mode = [](Mode mode) {
    return mode == Mode::kPresigned ? "AccessDenied" : "RequestTimeTooSkewed";
  };
  expect_refused([](Call& call) { call.signed_ahead = std::chrono::minutes(16); }, by_mode);
  expect_refused([](Call& call) { call.signed_ahead = std::chrono::minutes(-16); }, by_mode);
}

TEST_F(Authentication, a_presigned_url_lives_as_long_as_it_says) {
  ASSERT_EQ(put("/bucket/key", "x").status, 200);
  Call call{.path = "/bucket/key", .mode = Mode::kPresigned};
  call.signed_ahead = std::chrono::seconds(-59);
  EXPECT_EQ(send(call).status, 200);
  call.signed_ahead = std::chrono::seconds(-61);
  const Reply late = send(call);
  EXPECT_EQ(late.code(), "AccessDenied");
  EXPECT_NE(late.body.find("expired"), std::string::npos);
}

TEST_F(Authentication, a_validity_of_more_than_seven_days_is_refused) {
  Call call{.path = "/bucket/key", .mode = Mode::kPresigned};
  std::string wire;
  http::RequestHead head = build(call, wire);
  const size_t at = head.query.find("X-Amz-Expires=60");
  ASSERT_NE(at, std::string::npos);
  head.query.replace(at, 16, "X-Amz-Expires=604801");
  EXPECT_EQ(send_raw(head, "").code(), "AuthorizationQueryParametersError");
}

TEST_F(Authentication, an_unsigned_amz_header_is_refused) {
  for (const char* name :
       {"x-amz-meta-a", "x-amz-acl", "x-amz-copy-source", "x-amz-security-token"}) {
    for (const Mode mode : kModes) {
      Call call{.method = "PUT", .path = "/bucket/key", .body = "b", .mode = mode};
      call.added = {{name, "private"}};
      const std::string code = send(call).code();
      EXPECT_TRUE(code == "AccessDenied" || code == "InvalidToken") << name << " " << code;
    }
  }
  expect_nothing_written();
}

TEST_F(Authentication, host_must_be_signed) {
  Call call{.path = "/bucket"};
  std::string wire;
  http::RequestHead head = build(call, wire);
  std::string value = head.fields.find("authorization")->c_str();
  const size_t at = value.find("host;");
  ASSERT_NE(at, std::string::npos);
  value.erase(at, 5);
  head.fields.set("authorization", value);
  EXPECT_EQ(send_raw(head, "").code(), "AccessDenied");
}

TEST_F(Authentication, another_region_or_service_is_told_the_right_one) {
  const Reply reply = send({.path = "/bucket", .region = "eu-west-1"});
  EXPECT_EQ(reply.code(), "AuthorizationHeaderMalformed");
  EXPECT_EQ(codec::parse_xml(reply.body)->child_text("Region"), "us-east-1");
  EXPECT_EQ(send({.path = "/bucket", .mode = Mode::kPresigned, .region = "eu-west-1"}).code(),
            "AuthorizationQueryParametersError");
}

TEST_F(Authentication, an_anonymous_request_is_denied) {
  http::RequestHead head;
  head.method = "GET";
  head.target = head.path = "/bucket/key";
  head.fields.add("host", "localhost");
  EXPECT_EQ(send_raw(head, "").code(), "AccessDenied");
}

TEST_F(Authentication, another_authorization_type_is_refused) {
  http::RequestHead head;
  head.method = "GET";
  head.target = head.path = "/bucket/key";
  head.fields.add("host", "localhost");
  head.fields.add("authorization", "Basic YTpi");
  EXPECT_EQ(send_raw(head, "").code(), "InvalidArgument");
  head.fields.set("authorization", "AWS4-ECDSA-P256-SHA256 Credential=x");
  EXPECT_EQ(send_raw(head, "").code(), "NotImplemented");
  // An empty one says nothing: the request is anonymous.
  head.fields.set("authorization", "");
  EXPECT_EQ(send_raw(head, "").code(), "AccessDenied");
}

TEST_F(Authentication, signed_chunks_without_a_signature_to_continue_are_refused) {
  for (const std::string_view kind : {sigv4::kStreamingSigned, sigv4::kStreamingSignedTrailer}) {
    http::RequestHead head;
    head.method = "PUT";
    head.target = head.path = "/bucket/key";
    head.fields.add("host", "localhost");
    head.fields.add("x-amz-content-sha256", std::string(kind));
    head.fields.add("x-amz-decoded-content-length", "1");
    const std::string wire = "1;chunk-signature=" + std::string(64, '0') +
                             "\r\nx\r\n0;chunk-signature=" + std::string(64, '0') + "\r\n\r\n";
    head.content_length = wire.size();
    EXPECT_EQ(send_raw(head, wire).code(), "AccessDenied") << kind;
  }
}

TEST_F(Authentication, two_mechanisms_at_once_are_refused) {
  Call call{.path = "/bucket/key", .mode = Mode::kPresigned};
  call.added = {{"authorization", "AWS4-HMAC-SHA256 x"}};
  EXPECT_EQ(send(call).code(), "InvalidArgument");
}

TEST_F(Authentication, a_changed_path_query_or_method_is_refused) {
  Call call{.path = "/bucket/key"};
  std::string wire;
  const http::RequestHead good = build(call, wire);
  http::RequestHead head = good;
  head.path = "/bucket/kez";
  EXPECT_EQ(send_raw(head, "").code(), "SignatureDoesNotMatch");
  head = good;
  head.query = "partNumber=1";
  EXPECT_EQ(send_raw(head, "").code(), "SignatureDoesNotMatch");
  head = good;
  head.method = "DELETE";
  EXPECT_EQ(send_raw(head, "").code(), "SignatureDoesNotMatch");
}

}  // namespace
}  // namespace strata::s3
