// Server-side encryption and lifecycle fields through the handler.
#include "common/io/memory_file_system.h"
#include "tests/unit/s3/s3_fixture.h"

namespace strata::s3 {
namespace {

constexpr const char* kSse = "x-amz-server-side-encryption";
constexpr const char* kSseKey = "x-amz-server-side-encryption-aws-kms-key-id";
constexpr const char* kCustomerMd5 = "x-amz-server-side-encryption-customer-key-md5";

class Encryption : public S3Fixture {
 protected:
  Encryption() {
    Config config;
    config.keys = ring_.get();
    handler_ =
        std::make_unique<S3Handler>(sealed_, directory_, api_, std::move(config), clock_, random_);
  }
  static Headers customer(char c, std::string prefix = "x-amz-server-side-encryption-customer-") {
    const std::string key(crypto::kKeyBytes, c);
    return {{prefix + "algorithm", "AES256"},
            {prefix + "key", codec::to_base64(key)},
            {prefix + "key-md5", codec::to_base64(digest::md5(as_bytes(key)))}};
  }
  Reply set_default(std::string_view inside) {
    return send({.method = "PUT",
                 .path = "/bucket",
                 .query = "encryption",
                 .body = "<ServerSideEncryptionConfiguration><Rule>"
                         "<ApplyServerSideEncryptionByDefault>" +
                         std::string(inside) +
                         "</ApplyServerSideEncryptionByDefault></Rule>"
                         "</ServerSideEncryptionConfiguration>"});
  }

  io::MemoryFileSystem files_;
  std::unique_ptr<encryption::KeyRing> ring_ =
      encryption::KeyRing::open(files_, "keys", clock_, random_).value();
  object::ObjectStore sealed_{store_, clock_, random_, ring_.get()};
};

TEST_F(Encryption, says_how_an_object_is_encrypted_wherever_it_answers_about_it) {
  EXPECT_EQ(put("/bucket/a", "x", {{kSse, "AES256"}}).fields.get(kSse), "AES256");
  EXPECT_EQ(get("/bucket/a").fields.get(kSse), "AES256");
  EXPECT_EQ(get("/bucket/a").body, "x");
  const Reply kms = put("/bucket/b", "y", {{kSse, "aws:kms"}});
  EXPECT_EQ(kms.fields.get(kSse), "aws:kms");
  EXPECT_EQ(kms.fields.get(kSseKey), "arn:aws:kms:us-east-1:000000000001:key/aws/s3");
  EXPECT_EQ(put("/bucket/c", "z", {{kSse, "aws:kms"}, {kSseKey, "mine"}}).fields.get(kSseKey),
            "mine");
  EXPECT_EQ(put("/bucket/d", "w").fields.count(kSse), 0U);
}

TEST_F(Encryption, refuses_what_does_not_go_together_as_s3_does) {
  EXPECT_EQ(put("/bucket/a", "x", {{kSse, "rot13"}}).code(), "InvalidArgument");
  EXPECT_EQ(put("/bucket/a", "x", {{kSse, "aws:kms:dsse"}}).code(), "NotImplemented");
  EXPECT_EQ(put("/bucket/a", "x", {{kSse, "AES256"}, {kSseKey, "mine"}}).code(), "InvalidArgument");
  EXPECT_EQ(put("/bucket/a", "x", {{kSseKey, "mine"}}).code(), "InvalidArgument");
  EXPECT_EQ(put("/bucket/a", "x",
                {{kSse, "aws:kms"}, {kSseKey, "arn:aws:kms:us-east-1:000000000001:key/unknown"}})
                .code(),
            "KMS.NotFoundException");
  Headers both = customer('a');
  both.emplace_back(kSse, "AES256");
  EXPECT_EQ(put("/bucket/a", "x", both).code(), "InvalidArgument");
  ASSERT_EQ(put("/bucket/a", "x", {{kSse, "AES256"}}).status, 200);
  EXPECT_EQ(get("/bucket/a", "", {{kSse, "AES256"}}).status, 400);
}

TEST_F(Encryption, a_customers_key_is_asked_for_and_never_told) {
  const Reply stored = put("/bucket/a", "secret", customer('a'));
  ASSERT_EQ(stored.status, 200);
  EXPECT_EQ(stored.fields.get(kCustomerMd5), customer('a')[2].second);
  EXPECT_EQ(get("/bucket/a").code(), "InvalidRequest");
  EXPECT_EQ(get("/bucket/a", "", customer('b')).code(), "AccessDenied");
  EXPECT_EQ(get("/bucket/a", "", customer('a')).body, "secret");
}

TEST_F(Encryption, a_customers_key_must_be_whole) {
  Headers bad = customer('a');
  bad[2].second = customer('b')[2].second;
  EXPECT_EQ(put("/bucket/a", "x", bad).code(), "InvalidArgument");
  bad = customer('a');
  bad[1].second = "c2hvcnQ=";
  EXPECT_EQ(put("/bucket/a", "x", bad).code(), "InvalidArgument");
  bad = customer('a');
  bad[0].second = "AES128";
  EXPECT_EQ(put("/bucket/a", "x", bad).code(), "InvalidEncryptionAlgorithmError");
  for (size_t missing = 0; missing < 3; ++missing) {
    bad = customer('a');
    bad.erase(bad.begin() + static_cast<ptrdiff_t>(missing));
    EXPECT_EQ(put("/bucket/a", "x", bad).code(), "InvalidArgument") << missing;
  }
}

TEST_F(Encryption, a_customers_key_comes_over_tls_or_from_this_machine) {
  for (const char* near : {"127.0.0.1:1", "[::1]:1"}) {
    peer_address_ = near;
    EXPECT_EQ(put("/bucket/a", "x", customer('a')).status, 200) << near;
  }
  for (const char* far : {"192.0.2.7:1", "[2001:db8::1]:1"}) {
    peer_address_ = far;
    EXPECT_EQ(put("/bucket/b", "x", customer('a')).code(), "InvalidRequest") << far;
    EXPECT_EQ(get("/bucket/a", "", customer('a')).code(), "InvalidRequest") << far;
  }
  ClientCall call{.method = "PUT", .path = "/bucket/b", .headers = customer('a'), .body = "x"};
  std::string wire;
  http::RequestHead head = build(call, wire);
  head.secure = true;
  EXPECT_EQ(send_raw(std::move(head), std::move(wire)).status, 200);
}

TEST_F(Encryption, the_buckets_default_counts_where_the_request_says_nothing) {
  EXPECT_EQ(get("/bucket", "encryption").code(), "ServerSideEncryptionConfigurationNotFoundError");
  ASSERT_EQ(set_default("<SSEAlgorithm>aws:kms</SSEAlgorithm>"
                        "<KMSMasterKeyID>team</KMSMasterKeyID>")
                .status,
            200);
  EXPECT_EQ(put("/bucket/a", "x").fields.get(kSseKey), "team");
  EXPECT_EQ(put("/bucket/a", "x", {{kSse, "AES256"}}).fields.get(kSse), "AES256");
  EXPECT_EQ(send({.method = "DELETE", .path = "/bucket", .query = "encryption"}).status, 204);
  EXPECT_EQ(put("/bucket/a", "x").fields.count(kSse), 0U);
}

TEST_F(Encryption, a_copy_says_the_key_of_its_source) {
  ASSERT_EQ(put("/bucket/a", "secret", customer('a')).status, 200);
  Headers copy = customer('a', "x-amz-copy-source-server-side-encryption-customer-");
  copy.emplace_back("x-amz-copy-source", "/bucket/a");
  copy.emplace_back(kSse, "AES256");
  EXPECT_EQ(put("/bucket/b", "", copy).status, 200);
  EXPECT_EQ(get("/bucket/b").body, "secret");
}

TEST_F(Encryption, lifecycle_rules_are_kept_and_say_when_an_object_expires) {
  EXPECT_EQ(get("/bucket", "lifecycle").code(), "NoSuchLifecycleConfiguration");
  const std::string xml =
      "<LifecycleConfiguration><Rule><ID>old</ID><Status>Enabled</Status><Filter><Prefix>logs/"
      "</Prefix></Filter><Expiration><Days>3</Days></Expiration></Rule></LifecycleConfiguration>";
  ASSERT_EQ(send({.method = "PUT",
                  .path = "/bucket",
                  .query = "lifecycle",
                  .headers = {{"content-md5", codec::to_base64(digest::md5(as_bytes(xml)))}},
                  .body = xml})
                .status,
            200);
  EXPECT_NE(get("/bucket", "lifecycle").body.find("<ID>old</ID>"), std::string::npos);
  const Reply stored = put("/bucket/logs/1", "x");
  EXPECT_TRUE(stored.fields.get("x-amz-expiration").starts_with("expiry-date=\""));
  EXPECT_EQ(get("/bucket/logs/1").fields.get("x-amz-expiration"),
            stored.fields.get("x-amz-expiration"));
  EXPECT_EQ(put("/bucket/other", "x").fields.count("x-amz-expiration"), 0U);
  EXPECT_EQ(send({.method = "DELETE", .path = "/bucket", .query = "lifecycle"}).status, 204);
  EXPECT_EQ(get("/bucket/logs/1").fields.count("x-amz-expiration"), 0U);
}

}  // namespace
}  // namespace strata::s3
