// CORS through the handler, as a browser meets it.
#include "tests/unit/s3/s3_fixture.h"

namespace strata::s3 {
namespace {

class Cors : public S3Fixture {
 protected:
  Reply configure(std::string_view rules) {
    const std::string xml = "<CORSConfiguration>" + std::string(rules) + "</CORSConfiguration>";
    return send({.method = "PUT",
                 .path = "/bucket",
                 .query = "cors",
                 .headers = {{"content-md5", codec::to_base64(digest::md5(as_bytes(xml)))}},
                 .body = xml});
  }
  Reply preflight(std::string path, Headers headers) {
    http::RequestHead head;
    head.method = "OPTIONS";
    head.path = head.target = std::move(path);
    head.fields.add("host", "localhost:9000");
    for (auto& [name, value] : headers) head.fields.add(name, value);
    return send_raw(std::move(head), "");
  }
  static constexpr std::string_view kRule =
      "<CORSRule><AllowedOrigin>http://*.example.com</AllowedOrigin>"
      "<AllowedMethod>GET</AllowedMethod><AllowedMethod>PUT</AllowedMethod>"
      "<AllowedHeader>x-*</AllowedHeader><ExposeHeader>ETag</ExposeHeader>"
      "<MaxAgeSeconds>60</MaxAgeSeconds></CORSRule>";
};

TEST_F(Cors, a_configuration_is_kept_given_back_and_removed) {
  EXPECT_EQ(get("/bucket", "cors").code(), "NoSuchCORSConfiguration");
  ASSERT_EQ(configure(kRule).status, 200);
  const Reply reply = get("/bucket", "cors");
  EXPECT_EQ(reply.status, 200);
  const auto xml = codec::parse_xml(reply.body);
  ASSERT_TRUE(xml.ok());
  EXPECT_EQ(xml->child("CORSRule")->child_text("MaxAgeSeconds"), "60");
  EXPECT_EQ(send({.method = "DELETE", .path = "/bucket", .query = "cors"}).status, 204);
  EXPECT_EQ(get("/bucket", "cors").code(), "NoSuchCORSConfiguration");
}

TEST_F(Cors, a_configuration_needs_an_integrity_check_and_a_bucket) {
  EXPECT_EQ(
      send({.method = "PUT", .path = "/bucket", .query = "cors", .body = "<CORSConfiguration/>"})
          .code(),
      "InvalidRequest");
  EXPECT_EQ(configure("").code(), "MalformedXML");
  EXPECT_EQ(get("/no-such-bucket", "cors").code(), "NoSuchBucket");
}

TEST_F(Cors, a_preflight_that_a_rule_allows_is_told_so_without_a_signature) {
  ASSERT_EQ(configure(kRule).status, 200);
  const Reply reply =
      preflight("/bucket/key", {{"origin", "http://www.example.com"},
                                {"access-control-request-method", "PUT"},
                                {"access-control-request-headers", "X-One, x-two"}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.fields.get("access-control-allow-origin"), "http://www.example.com");
  EXPECT_EQ(reply.fields.get("access-control-allow-methods"), "GET, PUT");
  EXPECT_EQ(reply.fields.get("access-control-allow-headers"), "x-one, x-two");
  EXPECT_EQ(reply.fields.get("access-control-expose-headers"), "ETag");
  EXPECT_EQ(reply.fields.get("access-control-max-age"), "60");
  EXPECT_EQ(reply.fields.get("access-control-allow-credentials"), "true");
  EXPECT_EQ(reply.fields.get("vary"),
            "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
}

TEST_F(Cors, a_preflight_that_no_rule_allows_is_forbidden) {
  const Headers asks = {{"origin", "http://www.example.com"},
                        {"access-control-request-method", "DELETE"}};
  EXPECT_EQ(preflight("/bucket/key", asks).code(), "AccessForbidden") << "there is no rule at all";
  ASSERT_EQ(configure(kRule).status, 200);
  const Reply reply = preflight("/bucket/key", asks);
  EXPECT_EQ(reply.status, 403);
  const auto xml = codec::parse_xml(reply.body);
  ASSERT_TRUE(xml.ok());
  EXPECT_EQ(xml->child_text("Code"), "AccessForbidden");
  EXPECT_EQ(xml->child_text("Method"), "DELETE");
  EXPECT_EQ(xml->child_text("ResourceType"), "OBJECT");
  EXPECT_TRUE(xml->child_text("Message").starts_with("CORSResponse: "));
  EXPECT_EQ(preflight("/no-such-bucket/key", asks).code(), "AccessForbidden");
}

TEST_F(Cors, a_preflight_says_who_asks_and_for_what) {
  ASSERT_EQ(configure(kRule).status, 200);
  EXPECT_EQ(preflight("/bucket/key", {}).status, 400);
  EXPECT_EQ(preflight("/bucket/key", {{"origin", "http://www.example.com"}}).code(), "BadRequest");
  EXPECT_EQ(preflight("/bucket/key", {{"origin", "http://www.example.com"},
                                      {"access-control-request-method", "PATCH"}})
                .code(),
            "BadRequest");
}

TEST_F(Cors, answers_and_errors_carry_the_fields_for_an_allowed_origin_only) {
  ASSERT_EQ(configure(kRule).status, 200);
  ASSERT_EQ(put("/bucket/key", "x").status, 200);
  const Headers allowed = {{"origin", "http://a.example.com"}};
  EXPECT_EQ(get("/bucket/key", "", allowed).fields.get("access-control-allow-origin"),
            "http://a.example.com");
  EXPECT_EQ(get("/bucket/none", "", allowed).fields.get("access-control-allow-origin"),
            "http://a.example.com");
  EXPECT_EQ(get("/bucket/key", "", {{"origin", "http://a.example.org"}})
                .fields.count("access-control-allow-origin"),
            0U);
  EXPECT_EQ(get("/bucket/key").fields.count("access-control-allow-origin"), 0U);
  Headers deletes = allowed;
  deletes.emplace_back("access-control-request-method", "DELETE");
  EXPECT_EQ(get("/bucket/key", "", deletes).fields.count("access-control-allow-origin"), 0U);
}

}  // namespace
}  // namespace strata::s3
