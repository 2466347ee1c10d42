#include "objstore/encryption/vault.h"

#include <gtest/gtest.h>

#include "common/io/manual_clock.h"
#include "common/io/memory_file_system.h"

namespace strata::encryption {
namespace {

class VaultTest : public ::testing::Test {
 protected:
  static CustomerKey customer(char c) {
    return {crypto::Secret(as_bytes(std::string(crypto::kKeyBytes, c))), "md5"};
  }
  static Choice customer_choice(char c) {
    Choice choice;
    choice.method = Method::kCustomer;
    choice.customer = customer(c);
    return choice;
  }
  static Choice kms_choice(std::string name) {
    Choice choice;
    choice.method = Method::kKms;
    choice.key_text = "arn:" + name;
    choice.key_name = std::move(name);
    choice.context = "e30=";
    return choice;
  }
  Result<std::optional<crypto::Secret>> unlock(
      const Vault::Protection& protection,
      const std::optional<CustomerKey>& key = std::nullopt) const {
    return vault_.unlock(protection.envelope, key, "bucket", "key");
  }
  static std::string_view reason_of(const Result<std::optional<crypto::Secret>>& result) {
    return result.ok() ? "OK" : result.error().reason;
  }

  io::ManualClock clock_;
  SeededRandom random_{5};
  io::MemoryFileSystem files_;
  std::unique_ptr<KeyRing> ring_ = KeyRing::open(files_, "keys", clock_, random_).value();
  Vault vault_{ring_.get(), random_};
};

TEST_F(VaultTest, what_is_in_the_clear_needs_no_key_and_takes_none) {
  EXPECT_FALSE(vault_.unlock("", std::nullopt, "bucket", "key")->has_value());
  EXPECT_EQ(reason_of(vault_.unlock("", customer('a'), "bucket", "key")), kKeyNotApplicableReason);
}

TEST_F(VaultTest, the_servers_keys_open_by_themselves_after_a_rotation_too) {
  ASSERT_TRUE(ring_->create("mine").ok());
  for (const Choice& choice : {Choice{}, kms_choice("mine")}) {
    const auto protection = vault_.protect(choice, "bucket", "key");
    ASSERT_TRUE(protection.ok());
    EXPECT_EQ(protection->etag_is_md5, choice.method == Method::kS3);
    ASSERT_TRUE(ring_->rotate(choice.method == Method::kS3 ? kS3KeyName : "mine").ok());
    const auto opened = unlock(*protection);
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(as_text((*opened)->bytes()), as_text(protection->data_key.bytes()));
    EXPECT_EQ(reason_of(unlock(*protection, customer('a'))), kKeyNotApplicableReason);
    EXPECT_FALSE(vault_.unlock(protection->envelope, std::nullopt, "bucket", "other").ok());
  }
  EXPECT_EQ(vault_.protect(kms_choice("other"), "bucket", "key").error().reason, kNoSuchKeyReason);
}

TEST_F(VaultTest, a_customers_key_opens_and_no_other_does) {
  const auto protection = vault_.protect(customer_choice('a'), "bucket", "key");
  ASSERT_TRUE(protection.ok());
  EXPECT_FALSE(protection->etag_is_md5);
  EXPECT_TRUE(unlock(*protection, customer('a')).ok());
  EXPECT_EQ(reason_of(unlock(*protection, customer('b'))), kWrongKeyReason);
  EXPECT_EQ(reason_of(unlock(*protection)), kKeyNeededReason);
}

TEST_F(VaultTest, without_a_key_file_only_customers_keys_work) {
  const Vault bare(nullptr, random_);
  EXPECT_EQ(bare.protect(Choice{}, "bucket", "key").error().code, Code::kUnsupported);
  EXPECT_TRUE(bare.protect(customer_choice('a'), "bucket", "key").ok());
}

}  // namespace
}  // namespace strata::encryption
