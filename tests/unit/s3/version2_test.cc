// Signature Version 2 through the handler: off unless asked for, and then held to what it covers.
#include "common/sigv4/version2.h"
#include "tests/unit/s3/s3_fixture.h"

namespace strata::s3 {
namespace {

class Version2 : public S3Fixture {
 protected:
  struct Request {
    std::string method = "GET";
    std::string path = "/bucket/key";
    std::string query{};
    Headers headers{};
    std::string body{};
    bool host_style = false;
    std::string secret = kSecret;
    std::chrono::seconds ahead{0};
  };

  void switch_on() {
    Config config;
    config.signature_version2 = true;
    make_handler(std::move(config));
  }

  http::RequestHead head_of(const Request& request) {
    http::RequestHead head;
    head.method = request.method;
    head.path = request.path;
    head.query = request.query;
    head.fields.add("host", request.host_style ? "bucket.s3.example.com" : "localhost");
    for (const auto& [name, value] : request.headers) head.fields.add(name, value);
    if (request.method == "PUT") head.content_length = request.body.size();
    return head;
  }

  std::string signature(const Request& request, const http::RequestHead& head,
                        const std::string& date) {
    const Query parsed = Query::parse(request.query).value();
    std::vector<sigv4::V2Parameter> query;
    for (const QueryParameter& one : parsed.all()) {
      query.push_back({one.name, one.value, one.has_value});
    }
    sigv4::V2Request canonical;
    canonical.method = request.method;
    canonical.content_md5 = head.fields.get("content-md5");
    canonical.content_type = head.fields.get("content-type");
    if (head.fields.find("x-amz-date") == nullptr) canonical.date = date;
    canonical.headers = head.fields.all();
    if (request.host_style) canonical.bucket = "bucket";
    canonical.path = request.path;
    canonical.query = query;
    return sigv4::v2_sign(request.secret, sigv4::v2_string_to_sign(canonical, false));
  }

  http::RequestHead signed_head(const Request& request) {
    http::RequestHead head = head_of(request);
    const std::string date = codec::format_http_date(clock_.now + request.ahead);
    head.fields.add("date", date);
    head.fields.add("authorization",
                    "AWS " + std::string(kKey) + ":" + signature(request, head, date));
    return head;
  }

  http::RequestHead presigned_head(const Request& request, std::chrono::seconds valid) {
    http::RequestHead head = head_of(request);
    const auto until = std::chrono::floor<std::chrono::seconds>(clock_.now + valid);
    const std::string expires = std::to_string(until.time_since_epoch().count());
    const std::string sum = codec::uri_encode(signature(request, head, expires), true);
    if (!head.query.empty()) head.query += '&';
    head.query +=
        "AWSAccessKeyId=" + std::string(kKey) + "&Expires=" + expires + "&Signature=" + sum;
    return head;
  }

  Reply send_signed(const Request& request) { return send_raw(signed_head(request), request.body); }
};

TEST_F(Version2, is_refused_unless_it_was_switched_on) {
  const Reply reply = send_signed({});
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.code(), "InvalidRequest");
  EXPECT_NE(reply.body.find("Please use AWS4-HMAC-SHA256"), std::string::npos);
  EXPECT_EQ(send_raw(presigned_head({}, std::chrono::seconds(60)), "").code(), "InvalidRequest");
}

TEST_F(Version2, reads_and_writes_in_both_styles_of_address) {
  switch_on();
  EXPECT_EQ(send_signed({.method = "PUT", .body = "old"}).status, 200);
  EXPECT_EQ(send_signed({}).body, "old");
  EXPECT_EQ(send_signed({.path = "/key", .host_style = true}).body, "old");
  EXPECT_EQ(send_signed({.path = "/bucket", .query = "uploads"}).status, 200);
  EXPECT_EQ(send_signed({.path = "/bucket", .query = "list-type=2&prefix=k"}).status, 200);
  EXPECT_EQ(send_raw(presigned_head({}, std::chrono::seconds(60)), "").body, "old");
  // Version 4 goes on beside it.
  EXPECT_EQ(get("/bucket/key").body, "old");
}

TEST_F(Version2, what_it_covers_cannot_be_changed) {
  switch_on();
  ASSERT_EQ(put("/bucket/key", "x").status, 200);
  const auto changed = [&](auto change) {
    http::RequestHead head =
        signed_head({.method = "PUT", .headers = {{"x-amz-meta-a", "1"}}, .body = "y"});
    change(head);
    return send_raw(head, "y").code();
  };
  EXPECT_EQ(changed([](http::RequestHead& head) { head.path = "/bucket/kez"; }),
            "SignatureDoesNotMatch");
  EXPECT_EQ(changed([](http::RequestHead& head) { head.method = "DELETE"; }),
            "SignatureDoesNotMatch");
  EXPECT_EQ(changed([](http::RequestHead& head) { head.query = "acl"; }), "SignatureDoesNotMatch");
  EXPECT_EQ(changed([](http::RequestHead& head) { head.fields.set("x-amz-meta-a", "2"); }),
            "SignatureDoesNotMatch");
  EXPECT_EQ(changed([](http::RequestHead& head) { head.fields.add("x-amz-acl", "private"); }),
            "SignatureDoesNotMatch");
  EXPECT_EQ(changed([](http::RequestHead& head) { head.fields.set("content-type", "a/b"); }),
            "SignatureDoesNotMatch");
  EXPECT_EQ(changed([](http::RequestHead& head) { head.query = "x-amz-acl=private"; }),
            "SignatureDoesNotMatch");
  // A subresource outside of what it covers must not be added either.
  EXPECT_EQ(changed([](http::RequestHead& head) { head.query = "retention"; }), "AccessDenied");
  EXPECT_EQ(get("/bucket/key").body, "x");
}

TEST_F(Version2, wrong_secrets_keys_and_times_are_refused) {
  switch_on();
  Request request;
  request.secret = "another secret";
  EXPECT_EQ(send_signed(request).code(), "SignatureDoesNotMatch");
  http::RequestHead head = signed_head({});
  head.fields.set("authorization", "AWS NOBODY:abcd");
  EXPECT_EQ(send_raw(head, "").code(), "InvalidAccessKeyId");
  head.fields.set("authorization", "AWS nonsense");
  EXPECT_EQ(send_raw(head, "").code(), "InvalidArgument");
  for (const int minutes : {-16, 16}) {
    Request late;
    late.ahead = std::chrono::minutes(minutes);
    EXPECT_EQ(send_signed(late).code(), "RequestTimeTooSkewed");
  }
  head = signed_head({});
  head.fields.set("date", "yesterday");
  EXPECT_EQ(send_raw(head, "").code(), "AccessDenied");
}

TEST_F(Version2, a_url_ends_when_it_says_and_says_everything) {
  switch_on();
  ASSERT_EQ(put("/bucket/key", "x").status, 200);
  EXPECT_EQ(send_raw(presigned_head({}, std::chrono::seconds(-2)), "").code(), "AccessDenied");
  http::RequestHead head = head_of({});
  head.query = "AWSAccessKeyId=" + std::string(kKey) + "&Signature=x";
  EXPECT_EQ(send_raw(head, "").code(), "AccessDenied");
  head.query += "&Expires=tomorrow";
  EXPECT_EQ(send_raw(head, "").code(), "AccessDenied");
  head = presigned_head({}, std::chrono::seconds(60));
  head.query.replace(head.query.find("Expires=") + 8, 1, "9");
  EXPECT_EQ(send_raw(head, "").code(), "SignatureDoesNotMatch");
  head = presigned_head({}, std::chrono::seconds(60));
  head.fields.add("authorization", "AWS a:b");
  EXPECT_EQ(send_raw(head, "").code(), "InvalidArgument");
}

TEST_F(Version2, does_not_vouch_for_signed_chunks) {
  switch_on();
  const Request request{.method = "PUT",
                        .headers = {{"x-amz-content-sha256", std::string(sigv4::kStreamingSigned)},
                                    {"x-amz-decoded-content-length", "1"}},
                        .body = "x"};
  EXPECT_EQ(send_signed(request).code(), "AccessDenied");
}

}  // namespace
}  // namespace strata::s3
