#include "common/sigv4/signing_key.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "common/codec/text.h"

namespace strata::sigv4 {
namespace {

Scope scope_of_day(int day) {
  return {.date = std::to_string(20130500 + day), .region = "us-east-1", .service = "s3"};
}

// Amazon's documentation, "Examples of how to derive a signing key".
TEST(SigningKey, gives_the_published_value) {
  const Scope scope{.date = "20150830", .region = "us-east-1", .service = "iam"};
  EXPECT_EQ(codec::to_hex(derive_signing_key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", scope)),
            "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
}

TEST(SigningKeyCache, gives_what_derivation_gives) {
  SigningKeyCache cache;
  for (int round = 0; round < 2; ++round) {
    for (int day = 1; day < 5; ++day) {
      EXPECT_EQ(cache.get("AKIA", "secret", scope_of_day(day)),
                derive_signing_key("secret", scope_of_day(day)));
    }
  }
  EXPECT_EQ(cache.size(), 4u);
}

TEST(SigningKeyCache, a_changed_secret_replaces_the_key) {
  SigningKeyCache cache;
  const Scope scope = scope_of_day(1);
  EXPECT_EQ(cache.get("AKIA", "old", scope), derive_signing_key("old", scope));
  EXPECT_EQ(cache.get("AKIA", "new", scope), derive_signing_key("new", scope));
  EXPECT_EQ(cache.size(), 1u);
}

TEST(SigningKeyCache, drops_the_key_unused_for_longest_when_full) {
  SigningKeyCache cache(2);
  for (int day = 1; day < 30; ++day) {
    EXPECT_EQ(cache.get("AKIA", "s", scope_of_day(day)),
              derive_signing_key("s", scope_of_day(day)));
    EXPECT_LE(cache.size(), 2u);
  }
}

TEST(SigningKeyCache, forgets_one_access_key_and_keeps_others) {
  SigningKeyCache cache;
  for (int day = 1; day < 4; ++day) {
    (void)cache.get("A", "s", scope_of_day(day));
    (void)cache.get("B", "s", scope_of_day(day));
  }
  cache.forget("A");
  EXPECT_EQ(cache.size(), 3u);
  cache.forget("absent");
  EXPECT_EQ(cache.size(), 3u);
}

TEST(SigningKeyCache, serves_many_threads) {
  SigningKeyCache cache(3);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, t] {
      for (int i = 0; i < 500; ++i) {
        const Scope scope = scope_of_day((i + t) % 6);
        const std::string secret = i % 50 == 0 ? "other" : "secret";
        ASSERT_EQ(cache.get("AKIA", secret, scope), derive_signing_key(secret, scope));
        if (i % 100 == 0) cache.forget("AKIA");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(cache.size(), 3u);
}

}  // namespace
}  // namespace strata::sigv4
