#include "objstore/access/authorize.h"

#include <gtest/gtest.h>

#include "objstore/access/credentials.h"

namespace strata::access {
namespace {

TEST(Authorize, root_may_do_everything) {
  const Caller root = Caller::root(kRootAccount);
  EXPECT_TRUE(authorize(root, "s3:GetObject", {"bucket", "key"}).allowed);
  EXPECT_TRUE(authorize(root, "s3:ListAllMyBuckets", {}).allowed);
}

TEST(Authorize, an_anonymous_caller_may_do_nothing_and_is_told_why) {
  const Decision decision = authorize(Caller::anonymous(), "s3:GetObject", {"bucket", "key"});
  EXPECT_FALSE(decision.allowed);
  EXPECT_FALSE(decision.reason.empty());
}

TEST(Authorize, a_user_without_a_grant_may_do_nothing) {
  const Caller user{CallerKind::kUser, kRootAccount, "alice"};
  EXPECT_FALSE(authorize(user, "s3:GetObject", {"bucket", "key"}).allowed);
}

TEST(Authorize, an_operation_without_an_action_is_denied_even_to_root) {
  EXPECT_FALSE(authorize(Caller::root(kRootAccount), "", {"bucket", "key"}).allowed);
}

TEST(Resource, is_written_as_an_arn) {
  EXPECT_EQ(Resource{}.arn(), "*");
  EXPECT_EQ((Resource{"b", ""}.arn()), "arn:aws:s3:::b");
  EXPECT_EQ((Resource{"b", "k/../x"}.arn()), "arn:aws:s3:::b/k/../x");
}

TEST(Credentials, finds_what_was_added_and_nothing_else) {
  Credentials credentials;
  ASSERT_TRUE(credentials.add("AKIDEXAMPLE", "secretsecret", Caller::root(kRootAccount)).ok());
  const Credential* found = credentials.find("AKIDEXAMPLE");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->secret, "secretsecret");
  EXPECT_EQ(found->caller.user, "root");
  EXPECT_EQ(credentials.find("AKIDEXAMPL"), nullptr);
  EXPECT_EQ(credentials.find(""), nullptr);
}

TEST(Credentials, refuse_keys_that_a_scope_cannot_carry) {
  Credentials credentials;
  for (const char* key :
       {"", "ab", "has/slash", "has space", "has=equal", "has,comma", "n\xc3\xa4"}) {
    EXPECT_FALSE(credentials.add(key, "secretsecret", Caller::root(kRootAccount)).ok()) << key;
  }
  EXPECT_FALSE(credentials.add("good", "short", Caller::root(kRootAccount)).ok());
}

TEST(Credentials, refuse_a_key_that_is_taken) {
  Credentials credentials;
  ASSERT_TRUE(credentials.add("admin", "secretsecret", Caller::root(kRootAccount)).ok());
  EXPECT_EQ(credentials.add("admin", "othersecret", Caller::root(kRootAccount)).error().code,
            Code::kAlreadyExists);
}

}  // namespace
}  // namespace strata::access
