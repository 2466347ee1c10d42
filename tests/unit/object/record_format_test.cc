#include "objstore/object/record_format.h"

#include <gtest/gtest.h>

#include "common/codec/text.h"
#include "objstore/encryption/segments.h"
#include "objstore/object/bucket_record.h"
#include "objstore/object/record_io.h"

namespace strata::object {
namespace {

replica::BlobRef blob(uint8_t first, uint64_t size_bytes) {
  replica::BlobRef ref;
  ref.id.bytes[0] = std::byte{first};
  ref.size_bytes = size_bytes;
  return ref;
}

ObjectRecord multipart() {
  ObjectRecord record;
  record.stamp = replica::Sequence(300);
  record.modified = WallTime(std::chrono::milliseconds(-5));
  record.size_bytes = 12;
  record.etag = "0123456789abcdef0123456789abcdef-3";
  record.attributes.content_type = "text/plain";
  record.attributes.user_metadata = {{"a", "1"}, {"b", ""}};
  record.checksums = {{digest::ChecksumAlgorithm::kSha1, std::string(20, 'x'), true, 3}};
  record.upload_id = UploadId::make(replica::Sequence(4), 5);
  record.part_checksum = digest::ChecksumAlgorithm::kSha1;
  record.parts = 3;
  record.segments = {
      {1, 5, blob(1, 5), "aa"}, {7, 0, std::nullopt, "bb"}, {9, 7, blob(2, 7), "cc"}};
  return record;
}

TEST(RecordFormat, an_object_comes_back_as_it_was) {
  const ObjectRecord record = multipart();
  const std::string bytes = encode(record);
  const ObjectRecord back = decode_object(bytes).value();
  EXPECT_EQ(encode(back), bytes);
  EXPECT_EQ(back.modified, record.modified);
  EXPECT_EQ(back.attributes.user_metadata, record.attributes.user_metadata);
  EXPECT_EQ(back.upload_id->raw, record.upload_id->raw);
  EXPECT_EQ(back.segments[2].blob, record.segments[2].blob);
  EXPECT_EQ(back.blobs().size(), 2u);
}

ObjectRecord with_extras() {
  ObjectRecord record = multipart();
  record.extras.owner = "123456789012";
  record.extras.tags = {{"team", "blue"}, {"empty", ""}};
  record.extras.acl = "list";
  record.extras.retention = Retention{RetentionMode::kCompliance, WallTime(std::chrono::hours(5))};
  record.extras.legal_hold = true;
  record.extras.encryption = "sealed";
  for (Segment& segment : record.segments) {
    if (!segment.blob) continue;
    segment.blob->size_bytes =
        encryption::sealed_bytes(segment.size_bytes, encryption::Form::kPart);
  }
  record.marks.null_stamp = replica::Sequence(9);
  return record;
}

TEST(RecordFormat, extras_come_back_as_they_were) {
  ObjectRecord record = with_extras();
  const ObjectRecord back = decode_object(encode(record)).value();
  EXPECT_EQ(back.extras, record.extras);
  EXPECT_EQ(back.marks.null_stamp, record.marks.null_stamp);
  EXPECT_EQ(encode(back), encode(record));
  const ObjectRecord summary = decode_object(encode(record), ObjectDepth::kSummary).value();
  EXPECT_EQ(summary.extras, record.extras);
  ObjectRecord marker;
  marker.marks.delete_marker = true;
  EXPECT_TRUE(decode_object(encode(marker)).value().take_info("k").delete_marker);
  UploadRecord upload;
  upload.extras = record.extras;
  EXPECT_EQ(decode_upload(encode(upload)).value().extras, record.extras);
}

TEST(RecordFormat, a_hold_that_ended_differs_from_none_and_one_that_lasts_has_its_first_form) {
  ObjectRecord record = multipart();
  record.extras.legal_hold = true;
  const std::string held = encode(record);
  record.extras.legal_hold = false;
  const std::string ended = encode(record);
  EXPECT_EQ(ended.size(), held.size() + 1);
  EXPECT_EQ(decode_object(held)->extras.legal_hold, true);
  EXPECT_EQ(decode_object(ended)->extras.legal_hold, false);
  EXPECT_EQ(encode(*decode_object(ended)), ended);
  record.extras.legal_hold.reset();
  EXPECT_EQ(decode_object(encode(record))->extras.legal_hold, std::nullopt);
}

TEST(RecordFormat, a_record_without_extras_has_the_first_form) {
  EXPECT_EQ(encode(multipart())[0], 1);
  EXPECT_EQ(encode(with_extras())[0], 2);
  std::string bytes = encode(multipart());
  bytes[0] = 2;
  EXPECT_FALSE(decode_object(bytes).ok());
}

TEST(RecordFormat, every_cut_of_extras_is_refused) {
  const std::string bytes = encode(with_extras());
  for (size_t length = 0; length < bytes.size(); ++length) {
    ASSERT_FALSE(decode_object(bytes.substr(0, length)).ok()) << length;
  }
}

TEST(RecordFormat, extras_that_do_not_ascend_or_are_not_known_are_refused) {
  using namespace std::literals;
  for (const std::string& list :
       {"\x00"s, "\x01\x09\x00"s, "\x01\x00\x00"s, "\x02\x05\x00\x05\x00"s,
        "\x02\x05\x00\x03\x01x"s, "\x01\x05\x01x"s, "\x01\x01\x00"s, "\x01\x04\x02\x03\x00"s,
        "\x01\x02\x01\x00"s}) {
    RecordReader in(list);
    Extras extras;
    VersionMarks marks;
    read_extras(in, extras, &marks);
    EXPECT_FALSE(in.ok()) << codec::to_hex(std::string_view(list));
  }
  RecordReader in("\x01\x07\x00"sv);
  Extras extras;
  read_extras(in, extras, nullptr);
  EXPECT_FALSE(in.ok());
}

TEST(RecordFormat, a_summary_leaves_out_the_segments_only) {
  const ObjectRecord back = decode_object(encode(multipart()), ObjectDepth::kSummary).value();
  EXPECT_TRUE(back.segments.empty());
  EXPECT_EQ(back.parts, 3u);
  EXPECT_EQ(back.etag, multipart().etag);
}

TEST(RecordFormat, a_bucket_comes_back_with_its_owner_and_its_settings) {
  BucketRecord bucket;
  bucket.region = "us-east-1";
  bucket.owner = "000000000002";
  bucket.settings.set(BucketSetting::kVersioning, "Enabled");
  bucket.settings.set(BucketSetting::kEncryption, "");
  const std::string bytes = encode(bucket);
  const BucketRecord back = decode_bucket(bytes).value();
  EXPECT_EQ(back.owner, bucket.owner);
  EXPECT_EQ(back.settings, bucket.settings);
  EXPECT_EQ(encode(back), bytes);
  // Kinds ascend, so that each record has one encoding.
  bucket.settings.set(BucketSetting::kEncryption, std::nullopt);
  std::string twice = encode(bucket);
  twice[twice.size() - 10] = 2;
  const std::string setting = twice.substr(twice.size() - 9);
  EXPECT_FALSE(decode_bucket(twice + setting).ok());
}

TEST(RecordFormat, a_bucket_with_nothing_to_say_is_written_as_ever) {
  BucketRecord bucket;
  bucket.region = "r";
  EXPECT_EQ(encode(bucket)[0], '\x01');
  std::string empty_second = encode(bucket);
  empty_second[0] = '\x02';
  EXPECT_FALSE(decode_bucket(empty_second + std::string(2, '\0')).ok());
}

TEST(RecordFormat, uploads_parts_and_buckets_come_back_as_they_were) {
  UploadRecord upload{WallTime(std::chrono::milliseconds(1)), {}, std::nullopt, false};
  upload.checksum_algorithm = digest::ChecksumAlgorithm::kCrc64Nvme;
  upload.checksum_full_object = true;
  EXPECT_EQ(encode(decode_upload(encode(upload)).value()), encode(upload));
  PartRecord part{9, WallTime(std::chrono::milliseconds(2)), std::string(16, 'm'), {}, blob(3, 9)};
  EXPECT_EQ(encode(decode_part(encode(part)).value()), encode(part));
  BucketRecord bucket;
  bucket.created = WallTime(std::chrono::milliseconds(3));
  bucket.region = "eu-central-1";
  EXPECT_EQ(decode_bucket(encode(bucket)).value().region, "eu-central-1");
}

TEST(RecordFormat, the_worked_example_of_the_document_holds) {
  BucketRecord bucket;
  bucket.created = WallTime(std::chrono::milliseconds(1'700'000'000'123));
  bucket.region = "us-east-1";
  EXPECT_EQ(codec::to_hex(std::string_view(encode(bucket))),
            "01f6a1abfef962"
            "0975732d656173742d31");
}

TEST(RecordFormat, every_cut_is_refused) {
  const std::string bytes = encode(multipart());
  for (size_t length = 0; length < bytes.size(); ++length) {
    const Result<ObjectRecord> cut = decode_object(bytes.substr(0, length));
    ASSERT_FALSE(cut.ok()) << length;
    EXPECT_EQ(cut.error().code, Code::kCorrupt);
  }
  EXPECT_FALSE(decode_object(bytes + '\0').ok());
}

TEST(RecordFormat, a_newer_version_is_refused_with_advice) {
  std::string bytes = encode(multipart());
  bytes[0] = static_cast<char>(kRecordVersion + 1);
  const Result<ObjectRecord> newer = decode_object(bytes);
  ASSERT_FALSE(newer.ok());
  EXPECT_EQ(newer.error().code, Code::kUnsupported);
  EXPECT_NE(newer.error().message.find("newer"), std::string::npos);
}

TEST(RecordFormat, segments_that_do_not_add_up_are_refused) {
  ObjectRecord record = multipart();
  record.size_bytes = 13;
  EXPECT_FALSE(decode_object(encode(record)).ok());
  record = multipart();
  std::swap(record.segments[0], record.segments[2]);
  EXPECT_FALSE(decode_object(encode(record)).ok());
  record = multipart();
  record.parts = 2;
  EXPECT_FALSE(decode_object(encode(record)).ok());
}

TEST(RecordReader, takes_the_shortest_form_of_a_number_only) {
  RecordReader good("\x80\x01");
  EXPECT_EQ(good.varint(), 128u);
  EXPECT_TRUE(good.ok());
  RecordReader long_form(std::string_view("\x81\x00", 2));
  EXPECT_EQ(long_form.varint(), 0u);
  EXPECT_FALSE(long_form.ok());
  RecordReader greatest("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
  EXPECT_EQ(greatest.varint(), UINT64_MAX);
  RecordReader overflow("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02");
  EXPECT_EQ(overflow.varint(), 0u);
  EXPECT_FALSE(overflow.ok());
  RecordReader past("\x05");
  EXPECT_EQ(past.varint(4), 0u);
  EXPECT_FALSE(past.ok());
}

TEST(RecordReader, gives_nothing_after_a_failure) {
  RecordReader in(
      "\x05"
      "abc");
  EXPECT_EQ(in.text(10), "");
  EXPECT_EQ(in.u8(), 0);
  EXPECT_FALSE(in.ok());
}

TEST(RecordReader, signed_numbers_come_back) {
  for (const int64_t value : {INT64_MIN, int64_t{-1}, int64_t{0}, int64_t{1}, INT64_MAX}) {
    RecordWriter out;
    out.signed_varint(value);
    const std::string bytes = std::move(out).take();
    RecordReader in(bytes);
    EXPECT_EQ(in.signed_varint(), value);
    EXPECT_TRUE(in.ok() && in.at_end());
  }
}

}  // namespace
}  // namespace strata::object
