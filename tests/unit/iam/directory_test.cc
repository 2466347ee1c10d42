#include "objstore/iam/directory.h"

#include "tests/unit/iam/iam_fixture.h"

namespace strata::iam {
namespace {

class DirectoryTest : public IamFixture {};

TEST_F(DirectoryTest, what_was_changed_is_there_after_a_restart) {
  user("alice", kAllowAll);
  ASSERT_EQ(ask({{"Action", "CreateGroup"}, {"GroupName", "Readers"}}).status, 200);
  ASSERT_EQ(
      ask({{"Action", "AddUserToGroup"}, {"GroupName", "readers"}, {"UserName", "alice"}}).status,
      200);
  Directory again(store_, {kOwner, "ROOTKEY", "rootsecret"});
  ASSERT_TRUE(run(again.load()).ok());
  const auto credential = again.find(keys_["alice"]);
  ASSERT_NE(credential, nullptr);
  EXPECT_EQ(credential->caller.principal->username, "alice");
  EXPECT_EQ(credential->caller.principal->arn, "arn:aws:iam::000000000001:user/alice");
  ASSERT_EQ(credential->caller.principal->policies.size(), 1U);
  EXPECT_EQ(credential->caller.principal->policies[0].name, "inline policy p of user alice");
  EXPECT_EQ(again.state()->user(kOwner, "ALICE")->groups.count("readers"), 1U);
}

TEST_F(DirectoryTest, a_change_that_fails_is_not_seen_and_the_next_one_works) {
  store_.fail = [](strata::testing::StoreCall call) -> std::optional<Error> {
    if (call == strata::testing::StoreCall::kCommit) return Error(Code::kIo, "the drive is gone");
    return std::nullopt;
  };
  EXPECT_EQ(ask({{"Action", "CreateUser"}, {"UserName", "alice"}}).status, 500);
  EXPECT_EQ(directory_.state()->user(kOwner, "alice"), nullptr);
  store_.fail = nullptr;
  EXPECT_EQ(ask({{"Action", "CreateUser"}, {"UserName", "bob"}}).status, 200);
  EXPECT_EQ(directory_.state()->user(kOwner, "alice"), nullptr);
  EXPECT_NE(directory_.state()->user(kOwner, "bob"), nullptr);
}

TEST_F(DirectoryTest, a_row_that_cannot_be_understood_stops_the_start) {
  user("alice");
  store_.change_rows([](replica::Row& row) { row.value = "{}"; });
  Directory again(store_, {kOwner, "ROOTKEY", "rootsecret"});
  const Status loaded = run(again.load());
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().code, Code::kCorrupt);
}

TEST_F(DirectoryTest, a_key_that_is_switched_off_is_unknown_until_it_is_switched_on) {
  user("alice");
  const auto set = [&](const char* status) {
    return ask({{"Action", "UpdateAccessKey"},
                {"UserName", "alice"},
                {"AccessKeyId", keys_["alice"]},
                {"Status", status}})
        .status;
  };
  ASSERT_EQ(set("Inactive"), 200);
  EXPECT_EQ(directory_.find(keys_["alice"]), nullptr);
  ASSERT_EQ(set("Active"), 200);
  EXPECT_NE(directory_.find(keys_["alice"]), nullptr);
  EXPECT_EQ(set("Off"), 400);
}

TEST_F(DirectoryTest, an_account_has_a_key_an_id_and_a_canonical_id_of_its_own) {
  const Result<Account> made =
      run(create_account(directory_, {"team", std::nullopt, std::nullopt}, clock_.now, random_));
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->id.size(), 12U);
  EXPECT_EQ(made->canonical_id.size(), 64U);
  const auto credential = directory_.find(made->root_key.id);
  ASSERT_NE(credential, nullptr);
  EXPECT_EQ(credential->caller.kind, access::CallerKind::kRoot);
  EXPECT_EQ(credential->caller.account, made->id);
  EXPECT_EQ(directory_.account_of(made->canonical_id), made->id);
  EXPECT_EQ(
      run(create_account(directory_, {"Team", std::nullopt, std::nullopt}, clock_.now, random_))
          .error()
          .code,
      Code::kAlreadyExists);
  EXPECT_EQ(
      run(create_account(directory_, {"other", "ROOTKEY", "long enough"}, clock_.now, random_))
          .error()
          .code,
      Code::kAlreadyExists);
}

TEST_F(DirectoryTest, an_account_goes_with_all_that_is_in_it) {
  const Result<Account> made =
      run(create_account(directory_, {"team", "TEAMKEY", "teamsecret"}, clock_.now, random_));
  ASSERT_TRUE(made.ok());
  const access::Caller theirs = directory_.find("TEAMKEY")->caller;
  ASSERT_EQ(ask(theirs, {{"Action", "CreateUser"}, {"UserName", "alice"}}).status, 200);
  EXPECT_EQ(ask({{"Action", "GetUser"}, {"UserName", "alice"}}).code(), "NoSuchEntity");
  const Result<Account> gone = run(delete_account(directory_, "team"));
  ASSERT_TRUE(gone.ok());
  EXPECT_EQ(directory_.find("TEAMKEY"), nullptr);
  EXPECT_EQ(store_.rows(), 0U);
}

}  // namespace
}  // namespace strata::iam
