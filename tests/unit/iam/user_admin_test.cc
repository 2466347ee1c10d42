#include "objstore/iam/user_admin.h"

#include "tests/unit/iam/iam_fixture.h"

namespace strata::iam {
namespace {

class UserAdmin : public IamFixture {
 protected:
  Result<User> make(NewUser wanted) {
    wanted.account = kOwner;
    return run(make_user(directory_, std::move(wanted), clock_.now, random_));
  }
  static NewUser named(const std::string& name) {
    NewUser wanted;
    wanted.name = name;
    return wanted;
  }
};

TEST_F(UserAdmin, a_user_comes_with_a_key_and_its_policies) {
  NewUser wanted = named("alice");
  wanted.policies = {"AmazonS3ReadOnlyAccess"};
  const Result<User> made = make(std::move(wanted));
  ASSERT_TRUE(made.ok());
  const auto credential = directory_.find(made->keys.at(0).id);
  ASSERT_NE(credential, nullptr);
  EXPECT_EQ(credential->secret, made->keys.at(0).secret);
  EXPECT_EQ(credential->caller.principal->policies.size(), 1U);
  ASSERT_TRUE(run(remove_user(directory_, kOwner, "alice")).ok());
  EXPECT_EQ(directory_.find(made->keys.at(0).id), nullptr);
  EXPECT_EQ(run(remove_user(directory_, kOwner, "alice")).error().code, Code::kNotFound);
}

TEST_F(UserAdmin, names_and_keys_are_taken_once) {
  NewUser wanted = named("alice");
  wanted.access_key = "ALICE";
  wanted.secret = "a-long-secret";
  ASSERT_TRUE(make(wanted).ok());
  EXPECT_EQ(make(named("Alice")).error().code, Code::kAlreadyExists);
  wanted.name = "bob";
  EXPECT_EQ(make(wanted).error().code, Code::kAlreadyExists);
  wanted.access_key = "ROOTKEY";
  EXPECT_EQ(make(wanted).error().code, Code::kAlreadyExists);
  wanted.secret.reset();
  EXPECT_EQ(make(wanted).error().code, Code::kInvalidArgument);
  NewUser poor = named("carol");
  poor.policies = {"NoSuchPolicy"};
  EXPECT_EQ(make(poor).error().code, Code::kNotFound);
  EXPECT_EQ(directory_.state()->user(kOwner, "carol"), nullptr);
}

TEST_F(UserAdmin, principals_are_known_by_their_whole_name) {
  ASSERT_TRUE(make(named("alice")).ok());
  const State& state = *directory_.state();
  EXPECT_TRUE(is_known_principal(state, "arn:aws:iam::000000000001:user/alice"));
  EXPECT_FALSE(is_known_principal(state, "arn:aws:iam::000000000001:user/path/alice"));
  EXPECT_FALSE(is_known_principal(state, "arn:aws:iam::000000000001:role/alice"));
  EXPECT_FALSE(is_known_principal(state, "arn:aws:sts::000000000001:assumed-role/alice/s"));
}

}  // namespace
}  // namespace strata::iam
