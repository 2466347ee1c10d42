// What the control socket says of the master keys, asked without a socket.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/io/manual_clock.h"
#include "common/io/memory_file_system.h"
#include "strata/control_keys.h"

namespace strata::roof {
namespace {

class Keys : public ::testing::Test {
 protected:
  void SetUp() override {
    auto ring = encryption::KeyRing::open(files_, "/keys", clock_, random_);
    ASSERT_TRUE(ring.ok()) << ring.error().to_string();
    ring_ = std::move(*ring);
    route_ = keys_route(*ring_);
  }
  nlohmann::json ask(const std::string& method, const std::string& path, const std::string& body,
                     int status) {
    const ControlAnswer answer = route_(method, path, body);
    EXPECT_EQ(answer.status, status) << answer.body;
    return nlohmann::json::parse(answer.body);
  }
  io::MemoryFileSystem files_;
  io::ManualClock clock_;
  SystemRandom random_;
  std::unique_ptr<encryption::KeyRing> ring_;
  ControlRoute route_;
};

TEST_F(Keys, are_listed_without_their_secrets) {
  const nlohmann::json listed = ask("GET", "/v1/keys", "", 200);
  ASSERT_EQ(listed["keys"].size(), 2U);
  EXPECT_EQ(listed["keys"][0]["name"], "aws/s3");
  EXPECT_EQ(listed["keys"][1]["name"], "sse-s3");
  EXPECT_EQ(listed["keys"][0]["generations"], 1);
  EXPECT_EQ(listed["keys"][0].size(), 4U) << "nothing but name, generations and time";
}

TEST_F(Keys, are_made_and_rotated_and_the_old_generation_stays) {
  const nlohmann::json made =
      ask("POST", "/v1/keys", R"({"action": "create", "name": "team/a"})", 200);
  const nlohmann::json turned =
      ask("POST", "/v1/keys", R"({"action": "rotate", "name": "team/a"})", 200);
  EXPECT_EQ(turned["generations"], 2);
  EXPECT_NE(turned["generation"], made["generation"]);
  EXPECT_TRUE(ring_->find("team/a", made["generation"].get<std::string>()).ok());
  EXPECT_EQ(ring_->newest("team/a")->generation, turned["generation"]);
}

TEST_F(Keys, refuse_what_they_do_not_know) {
  (void)ask("POST", "/v1/keys", R"({"action": "rotate", "name": "nobody"})", 404);
  (void)ask("POST", "/v1/keys", R"({"action": "create", "name": "aws/s3"})", 409);
  (void)ask("POST", "/v1/keys", R"({"action": "create", "name": "a b"})", 400);
  (void)ask("POST", "/v1/keys", R"({"action": "delete", "name": "aws/s3"})", 400);
  (void)ask("POST", "/v1/keys", R"({"action": "create"})", 400);
  (void)ask("POST", "/v1/keys", "[]", 400);
  (void)ask("DELETE", "/v1/keys", "", 405);
  (void)ask("GET", "/v1/keys/aws", "", 404);
}

}  // namespace
}  // namespace strata::roof
