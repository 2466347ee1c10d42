#include "objstore/iam/query_api.h"

#include "objstore/iam/operation_table.h"
#include "tests/unit/iam/iam_fixture.h"

namespace strata::iam {
namespace {

class QueryApiTest : public IamFixture {};

TEST(Form, is_decoded_once_and_every_name_comes_once) {
  const auto form = parse_form("Action=Get%20User&Name=a%2Bb&Empty=&Bare&Plus=a+b");
  ASSERT_TRUE(form.ok());
  EXPECT_EQ(form->at("Action"), "Get User");
  EXPECT_EQ(form->at("Name"), "a+b");
  EXPECT_EQ(form->at("Plus"), "a b");
  EXPECT_EQ(form->at("Empty"), "");
  EXPECT_FALSE(parse_form("a=1&a=2").ok());
  EXPECT_FALSE(parse_form("a=%zz").ok());
  EXPECT_FALSE(parse_form(std::string(kFormBytesMax + 1, 'a')).ok());
}

TEST_F(QueryApiTest, errors_have_iams_codes_and_statuses) {
  EXPECT_EQ(ask({}).code(), "MissingAction");
  EXPECT_EQ(ask({{"Action", "MakeCoffee"}}).code(), "InvalidAction");
  EXPECT_EQ(ask({{"Action", "CreateUser"}}).code(), "ValidationError");
  EXPECT_EQ(ask({{"Action", "CreateUser"}, {"UserName", "a b"}}).code(), "ValidationError");
  EXPECT_EQ(ask({{"Action", "GetUser"}, {"UserName", "nobody"}}).code(), "NoSuchEntity");
  EXPECT_EQ(ask({{"Action", "GetUser"}, {"UserName", "nobody"}}).status, 404);
  user("alice");
  const Told again = ask({{"Action", "CreateUser"}, {"UserName", "Alice"}});
  EXPECT_EQ(again.code(), "EntityAlreadyExists");
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(ask({{"Action", "DeleteUser"}, {"UserName", "alice"}}).code(), "DeleteConflict");
  EXPECT_EQ(ask({{"Action", "PutUserPolicy"},
                 {"UserName", "alice"},
                 {"PolicyName", "p"},
                 {"PolicyDocument", "{}"}})
                .code(),
            "MalformedPolicyDocument");
}

TEST_F(QueryApiTest, every_operation_answers_without_parameters_and_none_breaks) {
  for (const QueryOperation& operation : query_operations()) {
    Parameters parameters{{"Action", std::string(operation.name)}};
    parameters["Version"] = operation.service == QueryService::kIam ? "2010-05-08" : "2011-06-15";
    const Told told = ask(std::move(parameters));
    EXPECT_LT(told.status, 500) << operation.name;
    if (told.status == 200) {
      EXPECT_EQ(told.root.name, std::string(operation.name) + "Response");
    }
  }
}

TEST_F(QueryApiTest, a_user_may_have_two_keys_and_the_secret_is_told_once) {
  user("alice");
  ASSERT_EQ(ask({{"Action", "CreateAccessKey"}, {"UserName", "alice"}}).status, 200);
  EXPECT_EQ(ask({{"Action", "CreateAccessKey"}, {"UserName", "alice"}}).code(), "LimitExceeded");
  const Told keys = ask({{"Action", "ListAccessKeys"}, {"UserName", "alice"}});
  EXPECT_EQ(keys.members("AccessKeyMetadata"), 2U);
  EXPECT_EQ(keys.text({"AccessKeyMetadata", "member", "SecretAccessKey"}), "(absent)");
}

TEST_F(QueryApiTest, listings_come_in_pages) {
  for (const char* name : {"carol", "alice", "Bob"}) user(name);
  Parameters list{{"Action", "ListUsers"}, {"MaxItems", "2"}};
  const Told first = ask(list);
  EXPECT_EQ(first.members("Users"), 2U);
  EXPECT_EQ(first.text({"IsTruncated"}), "true");
  list["Marker"] = first.text({"Marker"});
  const Told second = ask(list);
  EXPECT_EQ(second.members("Users"), 1U);
  EXPECT_EQ(second.text({"Users", "member", "UserName"}), "carol");
  EXPECT_EQ(second.text({"IsTruncated"}), "false");
}

TEST_F(QueryApiTest, users_may_do_what_their_policies_allow_and_no_more) {
  const access::Caller alice = user(
      "alice", R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:GetUser",)"
               R"("Resource":"arn:aws:iam::*:user/${aws:username}"}]})");
  EXPECT_EQ(ask(alice, {{"Action", "GetUser"}}).status, 200);
  EXPECT_EQ(ask(alice, {{"Action", "GetUser"}, {"UserName", "bob"}}).code(), "AccessDenied");
  EXPECT_EQ(ask(alice, {{"Action", "CreateUser"}, {"UserName", "bob"}}).status, 403);
  EXPECT_EQ(ask(access::Caller::anonymous(), {{"Action", "ListUsers"}}).status, 403);
}

TEST_F(QueryApiTest, a_managed_policy_counts_where_it_is_attached_in_its_default_version) {
  user("alice");
  const Told made =
      ask({{"Action", "CreatePolicy"}, {"PolicyName", "readers"}, {"PolicyDocument", kAllowAll}});
  ASSERT_EQ(made.status, 200);
  const std::string arn = made.text({"Policy", "Arn"});
  EXPECT_EQ(arn, "arn:aws:iam::000000000001:policy/readers");
  ASSERT_EQ(ask({{"Action", "AttachUserPolicy"}, {"UserName", "alice"}, {"PolicyArn", arn}}).status,
            200);
  EXPECT_EQ(directory_.find(keys_["alice"])->caller.principal->policies.size(), 1U);
  EXPECT_EQ(ask({{"Action", "DeletePolicy"}, {"PolicyArn", arn}}).code(), "DeleteConflict");
  const std::string denial =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]})";
  ASSERT_EQ(ask({{"Action", "CreatePolicyVersion"},
                 {"PolicyArn", arn},
                 {"PolicyDocument", denial},
                 {"SetAsDefault", "true"}})
                .text({"PolicyVersion", "VersionId"}),
            "v2");
  const auto& policy = directory_.find(keys_["alice"])->caller.principal->policies.at(0);
  EXPECT_EQ(policy.policy->statements[0].effect, access::Effect::kDeny);
  EXPECT_EQ(
      ask({{"Action", "DeletePolicyVersion"}, {"PolicyArn", arn}, {"VersionId", "v2"}}).code(),
      "DeleteConflict");
}

TEST_F(QueryApiTest, the_policies_of_aws_can_be_attached_and_not_changed) {
  user("alice");
  const std::string arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
  ASSERT_EQ(ask({{"Action", "AttachUserPolicy"}, {"UserName", "alice"}, {"PolicyArn", arn}}).status,
            200);
  EXPECT_EQ(directory_.find(keys_["alice"])->caller.principal->policies.size(), 1U);
  EXPECT_EQ(ask({{"Action", "DeletePolicy"}, {"PolicyArn", arn}}).status, 403);
}

class StsTest : public IamFixture {
 protected:
  void role(const std::string& trusted) {
    ASSERT_EQ(
        ask({{"Action", "CreateRole"},
             {"RoleName", "reader"},
             {"AssumeRolePolicyDocument",
              R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":")" +
                  trusted + R"("},"Action":"sts:AssumeRole"}]})"}})
            .status,
        200);
    ASSERT_EQ(ask({{"Action", "PutRolePolicy"},
                   {"RoleName", "reader"},
                   {"PolicyName", "p"},
                   {"PolicyDocument", kAllowAll}})
                  .status,
              200);
  }
  Told assume(const access::Caller& caller, Parameters more = {}) {
    more["Action"] = "AssumeRole";
    more["RoleArn"] = "arn:aws:iam::000000000001:role/reader";
    more["RoleSessionName"] = "one";
    return ask_sts(caller, std::move(more));
  }
};

TEST_F(StsTest, everybody_may_ask_who_they_are) {
  const access::Caller alice = user("alice");
  const Told told = ask_sts(alice, {{"Action", "GetCallerIdentity"}});
  EXPECT_EQ(told.text({"Arn"}), "arn:aws:iam::000000000001:user/alice");
  EXPECT_EQ(told.text({"Account"}), kOwner);
}

TEST_F(StsTest, a_role_is_for_those_it_trusts) {
  const access::Caller alice = user("alice");
  const access::Caller bob = user("bob", kAllowAll);
  role("arn:aws:iam::000000000001:user/alice");
  EXPECT_EQ(assume(alice).status, 200);
  EXPECT_EQ(assume(bob).code(), "AccessDenied");
  EXPECT_EQ(assume(root()).code(), "AccessDenied");
}

TEST_F(StsTest, trusting_an_account_leaves_the_choice_to_its_policies) {
  const access::Caller alice = user("alice");
  const access::Caller bob = user("bob", kAllowAll);
  role(kOwner);
  EXPECT_EQ(assume(alice).code(), "AccessDenied");
  EXPECT_EQ(assume(bob).status, 200);
}

TEST_F(StsTest, a_session_signs_with_its_token_until_it_expires_or_its_role_is_gone) {
  const access::Caller alice = user("alice");
  role("arn:aws:iam::000000000001:user/alice");
  const Told told = assume(alice, {{"DurationSeconds", "900"}});
  const std::string key = told.text({"Credentials", "AccessKeyId"});
  EXPECT_EQ(key.substr(0, 4), "ASIA");
  const auto credential = directory_.find(key);
  ASSERT_NE(credential, nullptr);
  EXPECT_EQ(credential->session_token, told.text({"Credentials", "SessionToken"}));
  EXPECT_EQ(credential->expires_ms, clock_.now.time_since_epoch().count() + 900'000);
  EXPECT_EQ(credential->caller.principal->arn, "arn:aws:sts::000000000001:assumed-role/reader/one");
  clock_.now += std::chrono::seconds(901);
  ASSERT_EQ(assume(alice).status, 200);  // sweeps what has expired
  EXPECT_EQ(directory_.find(key), nullptr);
  const std::string second = assume(alice).text({"Credentials", "AccessKeyId"});
  ASSERT_EQ(
      ask({{"Action", "DeleteRolePolicy"}, {"RoleName", "reader"}, {"PolicyName", "p"}}).status,
      200);
  ASSERT_EQ(ask({{"Action", "DeleteRole"}, {"RoleName", "reader"}}).status, 200);
  EXPECT_EQ(directory_.find(second), nullptr);
}

TEST_F(StsTest, a_session_policy_narrows_the_session) {
  const access::Caller alice = user("alice");
  role("arn:aws:iam::000000000001:user/alice");
  const Told told =
      assume(alice, {{"Policy", R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow",)"
                                R"("Action":"s3:GetObject","Resource":"*"}]})"}});
  const auto credential = directory_.find(told.text({"Credentials", "AccessKeyId"}));
  ASSERT_NE(credential, nullptr);
  EXPECT_TRUE(credential->caller.principal->narrowed);
  EXPECT_EQ(credential->caller.principal->session_policies.size(), 1U);
  EXPECT_EQ(assume(alice, {{"Policy", "{}"}}).code(), "MalformedPolicyDocument");
  EXPECT_EQ(assume(alice, {{"DurationSeconds", "60"}}).code(), "ValidationError");
}

TEST_F(StsTest, session_tokens_are_for_users_and_root_not_for_sessions) {
  const access::Caller alice = user("alice");
  const Told told = ask_sts(alice, {{"Action", "GetSessionToken"}});
  const auto credential = directory_.find(told.text({"Credentials", "AccessKeyId"}));
  ASSERT_NE(credential, nullptr);
  EXPECT_EQ(credential->caller.principal->username, "alice");
  EXPECT_EQ(ask_sts(credential->caller, {{"Action", "GetSessionToken"}}).code(), "AccessDenied");
  EXPECT_EQ(ask_sts(root(), {{"Action", "GetSessionToken"}}).status, 200);
}

TEST_F(QueryApiTest, a_renamed_group_keeps_its_members_and_what_they_may_do) {
  const access::Caller alice = user("alice");
  ASSERT_EQ(ask({{"Action", "CreateGroup"}, {"GroupName", "old"}}).status, 200);
  ASSERT_EQ(ask({{"Action", "CreateGroup"}, {"GroupName", "taken"}}).status, 200);
  ASSERT_EQ(ask({{"Action", "AddUserToGroup"}, {"GroupName", "old"}, {"UserName", "alice"}}).status,
            200);
  ASSERT_EQ(ask({{"Action", "PutGroupPolicy"},
                 {"GroupName", "old"},
                 {"PolicyName", "p"},
                 {"PolicyDocument", kAllowAll}})
                .status,
            200);
  Parameters rename{{"Action", "UpdateGroup"}, {"GroupName", "old"}, {"NewGroupName", "Taken"}};
  EXPECT_EQ(ask(rename).code(), "EntityAlreadyExists");
  rename["NewGroupName"] = "New";
  rename["NewPath"] = "/teams/";
  ASSERT_EQ(ask(rename).status, 200);
  EXPECT_EQ(ask({{"Action", "GetGroup"}, {"GroupName", "old"}}).code(), "NoSuchEntity");
  const Told group = ask({{"Action", "GetGroup"}, {"GroupName", "new"}});
  EXPECT_EQ(group.members("Users"), 1U);
  EXPECT_EQ(group.text({"Group", "Arn"}), "arn:aws:iam::000000000001:group/teams/New");
  const access::Caller again = directory_.find(keys_["alice"])->caller;
  EXPECT_EQ(ask(again, {{"Action", "ListUsers"}}).status, 200);
}

TEST_F(QueryApiTest, a_policy_tells_whom_it_is_attached_to) {
  user("alice");
  user("bob");
  ASSERT_EQ(ask({{"Action", "CreateGroup"}, {"GroupName", "team"}}).status, 200);
  const std::string arn = "arn:aws:iam::aws:policy/AdministratorAccess";
  for (const char* name : {"alice", "bob"}) {
    ASSERT_EQ(ask({{"Action", "AttachUserPolicy"}, {"UserName", name}, {"PolicyArn", arn}}).status,
              200);
  }
  ASSERT_EQ(
      ask({{"Action", "AttachGroupPolicy"}, {"GroupName", "team"}, {"PolicyArn", arn}}).status,
      200);
  Parameters list{{"Action", "ListEntitiesForPolicy"}, {"PolicyArn", arn}};
  EXPECT_EQ(ask(list).members("PolicyUsers"), 2U);
  EXPECT_EQ(ask(list).text({"PolicyGroups", "member", "GroupName"}), "team");
  list["MaxItems"] = "2";
  const Told first = ask(list);
  EXPECT_EQ(first.members("PolicyUsers") + first.members("PolicyGroups"), 2U);
  list["Marker"] = first.text({"Marker"});
  EXPECT_EQ(ask(list).text({"PolicyUsers", "member", "UserName"}), "bob");
  EXPECT_EQ(ask({{"Action", "ListEntitiesForPolicy"}, {"PolicyArn", arn}, {"EntityFilter", "Role"}})
                .members("PolicyUsers"),
            0U);
}

}  // namespace
}  // namespace strata::iam
