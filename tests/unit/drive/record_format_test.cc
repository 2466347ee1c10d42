#include "objstore/drive/record_format.h"

#include <gtest/gtest.h>

#include "common/digest/checksum.h"
#include "objstore/drive/identity.h"

namespace strata::drive {
namespace {

Id128 record_id(uint8_t fill) {
  Id128 id;
  id.bytes.fill(static_cast<std::byte>(fill));
  return id;
}
const RecordSeed kRecordSeed = RecordSeed::of_cluster(record_id(1));

std::string row_record(std::string_view key, std::string_view value) {
  return encode_row_header(kRecordSeed, key, 7, 9, digest::xxh3(as_bytes(value))) +
         std::string(value);
}

// Calls check with the text after each of its bytes has been changed in turn, and with each prefix.
template <typename Check>
void for_each_damage(const std::string& good, Check check) {
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x20);
    check(bad, i);
    check(good.substr(0, i), i);
  }
}

TEST(RecordFormat, a_row_comes_back_and_any_changed_byte_of_it_is_found) {
  const std::string good = row_record("key", "the value");
  const RowRecord row = decode_row(kRecordSeed, "key", good).value();
  EXPECT_EQ(row.sequence, 7u);
  EXPECT_EQ(row.placement, 9u);
  EXPECT_EQ(row.value, "the value");
  for_each_damage(good, [](const std::string& bad, size_t at) {
    EXPECT_FALSE(decode_row(kRecordSeed, "key", bad).ok()) << at;
  });
}

TEST(RecordFormat, a_row_under_another_key_or_of_another_cluster_is_refused) {
  const std::string good = row_record("key", "value");
  EXPECT_EQ(decode_row(kRecordSeed, "kez", good).error().code, Code::kCorrupt);
  EXPECT_EQ(decode_row(RecordSeed::of_cluster(record_id(2)), "key", good).error().code,
            Code::kCorrupt);
}

TEST(RecordFormat, a_small_blob_comes_back_and_any_changed_byte_of_it_is_found) {
  const std::string content = "small blob";
  const BlobName name{.id = record_id(3), .size_bytes = content.size(), .in_index = true};
  const std::string good =
      encode_small_header(kRecordSeed, name.id, name.size_bytes, digest::xxh3(as_bytes(content))) +
      content;
  EXPECT_EQ(as_text(decode_small(kRecordSeed, name, good).value()), content);
  for_each_damage(good, [&](const std::string& bad, size_t at) {
    EXPECT_FALSE(decode_small(kRecordSeed, name, bad).ok()) << at;
  });
  BlobName other = name;
  other.id = record_id(4);
  EXPECT_FALSE(decode_small(kRecordSeed, other, good).ok());
}

TEST(RecordFormat, blob_and_log_records_come_back_and_any_changed_byte_is_found) {
  const BlobRecord blob{.size_bytes = 5, .in_index = true, .sequence = 6, .placement = 7};
  const std::string blob_text = encode_blob(kRecordSeed, record_id(5), blob);
  EXPECT_EQ(decode_blob(kRecordSeed, record_id(5), blob_text).value().placement, 7u);
  for_each_damage(blob_text, [](const std::string& bad, size_t at) {
    EXPECT_FALSE(decode_blob(kRecordSeed, record_id(5), bad).ok()) << at;
  });
  LogRecord entry;
  entry.sequence = 11;
  entry.agreed = 10;
  entry.placement = 12;
  entry.rows = {"one", "", "three"};
  entry.blobs = {BlobName{.id = record_id(6), .size_bytes = 99, .in_index = false}};
  const std::string log_text = encode_log(kRecordSeed, entry);
  const LogRecord back = decode_log(kRecordSeed, 11, log_text).value();
  EXPECT_EQ(back.rows, entry.rows);
  EXPECT_EQ(back.blobs, entry.blobs);
  EXPECT_EQ(back.agreed, 10u);
  EXPECT_FALSE(decode_log(kRecordSeed, 12, log_text).ok());
  for_each_damage(log_text, [](const std::string& bad, size_t at) {
    EXPECT_FALSE(decode_log(kRecordSeed, 11, bad).ok()) << at;
  });
}

TEST(Identity, it_comes_back_and_any_changed_byte_of_it_is_found) {
  Identity identity;
  identity.cluster = record_id(1);
  identity.drive = record_id(2);
  identity.replicas = 2;
  identity.layout = 7;
  identity.members = {{record_id(12), record_id(2), 100}, {record_id(13), record_id(3), 2}};
  identity.next = {{record_id(12), record_id(2), 100}, {record_id(13), record_id(4), 2}};
  const std::string good = render_identity(identity);
  EXPECT_EQ(parse_identity(good).value(), identity);
  for_each_damage(good, [](const std::string& bad, size_t at) {
    EXPECT_FALSE(parse_identity(bad).ok()) << at;
  });
}

TEST(Identity, lists_that_contradict_themselves_are_refused) {
  Identity good;
  good.drive = record_id(2);
  good.replicas = 1;
  good.members = {{record_id(12), record_id(2), 1}, {record_id(13), record_id(3), 1}};
  EXPECT_TRUE(parse_identity(render_identity(good)).ok());
  Identity same_drive = good;
  same_drive.members[1].drive = record_id(2);
  EXPECT_FALSE(parse_identity(render_identity(same_drive)).ok());
  Identity same_slot = good;
  same_slot.members[1].slot = record_id(12);
  EXPECT_FALSE(parse_identity(render_identity(same_slot)).ok());
  Identity weightless = good;
  weightless.members[0].weight = 0;
  EXPECT_FALSE(parse_identity(render_identity(weightless)).ok());
  Identity too_few = good;
  too_few.replicas = 2;
  too_few.next = {{record_id(12), record_id(2), 1}};
  EXPECT_FALSE(parse_identity(render_identity(too_few)).ok());
}

TEST(Identity, a_drive_that_has_left_still_says_what_it_was) {
  Identity left;
  left.drive = record_id(9);
  left.replicas = 1;
  left.members = {{record_id(12), record_id(2), 1}};
  const auto parsed = parse_identity(render_identity(left));
  ASSERT_TRUE(parsed.ok());
  EXPECT_FALSE(parsed->is_member());
}

TEST(Identity, a_newer_format_is_refused_with_advice) {
  Identity identity;
  identity.format = kDriveFormat + 1;
  identity.replicas = 1;
  identity.members = {{identity.drive, identity.drive, 1}};
  const auto refused = parse_identity(render_identity(identity));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kUnsupported);
  EXPECT_NE(refused.error().message.find("newer"), std::string::npos);
}

}  // namespace
}  // namespace strata::drive
