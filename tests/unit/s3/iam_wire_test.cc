// IAM and STS on the S3 port, and what the users they make may then do.
#include "tests/unit/s3/iam_wire_fixture.h"

namespace strata::s3 {
namespace {

TEST_F(IamWire, a_user_may_do_what_its_policy_allows) {
  ASSERT_EQ(put("/bucket/key", "bytes").status, 200);
  const sigv4::Keys alice = user("alice", R"(["s3:GetObject","s3:ListBucket"])");
  EXPECT_EQ(as(alice, "GET", "/bucket/key").body, "bytes");
  EXPECT_EQ(as(alice, "PUT", "/bucket/key", "x").code(), "AccessDenied");
  EXPECT_EQ(as(alice, "DELETE", "/bucket/key").status, 403);
  EXPECT_EQ(as(alice, "GET", "/").code(), "AccessDenied");
}

TEST_F(IamWire, what_is_missing_is_told_only_to_whoever_may_list) {
  const sigv4::Keys alice = user("alice", R"(["s3:GetObject","s3:ListBucket"])");
  const sigv4::Keys bob = user("bob", R"(["s3:GetObject"])");
  EXPECT_EQ(as(alice, "GET", "/bucket/missing").code(), "NoSuchKey");
  EXPECT_EQ(as(bob, "GET", "/bucket/missing").code(), "AccessDenied");
  EXPECT_EQ(as(bob, "HEAD", "/bucket/missing").status, 403);
}

TEST_F(IamWire, conditions_are_asked_of_the_request) {
  ASSERT_EQ(put("/bucket/key", "bytes").status, 200);
  const sigv4::Keys near =
      user("near", R"("s3:GetObject")", R"({"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}})");
  const sigv4::Keys far =
      user("far", R"("s3:GetObject")", R"({"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}})");
  const sigv4::Keys safe =
      user("safe", R"("s3:GetObject")", R"({"Bool":{"aws:SecureTransport":"true"}})");
  EXPECT_EQ(as(near, "GET", "/bucket/key").status, 200);
  EXPECT_EQ(as(far, "GET", "/bucket/key").status, 403);
  EXPECT_EQ(as(safe, "GET", "/bucket/key").status, 403);
}

TEST_F(IamWire, a_policy_may_ask_for_the_callers_tags) {
  ASSERT_EQ(put("/bucket/key", "bytes").status, 200);
  const sigv4::Keys alice =
      user("alice", R"("s3:GetObject")", R"({"StringEquals":{"aws:PrincipalTag/team":"blue"}})");
  EXPECT_EQ(as(alice, "GET", "/bucket/key").status, 403);
  ASSERT_EQ(query("Action=TagUser&Version=2010-05-08&UserName=alice&Tags.member.1.Key=Team"
                  "&Tags.member.1.Value=blue")
                .status,
            200);
  EXPECT_EQ(as(alice, "GET", "/bucket/key").status, 200);
}

TEST_F(IamWire, temporary_keys_need_their_token_while_it_lives) {
  ASSERT_EQ(put("/bucket/key", "bytes").status, 200);
  const sigv4::Keys alice = user("alice", R"("s3:GetObject")");
  const sigv4::Keys session =
      keys_of(query("Action=GetSessionToken&Version=2011-06-15&DurationSeconds=900", alice, "sts"),
              "Credentials");
  EXPECT_EQ(as(session, "GET", "/bucket/key").status, 200);
  sigv4::Keys bare = session;
  bare.session_token = "";
  EXPECT_EQ(as(bare, "GET", "/bucket/key").code(), "InvalidAccessKeyId");
  sigv4::Keys wrong = session;
  wrong.session_token[3] = wrong.session_token[3] == 'A' ? 'B' : 'A';
  EXPECT_EQ(as(wrong, "GET", "/bucket/key").code(), "InvalidToken");
  sigv4::Keys permanent = alice;
  permanent.session_token = session.session_token;
  EXPECT_EQ(as(permanent, "GET", "/bucket/key").code(), "InvalidToken");
  clock_.now += std::chrono::seconds(901);
  EXPECT_EQ(as(session, "GET", "/bucket/key").code(), "ExpiredToken");
}

TEST_F(IamWire, calls_are_authenticated_over_their_whole_form) {
  EXPECT_EQ(iam_code(query("Action=ListUsers&Version=2010-05-08", {kKey, "wrong secret", ""})),
            "SignatureDoesNotMatch");
  EXPECT_EQ(iam_code(query("Action=ListUsers&Version=2010-05-08", {"NOBODY", "secretsecret", ""})),
            "InvalidClientTokenId");
  EXPECT_EQ(query("Action=ListUsers&Version=2010-05-08", kRootKeys, "s3").status, 403);
  http::RequestHead head;
  head.method = "POST";
  head.path = "/";
  head.target = "/";
  head.fields.add("content-type", "application/x-www-form-urlencoded");
  head.content_length = 35;
  EXPECT_EQ(iam_code(send_raw(head, "Action=ListUsers&Version=2010-05-08")),
            "MissingAuthenticationToken");
}

}  // namespace
}  // namespace strata::s3
