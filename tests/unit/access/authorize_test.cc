#include "objstore/access/authorize.h"

#include <gtest/gtest.h>

#include "objstore/access/credentials.h"
#include "tests/unit/access/map_context.h"

namespace strata::access {
namespace {

const std::string kOurs = "111122223333";
const std::string kTheirs = "444455556666";
const std::string kOurId(64, 'a');
const std::string kTheirId(64, 'b');

NamedPolicy identity(const std::string& statement) {
  auto policy = parse_policy(R"({"Version":"2012-10-17","Statement":[)" + statement + "]}",
                             PolicyKind::kIdentity);
  EXPECT_TRUE(policy.ok()) << policy.error().message;
  return {"policy", std::make_shared<const Policy>(std::move(*policy))};
}

const std::string kAllowAll = R"({"Effect":"Allow","Action":"*","Resource":"*"})";

Caller user(const std::string& account, const std::vector<NamedPolicy>& policies = {}) {
  auto principal = std::make_shared<Principal>();
  principal->kind = CallerKind::kUser;
  principal->account = account;
  principal->canonical_id = account == kOurs ? kOurId : kTheirId;
  principal->arn = "arn:aws:iam::" + account + ":user/alice";
  principal->username = "alice";
  principal->policies = policies;
  return Caller::of(std::move(principal));
}

Caller session(const std::vector<NamedPolicy>& policies, const std::vector<NamedPolicy>& narrow) {
  auto principal = std::make_shared<Principal>();
  principal->kind = CallerKind::kRole;
  principal->account = kOurs;
  principal->canonical_id = kOurId;
  principal->arn = "arn:aws:sts::" + kOurs + ":assumed-role/reader/one";
  principal->role_arn = "arn:aws:iam::" + kOurs + ":role/reader";
  principal->policies = policies;
  principal->session_policies = narrow;
  principal->narrowed = !narrow.empty();
  return Caller::of(std::move(principal));
}

class Authorize : public ::testing::Test {
 protected:
  // A statement about the bucket "shelf" and all in it.
  void policy(const std::string& effect, const std::string& principal,
              const std::string& action = "s3:*", const std::string& condition = "{}") {
    documents_.push_back(R"({"Sid":"s)" + std::to_string(documents_.size()) + R"(","Effect":")" +
                         effect + R"(","Principal":)" + principal + R"(,"Action":")" + action +
                         R"(","Resource":["arn:aws:s3:::shelf","arn:aws:s3:::shelf/*"],)" +
                         R"("Condition":)" + condition + "}");
    std::string text = R"({"Version":"2012-10-17","Statement":[)";
    for (size_t i = 0; i < documents_.size(); ++i) text += (i == 0 ? "" : ",") + documents_[i];
    const std::string document = text + "]}";
    const std::string block = "0000";
    BucketDocuments given;
    given.policy = &document;
    given.public_access_block = &block;
    auto parsed = BucketAccess::parse("shelf", given);
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    const Ownership ownership = access_.ownership;
    const auto acl = access_.acl;
    access_ = std::move(*parsed);
    access_.ownership = ownership;
    access_.acl = acl;
  }

  bool may(const Caller& caller, std::string_view action = "s3:GetObject",
           std::string_view key = "book", const ObjectSide* object = nullptr) {
    return authorize(caller, action, {"shelf", key}, context_, {kOurs, access_, object}).allowed;
  }

  std::vector<std::string> documents_;
  BucketAccess access_;
  MapContext context_;
};

TEST_F(Authorize, the_owners_root_may_do_everything_and_others_nothing) {
  EXPECT_TRUE(may(Caller::root(kOurs)));
  EXPECT_FALSE(may(Caller::root(kTheirs)));
  EXPECT_FALSE(may(Caller::anonymous()));
  EXPECT_FALSE(may(user(kOurs)));
  EXPECT_TRUE(may(user(kOurs, {identity(kAllowAll)})));
  EXPECT_FALSE(may(user(kTheirs, {identity(kAllowAll)})));
}

TEST_F(Authorize, an_operation_without_an_action_is_denied_even_to_root) {
  EXPECT_FALSE(may(Caller::root(kOurs), ""));
}

TEST_F(Authorize, an_explicit_deny_ends_it_wherever_it_stands) {
  const auto deny = identity(R"({"Effect":"Deny","Action":"s3:GetObject","Resource":"*"})");
  EXPECT_FALSE(may(user(kOurs, {identity(kAllowAll), deny})));
  policy("Allow", R"("*")");
  EXPECT_FALSE(may(user(kOurs, {deny})));
  policy("Deny", R"({"AWS":")" + kOurs + R"("})");
  EXPECT_FALSE(may(Caller::root(kOurs)));
  EXPECT_FALSE(may(user(kOurs, {identity(kAllowAll)})));
  EXPECT_TRUE(may(Caller::anonymous()));
}

TEST_F(Authorize, the_owners_root_can_always_mend_the_policy) {
  policy("Deny", R"("*")");
  EXPECT_FALSE(may(Caller::root(kOurs), "s3:ListBucket", ""));
  EXPECT_TRUE(may(Caller::root(kOurs), "s3:PutBucketPolicy", ""));
  EXPECT_TRUE(may(Caller::root(kOurs), "s3:DeleteBucketPolicy", ""));
  EXPECT_FALSE(may(user(kOurs, {identity(kAllowAll)}), "s3:DeleteBucketPolicy", ""));
}

TEST_F(Authorize, within_an_account_either_side_is_enough_but_naming_the_account_is_not) {
  policy("Allow", R"({"AWS":")" + kOurs + R"("})");
  EXPECT_FALSE(may(user(kOurs)));
  policy("Allow", R"({"AWS":"arn:aws:iam::)" + kOurs + R"(:user/alice"})");
  EXPECT_TRUE(may(user(kOurs)));
}

TEST_F(Authorize, between_accounts_both_sides_have_to_allow) {
  policy("Allow", R"({"AWS":")" + kTheirs + R"("})", "s3:GetObject");
  EXPECT_TRUE(may(Caller::root(kTheirs)));
  EXPECT_FALSE(may(Caller::root(kTheirs), "s3:PutObject"));
  EXPECT_FALSE(may(user(kTheirs)));
  EXPECT_TRUE(may(user(kTheirs, {identity(kAllowAll)})));
}

TEST_F(Authorize, not_principal_spares_those_it_names) {
  policy("Allow", R"("*")");
  documents_.push_back(R"({"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::)" + kOurs +
                       R"(:user/alice"},"Action":"s3:*","Resource":"arn:aws:s3:::shelf/*"})");
  policy("Allow", R"("*")", "s3:GetObject");
  EXPECT_TRUE(may(user(kOurs)));
  EXPECT_FALSE(may(user(kTheirs, {identity(kAllowAll)})));
  EXPECT_FALSE(may(Caller::anonymous()));
}

TEST_F(Authorize, a_session_policy_takes_away_and_never_adds) {
  const auto read = identity(R"({"Effect":"Allow","Action":"s3:GetObject","Resource":"*"})");
  EXPECT_TRUE(may(session({identity(kAllowAll)}, {read})));
  EXPECT_FALSE(may(session({identity(kAllowAll)}, {read}), "s3:PutObject"));
  EXPECT_FALSE(may(session({}, {read})));
  // What the bucket allows to the role is narrowed too; what it allows to the session is not.
  policy("Allow", R"({"AWS":"arn:aws:iam::)" + kOurs + R"(:role/reader"})");
  EXPECT_FALSE(may(session({}, {read}), "s3:PutObject"));
  EXPECT_TRUE(may(session({}, {read})));
  policy("Allow", R"({"AWS":"arn:aws:sts::)" + kOurs + R"(:assumed-role/reader/one"})");
  EXPECT_TRUE(may(session({}, {read}), "s3:PutObject"));
}

TEST_F(Authorize, restricting_public_buckets_keeps_other_accounts_out_of_a_public_one) {
  policy("Allow", R"("*")");
  EXPECT_TRUE(may(Caller::anonymous()));
  access_.block.restrict_public_buckets = true;
  EXPECT_FALSE(may(Caller::anonymous()));
  EXPECT_FALSE(may(user(kTheirs, {identity(kAllowAll)})));
  EXPECT_TRUE(may(user(kOurs)));
}

TEST_F(Authorize, access_control_lists_count_only_where_ownership_lets_them) {
  access_.acl = canned_acl("public-read-write", AclOf::kBucket, kOurId, kOurId);
  access_.block = {false, false, false, false};
  EXPECT_FALSE(may(Caller::anonymous(), "s3:ListBucket", ""));
  access_.ownership = Ownership::kObjectWriter;
  EXPECT_TRUE(may(Caller::anonymous(), "s3:ListBucket", ""));
  EXPECT_TRUE(may(Caller::anonymous(), "s3:PutObject"));
  EXPECT_FALSE(may(Caller::anonymous(), "s3:GetBucketAcl", ""));
  access_.block.ignore_public_acls = true;
  EXPECT_FALSE(may(Caller::anonymous(), "s3:ListBucket", ""));
}

TEST_F(Authorize, an_object_of_another_account_is_closed_to_the_buckets_owner) {
  access_.ownership = Ownership::kObjectWriter;
  policy("Allow", R"("*")");
  ObjectSide object{kTheirs, private_acl(kTheirId)};
  EXPECT_FALSE(may(Caller::root(kOurs, kOurId), "s3:GetObject", "book", &object));
  EXPECT_FALSE(may(Caller::anonymous(), "s3:GetObject", "book", &object));
  EXPECT_TRUE(may(Caller::root(kTheirs), "s3:GetObject", "book", &object));
  EXPECT_TRUE(may(Caller::root(kOurs, kOurId), "s3:DeleteObject", "book", &object));
  object.acl = canned_acl("bucket-owner-read", AclOf::kObject, kTheirId, kOurId);
  EXPECT_TRUE(may(Caller::root(kOurs, kOurId), "s3:GetObject", "book", &object));
  object.acl = canned_acl("authenticated-read", AclOf::kObject, kTheirId, kOurId);
  EXPECT_TRUE(may(Caller::root(kOurs, kOurId), "s3:GetObject", "book", &object));
  EXPECT_FALSE(may(Caller::anonymous(), "s3:GetObject", "book", &object));
}

TEST_F(Authorize, every_decision_says_what_made_it) {
  policy("Allow", R"("*")", "s3:GetObject", R"({"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}})");
  Trace trace;
  const Decision denied = authorize(Caller::anonymous(), "s3:GetObject", {"shelf", "book"},
                                    context_, {kOurs, access_, nullptr}, &trace);
  EXPECT_EQ(denied.explain(), "denied: nothing is granted to anonymous callers");
  ASSERT_EQ(trace.size(), 1U);
  EXPECT_EQ(trace[0],
            "bucket policy of shelf, statement \"s0\" (Allow): does not apply, a condition does "
            "not hold: IpAddress aws:sourceip");
  context_ = MapContext(MapContext::Values{{"aws:sourceip", {"10.1.2.3"}}});
  const Decision allowed = authorize(Caller::anonymous(), "s3:GetObject", {"shelf", "book"},
                                     context_, {kOurs, access_, nullptr});
  EXPECT_EQ(allowed.explain(),
            "allowed: the resource's policy allows it to everyone (bucket policy of shelf, "
            "statement \"s0\")");
}

TEST(Resource, is_written_as_an_arn) {
  EXPECT_EQ(Resource{}.arn(), "arn:aws:s3:::*");
  EXPECT_EQ((Resource{"b", ""}.arn()), "arn:aws:s3:::b");
  EXPECT_EQ((Resource{"b", "k/../x"}.arn()), "arn:aws:s3:::b/k/../x");
}

TEST(Credentials, refuse_keys_that_a_scope_cannot_carry) {
  for (const char* key :
       {"", "ab", "has/slash", "has space", "has=equal", "has,comma", "n\xc3\xa4"}) {
    EXPECT_FALSE(check_credential(key, "secretsecret").ok()) << key;
  }
  EXPECT_FALSE(check_credential("good", "short").ok());
  EXPECT_TRUE(check_credential("good", "secretsecret").ok());
}

}  // namespace
}  // namespace strata::access
