#include "strata/credentials.h"

#include <gtest/gtest.h>

#include <map>

namespace strata::roof {
namespace {

using Variables = std::map<std::string, std::string>;

ServeOptions loopback() {
  return *OptionValues().resolve();
}

ServeOptions everywhere() {
  ServeOptions options = loopback();
  options.nbd->host = "0.0.0.0";
  return options;
}

Result<Credentials> choose(const ServeOptions& options, const Variables& variables) {
  return choose_credentials(options, [&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST(ChooseCredentials, nothing_set_on_loopback_gives_the_development_pair) {
  const Result<Credentials> chosen = choose(loopback(), {});
  ASSERT_TRUE(chosen.ok());
  EXPECT_TRUE(chosen->built_in);
  EXPECT_EQ(chosen->user, kDevelopmentUser);
}

TEST(ChooseCredentials, nothing_set_is_refused_while_any_listener_leaves_the_machine) {
  const Result<Credentials> chosen = choose(everywhere(), {});
  ASSERT_FALSE(chosen.ok());
  EXPECT_EQ(chosen.error().code, Code::kPermissionDenied);
  EXPECT_NE(chosen.error().message.find("STRATA_ROOT_PASSWORD"), std::string::npos);
}

TEST(ChooseCredentials, a_pair_of_ones_own_may_be_served_everywhere) {
  ServeOptions options = everywhere();
  options.root_user = "owner";
  options.root_password = "a long secret";
  const Result<Credentials> chosen = choose(options, {});
  ASSERT_TRUE(chosen.ok());
  EXPECT_FALSE(chosen->built_in);
  EXPECT_EQ(chosen->user, "owner");
  EXPECT_EQ(chosen->password, "a long secret");
}

TEST(ChooseCredentials, own_names_win_over_minio_names_over_aws_names) {
  const Variables aws = {{"AWS_ACCESS_KEY_ID", "from-aws"},
                         {"AWS_SECRET_ACCESS_KEY", "secret-aws"}};
  EXPECT_EQ(choose(everywhere(), aws)->user, "from-aws");
  Variables both = aws;
  both["MINIO_ROOT_USER"] = "from-minio";
  both["MINIO_ROOT_PASSWORD"] = "secret-minio";
  EXPECT_EQ(choose(everywhere(), both)->user, "from-minio");
  ServeOptions own = everywhere();
  own.root_user = "from-strata";
  own.root_password = "secret-strata";
  EXPECT_EQ(choose(own, both)->user, "from-strata");
}

TEST(ChooseCredentials, half_a_pair_is_an_error_that_names_the_other_half) {
  const Result<Credentials> minio = choose(loopback(), {{"MINIO_ROOT_USER", "someone"}});
  ASSERT_FALSE(minio.ok());
  EXPECT_NE(minio.error().message.find("MINIO_ROOT_PASSWORD"), std::string::npos);
  ServeOptions half = loopback();
  half.root_user = "someone";
  const Result<Credentials> own = choose(half, {});
  ASSERT_FALSE(own.ok());
  EXPECT_NE(own.error().message.find("STRATA_ROOT_PASSWORD"), std::string::npos);
}

TEST(ChooseCredentials, unfit_keys_are_refused_without_showing_them) {
  const Result<Credentials> chosen =
      choose(loopback(), {{"AWS_ACCESS_KEY_ID", "someone"}, {"AWS_SECRET_ACCESS_KEY", "tiny-77"}});
  ASSERT_FALSE(chosen.ok());
  EXPECT_NE(chosen.error().message.find("AWS_SECRET_ACCESS_KEY"), std::string::npos);
  EXPECT_EQ(chosen.error().message.find("tiny-77"), std::string::npos);
}

}  // namespace
}  // namespace strata::roof
