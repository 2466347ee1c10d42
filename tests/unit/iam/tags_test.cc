// Tags of users, roles, policies and sessions, and what policies ask about them.
#include "objstore/iam/tags.h"

#include "objstore/iam/entity_codec.h"
#include "objstore/iam/principals.h"
#include "tests/unit/iam/iam_fixture.h"

namespace strata::iam {
namespace {

class TagsTest : public IamFixture {
 protected:
  Told tag(const std::string& key, const std::string& value) {
    return ask({{"Action", "TagUser"},
                {"UserName", "alice"},
                {"Tags.member.1.Key", key},
                {"Tags.member.1.Value", value}});
  }
};

TEST_F(TagsTest, are_given_at_creation_and_later_and_taken_away) {
  ASSERT_EQ(ask({{"Action", "CreateUser"},
                 {"UserName", "alice"},
                 {"Tags.member.1.Key", "team"},
                 {"Tags.member.1.Value", "blue"}})
                .text({"User", "Tags", "member", "Value"}),
            "blue");
  EXPECT_EQ(tag("Team", "red").status, 200);
  EXPECT_EQ(tag("cost", "").status, 200);
  const Told user = ask({{"Action", "GetUser"}, {"UserName", "alice"}});
  EXPECT_EQ(user.text({"User", "Tags", "member", "Key"}), "Team");
  EXPECT_EQ(user.text({"User", "Tags", "member", "Value"}), "red");
  EXPECT_EQ(ask({{"Action", "ListUserTags"}, {"UserName", "alice"}}).members("Tags"), 2U);
  EXPECT_EQ(
      ask({{"Action", "UntagUser"}, {"UserName", "alice"}, {"TagKeys.member.1", "TEAM"}}).status,
      200);
  const Told left = ask({{"Action", "ListUserTags"}, {"UserName", "alice"}});
  EXPECT_EQ(left.members("Tags"), 1U);
  EXPECT_EQ(left.text({"Tags", "member", "Key"}), "cost");
  EXPECT_EQ(ask({{"Action", "ListUsers"}}).text({"Users", "member", "Tags"}), "(absent)");
}

TEST_F(TagsTest, of_roles_and_policies_are_the_same) {
  const std::string trust =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",)"
      R"("Action":"sts:AssumeRole"}]})";
  ASSERT_EQ(ask({{"Action", "CreateRole"},
                 {"RoleName", "r"},
                 {"AssumeRolePolicyDocument", trust},
                 {"Tags.member.1.Key", "a"},
                 {"Tags.member.1.Value", "1"}})
                .text({"Role", "Tags", "member", "Key"}),
            "a");
  EXPECT_EQ(ask({{"Action", "ListRoleTags"}, {"RoleName", "r"}}).members("Tags"), 1U);
  EXPECT_EQ(ask({{"Action", "UntagRole"}, {"RoleName", "r"}, {"TagKeys.member.1", "a"}}).status,
            200);
  EXPECT_EQ(ask({{"Action", "ListRoleTags"}, {"RoleName", "r"}}).members("Tags"), 0U);
  const Told policy = ask({{"Action", "CreatePolicy"},
                           {"PolicyName", "p"},
                           {"PolicyDocument", kAllowAll},
                           {"Tags.member.1.Key", "a"},
                           {"Tags.member.1.Value", "1"}});
  const std::string arn = policy.text({"Policy", "Arn"});
  EXPECT_EQ(
      ask({{"Action", "GetPolicy"}, {"PolicyArn", arn}}).text({"Policy", "Tags", "member", "Key"}),
      "a");
  EXPECT_EQ(ask({{"Action", "TagPolicy"},
                 {"PolicyArn", "arn:aws:iam::aws:policy/AdministratorAccess"},
                 {"Tags.member.1.Key", "a"}})
                .code(),
            "AccessDenied");
}

TEST_F(TagsTest, have_iams_limits) {
  user("alice");
  EXPECT_EQ(tag("", "x").code(), "ValidationError");
  EXPECT_EQ(tag(std::string(129, 'k'), "x").code(), "ValidationError");
  EXPECT_EQ(tag("k", std::string(257, 'v')).code(), "ValidationError");
  EXPECT_EQ(tag("k!", "x").code(), "ValidationError");
  EXPECT_EQ(tag("AWS:k", "x").code(), "InvalidInput");
  EXPECT_EQ(tag("größe", "+-=._:/@ 1").status, 200);
  Parameters twice{{"Action", "TagUser"},      {"UserName", "alice"},
                   {"Tags.member.1.Key", "a"}, {"Tags.member.1.Value", "1"},
                   {"Tags.member.2.Key", "A"}, {"Tags.member.2.Value", "2"}};
  EXPECT_EQ(ask(twice).code(), "InvalidInput");
  for (size_t i = 1; i < kTagsMax; ++i) ASSERT_EQ(tag("k" + std::to_string(i), "").status, 200);
  const Told more = tag("one more", "");
  EXPECT_EQ(more.code(), "LimitExceeded");
  EXPECT_EQ(more.status, 409);
  Parameters list{{"Action", "ListUserTags"}, {"UserName", "alice"}, {"MaxItems", "40"}};
  const Told first = ask(list);
  EXPECT_EQ(first.members("Tags"), 40U);
  list["Marker"] = first.text({"Marker"});
  EXPECT_EQ(ask(list).members("Tags"), 10U);
}

TEST_F(TagsTest, are_what_policies_ask_about) {
  const access::Caller helper = user(
      "helper",
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*",)"
      R"("Condition":{"StringEquals":{"iam:ResourceTag/team":"blue"}}},)"
      R"({"Effect":"Allow","Action":"iam:CreateUser","Resource":"*",)"
      R"("Condition":{"StringEquals":{"aws:RequestTag/team":"${aws:PrincipalTag/team}"},)"
      R"("ForAllValues:StringEquals":{"aws:TagKeys":["team"]}}}]})");
  user("alice");
  const Parameters get{{"Action", "GetUser"}, {"UserName", "alice"}};
  EXPECT_EQ(ask(helper, get).code(), "AccessDenied");
  ASSERT_EQ(tag("team", "blue").status, 200);
  EXPECT_EQ(ask(helper, get).status, 200);

  Parameters create{{"Action", "CreateUser"},
                    {"UserName", "carol"},
                    {"Tags.member.1.Key", "team"},
                    {"Tags.member.1.Value", "green"}};
  EXPECT_EQ(ask(helper, create).code(), "AccessDenied");
  ASSERT_EQ(ask({{"Action", "TagUser"},
                 {"UserName", "helper"},
                 {"Tags.member.1.Key", "team"},
                 {"Tags.member.1.Value", "green"}})
                .status,
            200);
  const access::Caller tagged = directory_.find(keys_["helper"])->caller;
  EXPECT_EQ(ask(tagged, create).status, 200);
  create["UserName"] = "dave";
  create["Tags.member.2.Key"] = "other";
  EXPECT_EQ(ask(tagged, create).code(), "AccessDenied");
}

TEST_F(TagsTest, of_a_session_are_the_roles_and_those_that_were_passed) {
  const access::Caller alice = user("alice", kAllowAll);
  const auto trust = [](const std::string& actions) {
    return R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":)"
           R"({"AWS":"arn:aws:iam::000000000001:user/alice"},"Action":)" +
           actions + "}]}";
  };
  ASSERT_EQ(ask({{"Action", "CreateRole"},
                 {"RoleName", "r"},
                 {"AssumeRolePolicyDocument", trust("\"sts:AssumeRole\"")},
                 {"Tags.member.1.Key", "team"},
                 {"Tags.member.1.Value", "blue"}})
                .status,
            200);
  const Parameters assume{{"Action", "AssumeRole"},
                          {"RoleArn", "arn:aws:iam::000000000001:role/r"},
                          {"RoleSessionName", "work"},
                          {"Tags.member.1.Key", "task"},
                          {"Tags.member.1.Value", "7"}};
  EXPECT_EQ(ask_sts(alice, assume).code(), "AccessDenied");
  ASSERT_EQ(ask({{"Action", "UpdateAssumeRolePolicy"},
                 {"RoleName", "r"},
                 {"PolicyDocument", trust(R"(["sts:AssumeRole","sts:TagSession"])")}})
                .status,
            200);
  const Told session = ask_sts(alice, assume);
  ASSERT_EQ(session.status, 200);
  const auto known = directory_.find(session.text({"Credentials", "AccessKeyId"}));
  ASSERT_NE(known, nullptr);
  const access::Principal& who = *known->caller.principal;
  EXPECT_EQ(*access::principal_tag(who, "TEAM"), "blue");
  EXPECT_EQ(*access::principal_tag(who, "task"), "7");
  EXPECT_EQ(access::principal_tag(who, "none"), nullptr);
}

TEST(TagRows, that_are_older_than_tags_have_none) {
  User user;
  user.account = kOwner;
  user.name = "alice";
  user.tags = {{"team", "blue"}};
  std::string row = encode(user);
  User back;
  ASSERT_TRUE(decode(row, back).ok());
  EXPECT_EQ(back.tags, user.tags);
  const std::string tags = R"(,"tags":[["team","blue"]])";
  ASSERT_NE(row.find(tags), std::string::npos) << row;
  row.erase(row.find(tags), tags.size());
  User old;
  ASSERT_TRUE(decode(row, old).ok());
  EXPECT_TRUE(old.tags.empty());
}

TEST_F(TagsTest, what_would_take_rights_away_is_refused_and_not_passed_over) {
  EXPECT_EQ(ask({{"Action", "CreateUser"},
                 {"UserName", "bounded"},
                 {"PermissionsBoundary", "arn:aws:iam::aws:policy/ReadOnlyAccess"}})
                .code(),
            "ValidationError");
  EXPECT_EQ(ask({{"Action", "GetUser"}, {"UserName", "bounded"}}).code(), "NoSuchEntity");
}

TEST_F(TagsTest, what_nobody_has_is_listed_as_nothing) {
  user("alice");
  for (const char* action : {"ListMFADevices", "ListSigningCertificates", "ListSSHPublicKeys",
                             "ListServiceSpecificCredentials"}) {
    EXPECT_EQ(ask({{"Action", action}, {"UserName", "alice"}}).status, 200) << action;
    EXPECT_EQ(ask({{"Action", action}, {"UserName", "nobody"}}).code(), "NoSuchEntity") << action;
  }
  EXPECT_EQ(ask({{"Action", "GetLoginProfile"}, {"UserName", "alice"}}).code(), "NoSuchEntity");
  EXPECT_EQ(ask({{"Action", "ListInstanceProfilesForRole"}, {"RoleName", "none"}}).code(),
            "NoSuchEntity");
}

}  // namespace
}  // namespace strata::iam
