#include <gtest/gtest.h>

#include "common/io/manual_clock.h"
#include "common/io/memory_file_system.h"
#include "objstore/encryption/envelope.h"
#include "objstore/encryption/key_ring.h"

namespace strata::encryption {
namespace {

using crypto::Secret;

Secret secret_of(char c) {
  return Secret(as_bytes(std::string(crypto::kKeyBytes, c)));
}

Envelope kms_envelope() {
  Envelope envelope;
  envelope.method = Method::kKms;
  envelope.key_name = "mine";
  envelope.generation = "0123456789abcdef";
  envelope.key_text = "arn:aws:kms:us-east-1:000000000001:key/mine";
  envelope.context = "eyJhIjoiYiJ9";
  envelope.bucket_key = true;
  return envelope;
}

TEST(Envelope, opens_with_the_key_that_it_was_made_with_and_no_other) {
  SeededRandom random(1);
  Envelope envelope = kms_envelope();
  const Secret data_key = make_data_key(envelope, secret_of('a'), "bucket", "key", random);
  const auto opened = open_data_key(envelope, secret_of('a'), "bucket", "key");
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(as_text(opened->bytes()), as_text(data_key.bytes()));
  const auto other = open_data_key(envelope, secret_of('b'), "bucket", "key");
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().reason, kWrongKeyReason);
}

TEST(Envelope, does_not_open_for_another_object_or_with_another_description) {
  SeededRandom random(1);
  Envelope envelope = kms_envelope();
  (void)make_data_key(envelope, secret_of('a'), "bucket", "key", random);
  const auto opens = [](const Envelope& one, std::string_view bucket, std::string_view key) {
    return open_data_key(one, secret_of('a'), bucket, key).ok();
  };
  EXPECT_TRUE(opens(envelope, "bucket", "key"));
  EXPECT_FALSE(opens(envelope, "bucket", "key2"));
  EXPECT_FALSE(opens(envelope, "bucketk", "ey"));
  Envelope changed = envelope;
  changed.context = "eyJhIjoiYyJ9";
  EXPECT_FALSE(opens(changed, "bucket", "key"));
  changed = envelope;
  changed.method = Method::kS3;
  EXPECT_FALSE(opens(changed, "bucket", "key"));
}

TEST(Envelope, is_written_and_read_and_never_holds_the_key) {
  SeededRandom random(1);
  Envelope envelope = kms_envelope();
  const Secret data_key = make_data_key(envelope, secret_of('a'), "bucket", "key", random);
  const std::string bytes = encode(envelope);
  EXPECT_EQ(decode_envelope(bytes).value(), envelope);
  EXPECT_EQ(bytes.find(as_text(data_key.bytes())), std::string::npos);
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(decode_envelope(std::string_view(bytes).substr(0, length)).ok()) << length;
  }
  EXPECT_FALSE(decode_envelope(bytes + "x").ok());
  std::string newer = bytes;
  newer[0] = 2;
  EXPECT_EQ(decode_envelope(newer).error().code, Code::kUnsupported);
}

class KeyRingTest : public ::testing::Test {
 protected:
  std::unique_ptr<KeyRing> open() { return KeyRing::open(files_, "keys", clock_, random_).value(); }

  io::ManualClock clock_;
  SeededRandom random_{5};
  io::MemoryFileSystem files_;
};

TEST_F(KeyRingTest, is_made_once_with_the_keys_that_nobody_names) {
  const std::string generation = open()->newest(kS3KeyName)->generation;
  const auto again = open();
  EXPECT_EQ(again->newest(kS3KeyName)->generation, generation);
  EXPECT_TRUE(again->has(kDefaultKmsKeyName));
  EXPECT_FALSE(again->has("mine"));
  EXPECT_EQ(again->newest("mine").error().reason, kNoSuchKeyReason);
}

TEST_F(KeyRingTest, the_newest_generation_wraps_and_the_old_ones_still_open) {
  const auto ring = open();
  ASSERT_TRUE(ring->create("mine").ok());
  EXPECT_EQ(ring->create("mine").error().code, Code::kAlreadyExists);
  const MasterKey before = ring->newest("mine").value();
  ASSERT_TRUE(ring->rotate("mine").ok());
  const auto again = open();
  const MasterKey after = again->newest("mine").value();
  EXPECT_NE(after.generation, before.generation);
  EXPECT_EQ(as_text(again->find("mine", before.generation)->secret.bytes()),
            as_text(before.secret.bytes()));
  EXPECT_FALSE(ring->rotate("other").ok());
  const auto listed = again->list();
  ASSERT_EQ(listed.size(), 3U);
  EXPECT_EQ(listed[1].name, "mine");
  EXPECT_EQ(listed[1].generations, 2U);
}

TEST_F(KeyRingTest, names_are_plain) {
  const auto ring = open();
  EXPECT_FALSE(ring->create("").ok());
  EXPECT_FALSE(ring->create("a b").ok());
  EXPECT_FALSE(ring->create("a\nkey").ok());
  EXPECT_FALSE(ring->create(std::string(257, 'x')).ok());
  EXPECT_TRUE(ring->create("team-1/a_B").ok());
}

TEST_F(KeyRingTest, a_damaged_file_is_refused_and_left_alone) {
  ASSERT_TRUE(open()->create("mine").ok());
  const std::string whole(as_text(io::read_file(files_, "keys", kKeyFileBytesMax).value()));
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    EXPECT_FALSE(parse_keys(bad).ok()) << at;
    EXPECT_FALSE(parse_keys(whole.substr(0, at)).ok()) << at;
  }
  std::string bad = whole;
  bad[40] = static_cast<char>(bad[40] ^ 1);
  ASSERT_TRUE(io::write_file_atomic(files_, "keys", as_bytes(bad)).ok());
  const auto opened = KeyRing::open(files_, "keys", clock_, random_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, Code::kCorrupt);
  EXPECT_EQ(as_text(io::read_file(files_, "keys", kKeyFileBytesMax).value()), bad);
}

TEST_F(KeyRingTest, a_key_that_was_given_out_survives_a_power_cut_anywhere) {
  for (uint64_t cut = 0; cut < 12; ++cut) {
    io::MemoryFileSystem files;
    SeededRandom chance(cut);
    auto ring = KeyRing::open(files, "keys", clock_, random_).value();
    const MasterKey first = ring->newest(kS3KeyName).value();
    files.cut_after(cut);
    const bool rotated = ring->rotate(kS3KeyName).ok();
    const std::string wraps = ring->newest(kS3KeyName)->generation;
    EXPECT_EQ(wraps != first.generation, rotated) << "a key that is not durable wraps nothing";
    files.crash(chance);
    const auto after = KeyRing::open(files, "keys", clock_, random_);
    ASSERT_TRUE(after.ok()) << cut << " " << after.error().to_string();
    EXPECT_TRUE((*after)->find(kS3KeyName, first.generation).ok()) << cut;
    EXPECT_TRUE((*after)->find(kS3KeyName, wraps).ok()) << cut;
  }
}

}  // namespace
}  // namespace strata::encryption
