// Websites through the handler, as a visitor's browser meets them.
#include "objstore/website/website_handler.h"

#include "objstore/access/bucket_access.h"
#include "objstore/object/bucket_settings.h"
#include "tests/unit/s3/s3_fixture.h"

namespace strata::website {
namespace {

using object::BucketSetting;
using s3::Headers;
using s3::Reply;

class Website : public testing::ObjectFixture {
 protected:
  Website() {
    open_to_everybody(R"("s3:GetObject")", "/*");
    configure(
        "<IndexDocument><Suffix>index.html</Suffix></IndexDocument>"
        "<ErrorDocument><Key>error.html</Key></ErrorDocument>");
    EXPECT_TRUE(put("index.html", "home").ok());
    EXPECT_TRUE(put("docs/index.html", "docs").ok());
  }

  void set(BucketSetting kind, std::string document) {
    ASSERT_TRUE(run(objects.set_bucket_setting("bucket", kind, std::move(document))).ok());
  }
  void open_to_everybody(const std::string& action, const std::string& below,
                         const std::string& condition = "{}") {
    set(BucketSetting::kPublicAccessBlock, std::string(access::kDeleted));
    set(BucketSetting::kPolicy,
        R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":)" +
            action + R"(,"Resource":"arn:aws:s3:::bucket)" + below + R"(","Condition":)" +
            condition + "}]}");
  }
  void configure(const std::string& inside) {
    const auto parsed =
        settings::parse_website("<WebsiteConfiguration>" + inside + "</WebsiteConfiguration>");
    ASSERT_TRUE(parsed.ok()) << parsed.error().to_string();
    set(BucketSetting::kWebsite, settings::render_website(*parsed));
  }

  Reply visit(const std::string& path, Headers headers = {}, const std::string& method = "GET",
              const std::string& host = "bucket.s3-website.localhost") {
    http::RequestHead head;
    head.method = method;
    head.path = head.target = path;
    head.fields.add("host", host);
    for (auto& [name, value] : headers) head.fields.add(name, value);
    s3::FakeExchange exchange(std::move(head), "", 777);
    const Result<void> done = async::run_until_complete(*loop, handler_.handle(exchange));
    CHECK(done.ok() && exchange.responded());
    return {exchange.answer->status, exchange.answer->fields, std::move(exchange.sent),
            exchange.announced};
  }
  std::string location(const std::string& path, int status) {
    const Reply reply = visit(path);
    EXPECT_EQ(reply.status, status) << reply.body;
    return std::string(reply.fields.get("location"));
  }

  WebsiteHandler handler_{objects, Config{.domains = {"localhost"}}, clock, random};
};

TEST_F(Website, the_root_and_folders_show_their_index_documents) {
  EXPECT_EQ(visit("/").body, "home");
  EXPECT_EQ(visit("/docs/").body, "docs");
  EXPECT_EQ(visit("/index.html").body, "home");
  EXPECT_EQ(visit("/bucket/", {}, "GET", "127.0.0.1:9002").body, "home");
  EXPECT_EQ(location("/docs", 302), "/docs/");
}

TEST_F(Website, what_is_missing_is_told_only_to_who_may_list) {
  const Reply hidden = visit("/none");
  EXPECT_EQ(hidden.status, 403);
  EXPECT_EQ(hidden.fields.get("x-amz-error-code"), "AccessDenied");
  open_to_everybody(R"(["s3:GetObject","s3:ListBucket"])", "*");
  const Reply missing = visit("/none");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.fields.get("x-amz-error-code"), "NoSuchKey");
  EXPECT_EQ(missing.fields.get("content-type"), "text/html; charset=utf-8");
}

TEST_F(Website, what_not_everybody_may_read_is_refused) {
  open_to_everybody(R"("s3:GetObject")", "/docs/*");
  EXPECT_EQ(visit("/").status, 403);
  EXPECT_EQ(visit("/docs/").status, 200);
  set(BucketSetting::kPublicAccessBlock,
      access::encode_public_access_block(access::PublicAccessBlock{}));
  EXPECT_EQ(visit("/docs/").status, 403) << "public policies do not count";
}

TEST_F(Website, conditions_of_the_policy_see_the_visitor) {
  open_to_everybody(R"("s3:GetObject")", "/*",
                    R"({"StringLike":{"aws:Referer":"https://example.com/*"}})");
  EXPECT_EQ(visit("/").status, 403);
  EXPECT_EQ(visit("/", {{"referer", "https://example.com/a"}}).status, 200);
  open_to_everybody(R"("s3:GetObject")", "/*", R"({"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}})");
  EXPECT_EQ(visit("/").status, 200);
  open_to_everybody(R"("s3:GetObject")", "/*", R"({"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}})");
  EXPECT_EQ(visit("/").status, 403);
}

TEST_F(Website, an_error_shows_the_error_document_with_the_status_of_the_error) {
  ASSERT_TRUE(put("error.html", "sorry").ok());
  const Reply reply = visit("/none");
  EXPECT_EQ(reply.status, 403);
  EXPECT_EQ(reply.body, "sorry");
  EXPECT_EQ(reply.fields.get("x-amz-error-code"), "AccessDenied");
}

TEST_F(Website, redirects_come_from_the_configuration_and_from_objects) {
  object::Attributes moved;
  moved.website_redirect_location = "/docs/";
  ASSERT_TRUE(put("old", "", {}, std::move(moved)).ok());
  EXPECT_EQ(location("/old", 301), "/docs/");
  configure(
      "<IndexDocument><Suffix>index.html</Suffix></IndexDocument><RoutingRules><RoutingRule>"
      "<Condition><KeyPrefixEquals>a/</KeyPrefixEquals></Condition><Redirect>"
      "<ReplaceKeyPrefixWith>b/</ReplaceKeyPrefixWith></Redirect></RoutingRule><RoutingRule>"
      "<Condition><HttpErrorCodeReturnedEquals>403</HttpErrorCodeReturnedEquals></Condition>"
      "<Redirect><HostName>example.com</HostName><HttpRedirectCode>302</HttpRedirectCode>"
      "</Redirect></RoutingRule></RoutingRules>");
  EXPECT_EQ(location("/a/x", 301), "http://bucket.s3-website.localhost/b/x");
  EXPECT_EQ(location("/none", 302), "http://example.com/none");
  configure(
      "<RedirectAllRequestsTo><HostName>example.org</HostName><Protocol>https</Protocol>"
      "</RedirectAllRequestsTo>");
  EXPECT_EQ(location("/x", 301), "https://example.org/x");
}

TEST_F(Website, ranges_conditions_and_head_work_as_on_any_web_server) {
  const Reply whole = visit("/");
  EXPECT_EQ(whole.status, 200);
  const Reply part = visit("/", {{"range", "bytes=1-2"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "om");
  EXPECT_EQ(visit("/", {{"if-none-match", std::string(whole.fields.get("etag"))}}).status, 304);
  const Reply head = visit("/", {}, "HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.announced, 4U);
  const Reply post = visit("/", {}, "POST");
  EXPECT_EQ(post.status, 405);
  EXPECT_EQ(post.fields.get("allow"), "GET, HEAD");
}

TEST_F(Website, what_a_list_opens_is_not_modified_for_who_has_it) {
  set(BucketSetting::kPolicy, R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow",)"
                              R"("Principal":"*","Action":"s3:GetObject",)"
                              R"("Resource":"arn:aws:s3:::bucket/nothing"}]})");
  set(BucketSetting::kOwnership, "ObjectWriter");
  const access::Acl everybody =
      *access::canned_acl("public-read", access::AclOf::kObject, "owner", "owner");
  ASSERT_TRUE(
      run(objects.set_acl({"bucket", "index.html", {}}, access::encode_acl(everybody))).ok());
  const Reply whole = visit("/");
  ASSERT_EQ(whole.status, 200);
  const std::string etag(whole.fields.get("etag"));
  const Reply again = visit("/", {{"if-none-match", etag}});
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.fields.get("etag"), etag);
  EXPECT_EQ(visit("/", {{"if-match", "\"other\""}}).status, 412);
  EXPECT_EQ(visit("/docs/", {{"if-none-match", "*"}}).status, 403);
}

TEST_F(Website, a_bucket_without_a_website_shows_nothing) {
  ASSERT_TRUE(
      run(objects.set_bucket_setting("bucket", BucketSetting::kWebsite, std::nullopt)).ok());
  const Reply none = visit("/");
  EXPECT_EQ(none.status, 404);
  EXPECT_EQ(none.fields.get("x-amz-error-code"), "NoSuchWebsiteConfiguration");
  EXPECT_EQ(visit("/", {}, "GET", "nobody.localhost").fields.get("x-amz-error-code"),
            "NoSuchBucket");
}

}  // namespace
}  // namespace strata::website
