// Bucket policies, access control lists, ownership and the public access block on the wire.
#include "tests/unit/s3/iam_wire_fixture.h"

namespace strata::s3 {
namespace {

class AccessWire : public IamWire {
 protected:
  static std::string policy(const std::string& principal, const std::string& actions,
                            const std::string& bucket = "bucket") {
    return R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":)" + principal +
           R"(,"Action":)" + actions + R"(,"Resource":["arn:aws:s3:::)" + bucket +
           R"(","arn:aws:s3:::)" + bucket + R"(/*"]}]})";
  }
  Reply root(std::string method, const std::string& target, std::string body = "",
             Headers headers = {}) {
    return as(kRootKeys, std::move(method), target, std::move(body), std::move(headers));
  }
  // A bucket where lists count and nothing is blocked.
  void open_bucket(const std::string& name) {
    ASSERT_EQ(root("PUT", "/" + name, "", {{"x-amz-object-ownership", "ObjectWriter"}}).status,
              200);
    ASSERT_EQ(root("DELETE", "/" + name + "?publicAccessBlock=").status, 204);
  }
  static size_t grants_in(const Reply& reply) {
    const auto xml = codec::parse_xml(reply.body);
    EXPECT_TRUE(xml.ok()) << reply.body;
    return xml.ok() && xml->child("AccessControlList") != nullptr
               ? xml->child("AccessControlList")->children.size()
               : 0;
  }
};

constexpr const char* kGet = R"("s3:GetObject")";
constexpr const char* kEverybody = R"("*")";

TEST_F(AccessWire, a_new_bucket_is_closed_as_on_aws) {
  EXPECT_EQ(grants_in(root("GET", "/bucket?acl=")), 1U);
  EXPECT_EQ(root("PUT", "/bucket?acl=", "", {{"x-amz-acl", "public-read"}}).code(),
            "AccessControlListNotSupported");
  EXPECT_EQ(root("PUT", "/bucket/key", "x", {{"x-amz-acl", "public-read"}}).code(),
            "AccessControlListNotSupported");
  // As rclone up to 1.60 puts every object.
  EXPECT_EQ(root("PUT", "/bucket/key", "x", {{"x-amz-acl", "private"}}).status, 200);
  EXPECT_EQ(root("PUT", "/bucket/key", "x", {{"x-amz-acl", "bucket-owner-full-control"}}).status,
            200);
  EXPECT_EQ(root("PUT", "/bucket?policy=", policy(kEverybody, kGet)).code(), "AccessDenied");
  EXPECT_EQ(root("GET", "/bucket?policy=").code(), "NoSuchBucketPolicy");
  EXPECT_EQ(root("GET", "/bucket?policyStatus=").code(), "NoSuchBucketPolicy");
  EXPECT_NE(root("GET", "/bucket?publicAccessBlock=").body.find("<BlockPublicPolicy>true<"),
            std::string::npos);
  EXPECT_NE(root("GET", "/bucket?ownershipControls=").body.find("BucketOwnerEnforced"),
            std::string::npos);
  EXPECT_EQ(root("PUT", "/other", "", {{"x-amz-acl", "public-read"}}).code(),
            "InvalidBucketAclWithObjectOwnership");
  EXPECT_EQ(root("PUT", "/other", "",
                 {{"x-amz-acl", "public-read"}, {"x-amz-object-ownership", "ObjectWriter"}})
                .code(),
            "InvalidBucketAclWithBlockPublicAccessError");
}

TEST_F(AccessWire, a_public_policy_opens_what_it_names_once_nothing_blocks_it) {
  ASSERT_EQ(root("PUT", "/bucket/key", "bytes").status, 200);
  EXPECT_EQ(anonymous("GET", "/bucket/key").code(), "AccessDenied");
  ASSERT_EQ(root("DELETE", "/bucket?publicAccessBlock=").status, 204);
  EXPECT_EQ(root("GET", "/bucket?publicAccessBlock=").code(),
            "NoSuchPublicAccessBlockConfiguration");
  const std::string document = policy(kEverybody, kGet);
  ASSERT_EQ(root("PUT", "/bucket?policy=", document).status, 204);
  EXPECT_EQ(root("GET", "/bucket?policy=").body, document);
  EXPECT_NE(root("GET", "/bucket?policyStatus=").body.find("<IsPublic>true<"), std::string::npos);
  EXPECT_EQ(anonymous("GET", "/bucket/key").body, "bytes");
  EXPECT_EQ(anonymous("GET", "/bucket/missing").code(), "AccessDenied");
  EXPECT_EQ(anonymous("PUT", "/bucket/key", "x").code(), "AccessDenied");
  EXPECT_EQ(anonymous("GET", "/bucket").code(), "AccessDenied");
  EXPECT_EQ(anonymous("GET", "/nobucket/key").code(), "NoSuchBucket");
  const std::string restrict =
      "<PublicAccessBlockConfiguration><RestrictPublicBuckets>true</RestrictPublicBuckets>"
      "</PublicAccessBlockConfiguration>";
  ASSERT_EQ(root("PUT", "/bucket?publicAccessBlock=", restrict).status, 200);
  EXPECT_EQ(anonymous("GET", "/bucket/key").code(), "AccessDenied");
  ASSERT_EQ(root("DELETE", "/bucket?publicAccessBlock=").status, 204);
  ASSERT_EQ(root("DELETE", "/bucket?policy=").status, 204);
  EXPECT_EQ(anonymous("GET", "/bucket/key").code(), "AccessDenied");
}

TEST_F(AccessWire, a_policy_is_shown_and_changed_only_for_its_own_account) {
  const sigv4::Keys other = account("other");
  const std::string everything =
      policy(R"({"AWS":")" + accounts_["other"].id + R"("})", R"("s3:*")");
  ASSERT_EQ(root("PUT", "/bucket?policy=", everything).status, 204);
  EXPECT_EQ(as(other, "GET", "/bucket").status, 200);
  EXPECT_EQ(as(other, "GET", "/bucket?policy=").status, 405);
  EXPECT_EQ(as(other, "PUT", "/bucket?policy=", everything).status, 405);
  EXPECT_EQ(as(other, "DELETE", "/bucket?policy=").code(), "MethodNotAllowed");
  EXPECT_EQ(root("GET", "/bucket?policy=").status, 200);
}

TEST_F(AccessWire, a_policy_has_to_be_one_for_this_bucket) {
  EXPECT_EQ(root("PUT", "/bucket?policy=", "{").code(), "MalformedPolicy");
  EXPECT_EQ(root("PUT", "/bucket?policy=", policy(R"({"AWS":"999999999999"})", kGet)).code(),
            "MalformedPolicy");
  EXPECT_EQ(
      root("PUT", "/bucket?policy=", policy(R"({"AWS":"000000000001"})", kGet, "other")).code(),
      "MalformedPolicy");
  EXPECT_EQ(root("PUT", "/bucket?policy=", "").code(), "MissingRequestBodyError");
}

TEST_F(AccessWire, a_denial_of_the_bucket_binds_its_own_users_and_root) {
  ASSERT_EQ(root("PUT", "/bucket/key", "bytes").status, 200);
  const sigv4::Keys alice = user("alice", R"("s3:*")");
  std::string document = policy(kEverybody, kGet);
  document.replace(document.find("Allow"), 5, "Deny");
  ASSERT_EQ(root("PUT", "/bucket?policy=", document).status, 204);
  EXPECT_EQ(as(alice, "GET", "/bucket/key").code(), "AccessDenied");
  EXPECT_EQ(root("GET", "/bucket/key").code(), "AccessDenied");
  EXPECT_EQ(as(alice, "PUT", "/bucket/key", "more").status, 200);
  ASSERT_EQ(root("DELETE", "/bucket?policy=").status, 204);
  EXPECT_EQ(as(alice, "GET", "/bucket/key").body, "more");
}

TEST_F(AccessWire, accounts_are_closed_to_each_other_until_a_policy_opens_them) {
  ASSERT_EQ(root("PUT", "/bucket/key", "bytes").status, 200);
  const sigv4::Keys other = account("other");
  EXPECT_EQ(as(other, "GET", "/bucket/key").code(), "AccessDenied");
  EXPECT_EQ(as(other, "HEAD", "/bucket").status, 403);
  EXPECT_EQ(as(other, "PUT", "/bucket").code(), "BucketAlreadyExists");
  ASSERT_EQ(as(other, "PUT", "/theirs").status, 200);
  EXPECT_EQ(root("GET", "/theirs").code(), "AccessDenied");
  const std::string theirs = as(other, "GET", "/").body;
  EXPECT_NE(theirs.find("<Name>theirs<"), std::string::npos);
  EXPECT_EQ(theirs.find("<Name>bucket<"), std::string::npos);
  EXPECT_NE(theirs.find(accounts_["other"].canonical_id), std::string::npos);
  EXPECT_EQ(root("GET", "/").body.find("<Name>theirs<"), std::string::npos);
  ASSERT_EQ(
      root("PUT", "/bucket?policy=", policy(R"({"AWS":")" + accounts_["other"].id + R"("})", kGet))
          .status,
      204);
  EXPECT_EQ(as(other, "GET", "/bucket/key").body, "bytes");
  EXPECT_EQ(as(other, "GET", "/bucket").code(), "AccessDenied");
  EXPECT_EQ(
      as(other, "GET", "/bucket/key", "", {{"x-amz-expected-bucket-owner", accounts_["other"].id}})
          .code(),
      "AccessDenied");
  EXPECT_EQ(
      as(other, "GET", "/bucket/key", "", {{"x-amz-expected-bucket-owner", "000000000001"}}).status,
      200);
}

TEST_F(AccessWire, lists_grant_to_accounts_and_to_everybody_where_they_count) {
  open_bucket("open");
  const sigv4::Keys other = account("other");
  const std::string& id = accounts_["other"].canonical_id;
  ASSERT_EQ(root("PUT", "/open/public", "bytes", {{"x-amz-acl", "public-read"}}).status, 200);
  EXPECT_EQ(anonymous("GET", "/open/public").body, "bytes");
  EXPECT_EQ(grants_in(root("GET", "/open/public?acl=")), 2U);
  ASSERT_EQ(root("PUT", "/open/shared", "bytes", {{"x-amz-grant-read", "id=" + id}}).status, 200);
  EXPECT_EQ(as(other, "GET", "/open/shared").body, "bytes");
  EXPECT_EQ(anonymous("GET", "/open/shared").code(), "AccessDenied");
  EXPECT_EQ(root("PUT", "/open/x", "", {{"x-amz-grant-read", "id=" + std::string(64, 'a')}}).code(),
            "InvalidArgument");
  EXPECT_EQ(root("PUT", "/open/x", "", {{"x-amz-grant-read", "emailAddress=a@b.c"}}).code(),
            "UnresolvableGrantByEmailAddress");
  EXPECT_EQ(root("PUT", "/open/x", "", {{"x-amz-acl", "private"}, {"x-amz-grant-read", "id=" + id}})
                .code(),
            "InvalidRequest");
  ASSERT_EQ(root("PUT", "/open/shared?acl=", "", {{"x-amz-acl", "private"}}).status, 200);
  EXPECT_EQ(as(other, "GET", "/open/shared").code(), "AccessDenied");
  ASSERT_EQ(root("PUT", "/open?acl=", "", {{"x-amz-grant-write", "id=" + id}}).status, 200);
  EXPECT_EQ(as(other, "GET", "/open").code(), "AccessDenied");
  ASSERT_EQ(as(other, "PUT", "/open/theirs", "mine").status, 200);
  EXPECT_EQ(root("GET", "/open/theirs").code(), "AccessDenied");
  EXPECT_EQ(as(other, "GET", "/open/theirs").body, "mine");
  ASSERT_EQ(
      as(other, "PUT", "/open/given", "ours", {{"x-amz-acl", "bucket-owner-full-control"}}).status,
      200);
  EXPECT_EQ(root("GET", "/open/given").body, "ours");
  EXPECT_EQ(root("DELETE", "/open/theirs").status, 204);
  const std::string ignore =
      "<PublicAccessBlockConfiguration><IgnorePublicAcls>true</IgnorePublicAcls>"
      "<BlockPublicAcls>true</BlockPublicAcls></PublicAccessBlockConfiguration>";
  ASSERT_EQ(root("PUT", "/open?publicAccessBlock=", ignore).status, 200);
  EXPECT_EQ(anonymous("GET", "/open/public").code(), "AccessDenied");
  EXPECT_EQ(root("PUT", "/open/y", "", {{"x-amz-acl", "public-read"}}).code(), "AccessDenied");
}

TEST_F(AccessWire, a_list_may_come_as_a_document) {
  open_bucket("open");
  const std::string document = root("GET", "/open?acl=").body;
  EXPECT_EQ(root("PUT", "/open?acl=", document).status, 200);
  std::string of_another = document;
  of_another.replace(of_another.find("<ID>") + 4, 4, "0000");
  EXPECT_EQ(root("PUT", "/open?acl=", of_another).code(), "AccessDenied");
  EXPECT_EQ(root("PUT", "/open?acl=", "<AccessControlPolicy/>").code(), "MalformedACLError");
  EXPECT_EQ(root("PUT", "/open?acl=", "").code(), "MissingSecurityHeader");
  EXPECT_EQ(root("PUT", "/open?acl=", document, {{"x-amz-acl", "private"}}).code(),
            "UnexpectedContent");
}

TEST_F(AccessWire, ownership_is_enforced_only_without_other_grants) {
  open_bucket("open");
  ASSERT_EQ(root("PUT", "/open?acl=", "", {{"x-amz-acl", "public-read"}}).status, 200);
  EXPECT_EQ(anonymous("GET", "/open").status, 200);
  const std::string enforced =
      "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule>"
      "</OwnershipControls>";
  EXPECT_EQ(root("PUT", "/open?ownershipControls=", enforced).code(),
            "InvalidBucketAclWithObjectOwnership");
  ASSERT_EQ(root("PUT", "/open?acl=", "", {{"x-amz-acl", "private"}}).status, 200);
  EXPECT_EQ(root("PUT", "/open?ownershipControls=", enforced).status, 200);
  EXPECT_EQ(root("DELETE", "/open?ownershipControls=").status, 204);
  EXPECT_EQ(root("GET", "/open?ownershipControls=").code(), "OwnershipControlsNotFoundError");
  EXPECT_EQ(root("PUT", "/open?ownershipControls=", "<OwnershipControls/>").code(), "MalformedXML");
}

TEST_F(AccessWire, versions_have_actions_of_their_own) {
  ASSERT_EQ(root("PUT", "/bucket/key", "bytes").status, 200);
  const sigv4::Keys current = user("current", kGet);
  const sigv4::Keys versions = user("versions", R"("s3:GetObjectVersion")");
  EXPECT_EQ(as(current, "GET", "/bucket/key").status, 200);
  EXPECT_EQ(as(current, "GET", "/bucket/key?versionId=null").code(), "AccessDenied");
  EXPECT_EQ(as(versions, "GET", "/bucket/key?versionId=null").status, 200);
  EXPECT_EQ(as(versions, "GET", "/bucket/key").code(), "AccessDenied");
}

TEST_F(AccessWire, the_tags_of_an_object_may_decide) {
  ASSERT_EQ(root("PUT", "/bucket/good", "bytes", {{"x-amz-tagging", "project=x"}}).status, 200);
  ASSERT_EQ(root("PUT", "/bucket/bad", "bytes", {{"x-amz-tagging", "project=y"}}).status, 200);
  const sigv4::Keys alice =
      user("alice", kGet, R"({"StringEquals":{"s3:ExistingObjectTag/project":"x"}})");
  EXPECT_EQ(as(alice, "GET", "/bucket/good").status, 200);
  EXPECT_EQ(as(alice, "GET", "/bucket/bad").code(), "AccessDenied");
}

TEST_F(AccessWire, a_copy_takes_tags_along_only_for_whoever_may_read_and_give_them) {
  ASSERT_EQ(root("PUT", "/bucket/tagged", "x", {{"x-amz-tagging", "a=1"}}).status, 200);
  ASSERT_EQ(root("PUT", "/bucket/plain", "x").status, 200);
  const sigv4::Keys bare = user("bare", R"(["s3:GetObject","s3:PutObject"])");
  const sigv4::Keys reads = user("reads", R"(["s3:*Object","s3:GetObjectTagging"])");
  const sigv4::Keys both =
      user("both", R"(["s3:*Object","s3:GetObjectTagging","s3:PutObjectTagging"])");
  const auto copy = [&](const sigv4::Keys& keys, const std::string& source,
                        const std::string& directive) {
    return as(keys, "PUT", "/bucket/copy", "",
              {{"x-amz-copy-source", source}, {"x-amz-tagging-directive", directive}})
        .status;
  };
  EXPECT_EQ(copy(bare, "/bucket/plain", "COPY"), 200);
  EXPECT_EQ(copy(bare, "/bucket/tagged", "REPLACE"), 200);
  EXPECT_EQ(copy(bare, "/bucket/tagged", "COPY"), 403);
  EXPECT_EQ(copy(reads, "/bucket/tagged", "COPY"), 403);
  EXPECT_EQ(copy(both, "/bucket/tagged", "COPY"), 200);
}

TEST_F(AccessWire, whoever_states_an_etag_has_to_be_allowed_to_read) {
  const Reply made = root("PUT", "/bucket/key", "x");
  const std::string etag(made.fields.get("etag"));
  const sigv4::Keys writer = user("writer", R"(["s3:PutObject","s3:DeleteObject"])");
  EXPECT_EQ(as(writer, "PUT", "/bucket/key", "x", {{"if-match", etag}}).code(), "AccessDenied");
  EXPECT_EQ(as(writer, "DELETE", "/bucket/key", "", {{"if-match", etag}}).code(), "AccessDenied");
  EXPECT_EQ(as(writer, "PUT", "/bucket/new", "x", {{"if-none-match", "*"}}).status, 200);
  const sigv4::Keys both = user("both", R"(["s3:PutObject","s3:DeleteObject","s3:GetObject"])");
  EXPECT_EQ(as(both, "PUT", "/bucket/key", "x", {{"if-match", etag}}).status, 200);
  EXPECT_EQ(as(both, "DELETE", "/bucket/key", "", {{"if-match", etag}}).status, 204);
}

TEST_F(AccessWire, a_copy_needs_to_read_its_source) {
  ASSERT_EQ(root("PUT", "/second").status, 200);
  ASSERT_EQ(root("PUT", "/second/secret", "bytes").status, 200);
  ASSERT_EQ(root("PUT", "/bucket/key", "bytes").status, 200);
  const sigv4::Keys alice = user("alice", R"("s3:*")");
  const auto copy = [&](const std::string& source) {
    return as(alice, "PUT", "/bucket/copy", "", {{"x-amz-copy-source", source}});
  };
  EXPECT_EQ(copy("/bucket/key").status, 200);
  EXPECT_EQ(copy("/second/secret").code(), "AccessDenied");
  EXPECT_EQ(copy("/second/missing").code(), "AccessDenied");
  EXPECT_EQ(copy("/bucket/missing").code(), "NoSuchKey");
  EXPECT_EQ(as(alice, "PUT", "/bucket/copy", "",
               {{"x-amz-copy-source", "/bucket/key"},
                {"x-amz-source-expected-bucket-owner", "123456789012"}})
                .code(),
            "AccessDenied");
}

}  // namespace
}  // namespace strata::s3
