// Answers that programs written for AWS count on, each of which was once another here.
#include "tests/unit/s3/iam_wire_fixture.h"

namespace strata::s3 {
namespace {

class AwsAnswers : public IamWire {
 protected:
  Reply root(std::string method, const std::string& target, std::string body = "",
             Headers headers = {}) {
    return as(kRootKeys, std::move(method), target, std::move(body), std::move(headers));
  }
  static bool has(const Reply& reply, std::string_view text) {
    return reply.body.find(text) != std::string::npos;
  }
  void serve(std::string region, NewBuckets kind) {
    Config config;
    config.region = std::move(region);
    config.new_buckets = kind;
    make_handler(std::move(config));
  }
};

TEST_F(AwsAnswers, a_bucket_is_made_again_in_us_east_1_only) {
  EXPECT_EQ(root("PUT", "/bucket").status, 200);
  EXPECT_EQ(root("PUT", "/bucket", "", {{"x-amz-bucket-object-lock-enabled", "true"}}).code(),
            "BucketAlreadyOwnedByYou");
  EXPECT_EQ(root("PUT", "/bucket", "", {{"x-amz-object-ownership", "ObjectWriter"}}).code(),
            "BucketAlreadyOwnedByYou");
  EXPECT_EQ(as(account("other"), "PUT", "/bucket").code(), "BucketAlreadyExists");
  serve("eu-west-1", NewBuckets::kClosed);
  EXPECT_EQ(send({.method = "PUT", .path = "/bucket", .region = "eu-west-1"}).code(),
            "BucketAlreadyOwnedByYou");
}

TEST_F(AwsAnswers, a_bucket_that_is_made_again_has_the_new_list) {
  serve("us-east-1", NewBuckets::kOpen);
  const Headers open = {{"x-amz-acl", "public-read"}};
  ASSERT_EQ(root("PUT", "/open", "", open).status, 200);
  EXPECT_TRUE(has(root("GET", "/open?acl="), "AllUsers"));
  ASSERT_EQ(root("PUT", "/open").status, 200);
  EXPECT_FALSE(has(root("GET", "/open?acl="), "AllUsers"));
}

TEST_F(AwsAnswers, new_buckets_can_be_as_before_2023) {
  serve("us-east-1", NewBuckets::kOpen);
  ASSERT_EQ(root("PUT", "/open", "", {{"x-amz-acl", "public-read"}}).status, 200);
  EXPECT_EQ(root("GET", "/open?ownershipControls=").code(), "OwnershipControlsNotFoundError");
  EXPECT_EQ(root("GET", "/open?publicAccessBlock=").code(), "NoSuchPublicAccessBlockConfiguration");
  EXPECT_EQ(anonymous("GET", "/open").status, 200);
  ASSERT_EQ(root("PUT", "/open/k", "x", {{"x-amz-acl", "public-read"}}).status, 200);
  EXPECT_EQ(anonymous("GET", "/open/k").body, "x");
  ASSERT_EQ(root("PUT", "/shut", "", {{"x-amz-object-ownership", "BucketOwnerEnforced"}}).status,
            200);
  EXPECT_EQ(root("PUT", "/shut/k", "x", {{"x-amz-acl", "public-read"}}).code(),
            "AccessControlListNotSupported");
  // What was made before stays as it was.
  EXPECT_EQ(root("PUT", "/bucket/k", "x", {{"x-amz-acl", "public-read"}}).code(),
            "AccessControlListNotSupported");
}

TEST_F(AwsAnswers, a_location_that_no_region_has_is_invalid) {
  const auto create = [this](const std::string& region) {
    return root("PUT", "/elsewhere",
                "<CreateBucketConfiguration><LocationConstraint>" + region +
                    "</LocationConstraint></CreateBucketConfiguration>")
        .code();
  };
  EXPECT_EQ(create("nowhere"), "InvalidLocationConstraint");
  EXPECT_EQ(create("ap-southeast-2"), "IllegalLocationConstraintException");
  EXPECT_EQ(create("EU"), "IllegalLocationConstraintException");
}

TEST_F(AwsAnswers, what_was_never_configured_is_told_as_empty_or_missing) {
  EXPECT_TRUE(has(root("GET", "/bucket?notification="), "<NotificationConfiguration"));
  EXPECT_EQ(root("PUT", "/bucket?notification=", "<NotificationConfiguration/>").status, 200);
  EXPECT_EQ(root("PUT", "/bucket?notification=",
                 "<NotificationConfiguration><EventBridgeConfiguration/>"
                 "</NotificationConfiguration>")
                .code(),
            "NotImplemented");
  EXPECT_TRUE(has(root("GET", "/bucket?abac="), "<Status>Disabled<"));
  EXPECT_EQ(root("DELETE", "/bucket?replication=").status, 204);
  for (const char* kind : {"analytics", "inventory", "metrics", "intelligent-tiering"}) {
    const std::string target = "/bucket?" + std::string(kind) + "=";
    EXPECT_TRUE(has(root("GET", target), "<IsTruncated>false<")) << kind;
    EXPECT_EQ(root("GET", target + "&id=x").code(), "NoSuchConfiguration") << kind;
    EXPECT_EQ(root("DELETE", target + "&id=x").code(), "NoSuchConfiguration") << kind;
    EXPECT_EQ(root("PUT", target + "&id=x", "<X/>").code(), "NotImplemented") << kind;
  }
}

TEST_F(AwsAnswers, a_conditional_removal_of_nothing_finds_no_key) {
  EXPECT_EQ(root("DELETE", "/bucket/none", "", {{"if-match", "*"}}).code(), "NoSuchKey");
  EXPECT_EQ(root("DELETE", "/bucket/none", "", {{"if-match", "\"x\""}}).code(), "NoSuchKey");
  EXPECT_EQ(root("DELETE", "/bucket/none").status, 204);
}

TEST_F(AwsAnswers, owners_have_names) {
  ASSERT_EQ(root("PUT", "/bucket/k", "x").status, 200);
  for (const char* target :
       {"/bucket", "/bucket?versions=", "/bucket?acl=", "/bucket/k?acl=", "/"}) {
    EXPECT_TRUE(has(root("GET", target), "<DisplayName>root</DisplayName>")) << target;
  }
}

TEST_F(AwsAnswers, fields_with_a_wrong_form_have_their_own_errors) {
  EXPECT_EQ(root("GET", "/bucket", "", {{"x-amz-expected-bucket-owner", "me"}}).code(),
            "InvalidBucketOwnerAWSAccountID");
  EXPECT_EQ(root("GET", "/bucket", "", {{"x-amz-expected-bucket-owner", "123456789012"}}).code(),
            "AccessDenied");
  EXPECT_EQ(root("PUT", "/bucket/k", "", {{"x-amz-website-redirect-location", "there"}}).code(),
            "InvalidRedirectLocation");
  EXPECT_EQ(root("GET", "/?max-buckets=10001").code(), "InvalidArgument");
  EXPECT_EQ(root("GET", "/bucket?versions=&key-marker=k&version-id-marker=").code(),
            "InvalidArgument");
}

TEST_F(AwsAnswers, a_checksum_in_a_url_is_of_no_body) {
  Call upload{.method = "PUT", .path = "/bucket/k", .body = "bytes", .mode = Mode::kPresigned};
  upload.query = "x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32";
  EXPECT_EQ(send(upload).status, 200);
  EXPECT_EQ(get("/bucket/k").body, "bytes");
  upload.query.clear();
  upload.headers = {{"host", "localhost"}, {"x-amz-checksum-crc32", "AAAAAA=="}};
  EXPECT_EQ(send(upload).code(), "BadDigest");
}

TEST_F(AwsAnswers, start_after_does_not_end_the_prefix_that_it_is_in) {
  for (const char* key : {"/bucket/a", "/bucket/b/1", "/bucket/b/2", "/bucket/c"}) {
    ASSERT_EQ(root("PUT", key).status, 200);
  }
  const std::string list = "/bucket?list-type=2&delimiter=%2F&start-after=";
  EXPECT_TRUE(has(root("GET", list + "b%2F1"), "<Prefix>b/</Prefix>"));
  EXPECT_TRUE(has(root("GET", list + "b%2F1"), "<KeyCount>2<"));
  EXPECT_FALSE(has(root("GET", list + "b%2F2"), "<Prefix>b/</Prefix>"));
  EXPECT_FALSE(has(root("GET", "/bucket?delimiter=%2F&marker=b%2F1"), "<Prefix>b/</Prefix>"));
  const Reply first = root("GET", list + "b%2F1&max-keys=1");
  EXPECT_TRUE(has(first, "<IsTruncated>true<")) << first.body;
  const auto xml = codec::parse_xml(first.body);
  const std::string token(xml->child_text("NextContinuationToken"));
  const Reply second =
      root("GET", list + "b%2F1&continuation-token=" + codec::uri_encode(token, true));
  EXPECT_TRUE(has(second, "<Key>c<")) << second.body;
  EXPECT_TRUE(has(second, "<KeyCount>1<")) << second.body;
}

TEST_F(AwsAnswers, a_form_may_stand_in_a_url) {
  const auto call = [this](const std::string& form, std::string_view service) {
    sigv4::ClientRequest request{"GET", "/", form, {{"host", "localhost:9000"}}};
    EXPECT_TRUE(sigv4::sign_request(request, kRootKeys, "us-east-1", clock_.now,
                                    codec::to_hex(digest::sha256({})), service)
                    .ok());
    return send_raw(head_of(request, 0), "");
  };
  EXPECT_TRUE(has(call("Action=ListUsers&Version=2010-05-08", "iam"), "<ListUsersResult>"));
  EXPECT_TRUE(has(call("Action=GetCallerIdentity&Version=2011-06-15", "sts"), ":root</Arn>"));
  EXPECT_EQ(iam_code(call("Action=Invented&Version=2010-05-08", "iam")), "InvalidAction");
  sigv4::ClientRequest unsigned_call{
      "GET", "/", "Action=ListUsers&Version=2010-05-08", {{"host", "localhost"}}};
  EXPECT_EQ(iam_code(send_raw(head_of(unsigned_call, 0), "")), "MissingAuthenticationToken");
}

class AwsPolicies : public AwsAnswers {
 protected:
  // Denies the action on everything in the bucket under the condition.
  void deny(const std::string& action, const std::string& condition) {
    ASSERT_EQ(
        root("PUT", "/bucket?policy=",
             R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":")" +
                 action + R"(","Resource":"arn:aws:s3:::bucket/*","Condition":)" + condition +
                 "}]}")
            .status,
        204);
  }
  Reply tag(const std::string& key, const std::string& value) {
    return root("PUT", "/bucket/k?tagging=",
                "<Tagging><TagSet><Tag><Key>" + key + "</Key><Value>" + value +
                    "</Value></Tag></TagSet></Tagging>");
  }
};

TEST_F(AwsPolicies, the_tags_of_a_document_are_tags_of_the_request) {
  ASSERT_EQ(root("PUT", "/bucket/k", "x").status, 200);
  deny("s3:PutObjectTagging", R"({"StringNotEquals":{"s3:RequestObjectTag/level":"public"}})");
  EXPECT_EQ(tag("level", "secret").code(), "AccessDenied");
  EXPECT_EQ(tag("level", "public").status, 200);
  EXPECT_EQ(root("PUT", "/bucket/k?tagging=", "<x>").code(), "AccessDenied");
}

TEST_F(AwsPolicies, a_retention_can_be_bounded) {
  ASSERT_EQ(root("PUT", "/locked", "", {{"x-amz-bucket-object-lock-enabled", "true"}}).status, 200);
  ASSERT_EQ(root("PUT", "/locked/k", "x").status, 200);
  ASSERT_EQ(
      root("PUT", "/locked?policy=",
           R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":)"
           R"("s3:PutObjectRetention","Resource":"arn:aws:s3:::locked/*","Condition":)"
           R"({"NumericGreaterThan":{"s3:object-lock-remaining-retention-days":"10"}}}]})")
          .status,
      204);
  const auto retain = [this](int days) {
    const std::string until = codec::format_iso8601(clock_.now + std::chrono::hours(24 * days));
    return root("PUT", "/locked/k?retention=",
                "<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>" + until +
                    "</RetainUntilDate></Retention>");
  };
  EXPECT_EQ(retain(11).code(), "AccessDenied");
  EXPECT_EQ(retain(10).status, 200);
}

TEST_F(AwsPolicies, a_condition_can_be_demanded_of_what_makes_an_object) {
  deny("s3:PutObject",
       R"({"Null":{"s3:if-none-match":"true"},"Bool":{"s3:ObjectCreationOperation":"true"}})");
  EXPECT_EQ(root("PUT", "/bucket/k", "x").code(), "AccessDenied");
  EXPECT_EQ(root("PUT", "/bucket/k", "x", {{"if-none-match", "*"}}).status, 200);
  EXPECT_EQ(root("POST", "/bucket/mp?uploads=").status, 200);
}

TEST_F(AwsPolicies, whose_bucket_it_is_can_be_asked) {
  ASSERT_EQ(root("PUT", "/bucket/k", "x").status, 200);
  deny("s3:GetObject", R"({"StringNotEquals":{"aws:ResourceAccount":"000000000001"}})");
  EXPECT_EQ(root("GET", "/bucket/k").status, 200);
  deny("s3:GetObject", R"({"StringEquals":{"s3:ResourceAccount":"000000000001"}})");
  EXPECT_EQ(root("GET", "/bucket/k").code(), "AccessDenied");
}

}  // namespace
}  // namespace strata::s3
