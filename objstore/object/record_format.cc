#include "objstore/object/record_format.h"

#include <fmt/format.h>

#include <cstring>

#include "common/base/check.h"
#include "objstore/encryption/segments.h"
#include "objstore/object/names.h"
#include "objstore/object/record_io.h"

namespace strata::object {
namespace {

using digest::ChecksumAlgorithm;

constexpr size_t kMd5Bytes = 16;
constexpr uint8_t kPlain = 1;
constexpr uint8_t kWithExtras = 2;
constexpr uint8_t kSealedPart = 2;

// Numbers on disk: never reused, never changed. 0 is "none".
uint8_t algorithm_code(ChecksumAlgorithm algorithm) {
  switch (algorithm) {
    case ChecksumAlgorithm::kCrc32:
      return 1;
    case ChecksumAlgorithm::kCrc32c:
      return 2;
    case ChecksumAlgorithm::kCrc64Nvme:
      return 3;
    case ChecksumAlgorithm::kSha1:
      return 4;
    case ChecksumAlgorithm::kSha256:
      return 5;
    case ChecksumAlgorithm::kSha512:
      return 6;
    case ChecksumAlgorithm::kMd5:
      return 7;
    case ChecksumAlgorithm::kXxhash64:
      return 8;
    case ChecksumAlgorithm::kXxhash3:
      return 9;
    case ChecksumAlgorithm::kXxhash128:
      return 10;
  }
  CHECK(false, "a checksum algorithm without a number on disk");
  return 0;
}

std::optional<ChecksumAlgorithm> algorithm_of(uint8_t code) noexcept {
  for (const ChecksumAlgorithm algorithm : digest::kChecksumAlgorithms) {
    if (algorithm_code(algorithm) == code) return algorithm;
  }
  return std::nullopt;
}

void write_optional_algorithm(RecordWriter& out, std::optional<ChecksumAlgorithm> algorithm) {
  out.u8(algorithm ? algorithm_code(*algorithm) : 0);
}

std::optional<ChecksumAlgorithm> read_optional_algorithm(RecordReader& in) {
  const uint8_t code = in.u8();
  if (code == 0) return std::nullopt;
  const std::optional<ChecksumAlgorithm> algorithm = algorithm_of(code);
  if (!algorithm) in.fail();
  return algorithm;
}

void write_time(RecordWriter& out, WallTime time) {
  out.signed_varint(time.time_since_epoch().count());
}

WallTime read_time(RecordReader& in) {
  return WallTime(std::chrono::milliseconds(in.signed_varint()));
}

void write_attributes(RecordWriter& out, const Attributes& attributes) {
  out.text(attributes.content_type);
  out.text(attributes.content_encoding);
  out.text(attributes.content_language);
  out.text(attributes.content_disposition);
  out.text(attributes.cache_control);
  out.text(attributes.expires);
  out.text(attributes.website_redirect_location);
  out.text(attributes.storage_class);
  out.varint(attributes.user_metadata.size());
  for (const auto& [name, value] : attributes.user_metadata) {
    out.text(name);
    out.text(value);
  }
}

Attributes read_attributes(RecordReader& in) {
  Attributes attributes;
  attributes.content_type = in.text(kAttributeBytesMax);
  attributes.content_encoding = in.text(kAttributeBytesMax);
  attributes.content_language = in.text(kAttributeBytesMax);
  attributes.content_disposition = in.text(kAttributeBytesMax);
  attributes.cache_control = in.text(kAttributeBytesMax);
  attributes.expires = in.text(kAttributeBytesMax);
  attributes.website_redirect_location = in.text(kAttributeBytesMax);
  attributes.storage_class = in.text(kAttributeBytesMax);
  const uint64_t entries = in.varint(kUserMetadataEntriesMax);
  for (uint64_t i = 0; i < entries && in.ok(); ++i) {
    std::string name(in.text(kUserMetadataBytesMax));
    std::string value(in.text(kUserMetadataBytesMax));
    attributes.user_metadata.emplace_back(std::move(name), std::move(value));
  }
  return attributes;
}

void write_checksums(RecordWriter& out, const std::vector<StoredChecksum>& checksums) {
  CHECK(checksums.size() <= kChecksumsMax);
  out.varint(checksums.size());
  for (const StoredChecksum& checksum : checksums) {
    out.u8(algorithm_code(checksum.algorithm));
    out.boolean(checksum.composite);
    out.varint(checksum.parts);
    out.text(checksum.value);
  }
}

std::vector<StoredChecksum> read_checksums(RecordReader& in) {
  std::vector<StoredChecksum> checksums;
  const uint64_t count = in.varint(kChecksumsMax);
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    StoredChecksum checksum;
    const std::optional<ChecksumAlgorithm> algorithm = algorithm_of(in.u8());
    if (!algorithm) {
      in.fail();
      break;
    }
    checksum.algorithm = *algorithm;
    checksum.composite = in.boolean();
    checksum.parts = static_cast<uint32_t>(in.varint(kPartNumberMax));
    checksum.value = in.text(kChecksumBytesMax);
    checksums.push_back(std::move(checksum));
  }
  return checksums;
}

// How long a blob is that holds so many bytes of an object or part, encrypted or not.
uint64_t blob_bytes(uint64_t size_bytes, bool sealed, encryption::Form form) {
  return sealed ? encryption::sealed_bytes(size_bytes, form) : size_bytes;
}

encryption::Form form_of(const ObjectRecord& record) {
  return record.parts > 0 ? encryption::Form::kPart : encryption::Form::kObject;
}

// The size is written before; a blob follows only where there are bytes.
void write_blob(RecordWriter& out, uint64_t size_bytes,
                const std::optional<replica::BlobRef>& blob) {
  CHECK(blob.has_value() == (size_bytes > 0), "bytes live in a blob, no bytes in none");
  if (!blob) return;
  CHECK(blob->size_bytes == size_bytes);
  out.raw(as_text(blob->id.bytes));
  out.boolean(blob->in_index);
}

std::optional<replica::BlobRef> read_blob(RecordReader& in, uint64_t size_bytes) {
  if (size_bytes == 0) return std::nullopt;
  replica::BlobRef blob;
  const std::string_view id = in.raw(blob.id.bytes.size());
  if (!in.ok()) return std::nullopt;
  std::memcpy(blob.id.bytes.data(), id.data(), id.size());
  blob.size_bytes = size_bytes;
  blob.in_index = in.boolean();
  return blob;
}

void write_segments(RecordWriter& out, const ObjectRecord& record) {
  const bool sealed = !record.extras.encryption.empty();
  out.varint(record.segments.size());
  for (const Segment& segment : record.segments) {
    out.varint(segment.part_number);
    out.varint(segment.size_bytes);
    write_blob(out, blob_bytes(segment.size_bytes, sealed, form_of(record)), segment.blob);
    out.text(segment.checksum);
  }
}

// The runs must be the parts in ascending order and add up to the object.
void read_segments(RecordReader& in, ObjectRecord& record) {
  const uint64_t count = in.varint(kPartNumberMax);
  const uint64_t expected = record.parts != 0 ? record.parts : (record.size_bytes != 0 ? 1 : 0);
  if (count != expected) in.fail();
  const bool sealed = !record.extras.encryption.empty();
  uint64_t bytes = 0;
  uint32_t last_number = 0;
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    Segment segment;
    segment.part_number = static_cast<uint32_t>(in.varint(kPartNumberMax));
    segment.size_bytes = in.varint(kPartBytesMax);
    segment.blob = read_blob(in, blob_bytes(segment.size_bytes, sealed, form_of(record)));
    segment.checksum = in.text(kChecksumBytesMax);
    const bool in_order =
        record.parts == 0 ? segment.part_number == 0 : segment.part_number > last_number;
    if (!in_order) in.fail();
    last_number = segment.part_number;
    bytes += segment.size_bytes;
    if (in.ok()) record.segments.push_back(std::move(segment));
  }
  if (bytes != record.size_bytes) in.fail();
}

}  // namespace

ObjectInfo ObjectRecord::take_info(std::string key) {
  ObjectInfo info;
  info.key = std::move(key);
  info.version_id = std::move(version_id);
  info.size_bytes = size_bytes;
  info.etag = std::move(etag);
  info.modified = modified;
  info.attributes = std::move(attributes);
  info.checksums = std::move(checksums);
  info.parts = parts;
  info.extras = std::move(extras);
  info.delete_marker = marks.delete_marker;
  return info;
}

std::vector<replica::BlobRef> ObjectRecord::blobs() const {
  std::vector<replica::BlobRef> blobs;
  for (const Segment& segment : segments) {
    if (segment.blob) blobs.push_back(*segment.blob);
  }
  return blobs;
}

std::string encode(const ObjectRecord& record) {
  const bool with_extras = has_extras(record.extras, record.marks);
  RecordWriter out;
  out.u8(with_extras ? kWithExtras : kPlain);
  out.varint(record.stamp.value());
  out.text(record.version_id);
  write_time(out, record.modified);
  out.varint(record.size_bytes);
  out.text(record.etag);
  write_attributes(out, record.attributes);
  write_checksums(out, record.checksums);
  out.varint(record.parts);
  out.boolean(record.upload_id.has_value());
  if (record.upload_id) out.raw(record.upload_id->raw);
  write_optional_algorithm(out, record.part_checksum);
  if (with_extras) write_extras(out, record.extras, record.marks);
  write_segments(out, record);
  return std::move(out).take();
}

Result<ObjectRecord> decode_object(std::string_view value, ObjectDepth depth) {
  RecordReader in(value);
  TRY_ASSIGN(const uint8_t version, read_record_version(in, kRecordVersion, "an object"));
  ObjectRecord record;
  record.stamp = replica::Sequence(in.varint());
  record.version_id = in.text(kVersionIdBytesMax);
  record.modified = read_time(in);
  record.size_bytes = in.varint(kObjectBytesMax);
  record.etag = in.text(kEtagBytesMax);
  record.attributes = read_attributes(in);
  record.checksums = read_checksums(in);
  record.parts = static_cast<uint32_t>(in.varint(kPartNumberMax));
  if (in.boolean()) record.upload_id = UploadId{std::string(in.raw(UploadId::kBytes))};
  record.part_checksum = read_optional_algorithm(in);
  if (version >= kWithExtras) read_extras(in, record.extras, &record.marks);
  if (depth == ObjectDepth::kWhole) {
    read_segments(in, record);
    if (!in.at_end()) in.fail();
  }
  if (!in.ok()) return record_corrupt("an object");
  return record;
}

std::string encode(const UploadRecord& record) {
  const bool with_extras = has_extras(record.extras, {});
  RecordWriter out;
  out.u8(with_extras ? kWithExtras : kPlain);
  write_time(out, record.started);
  write_attributes(out, record.attributes);
  write_optional_algorithm(out, record.checksum_algorithm);
  out.boolean(record.checksum_full_object);
  if (with_extras) write_extras(out, record.extras, {});
  return std::move(out).take();
}

Result<UploadRecord> decode_upload(std::string_view value) {
  RecordReader in(value);
  TRY_ASSIGN(const uint8_t version, read_record_version(in, kRecordVersion, "an upload"));
  UploadRecord record;
  record.started = read_time(in);
  record.attributes = read_attributes(in);
  record.checksum_algorithm = read_optional_algorithm(in);
  record.checksum_full_object = in.boolean();
  if (version >= kWithExtras) read_extras(in, record.extras, nullptr);
  if (!in.ok() || !in.at_end()) return record_corrupt("an upload");
  return record;
}

std::string encode(const PartRecord& record) {
  CHECK(record.md5.size() == kMd5Bytes);
  RecordWriter out;
  out.u8(record.sealed ? kSealedPart : kPlain);
  out.varint(record.size_bytes);
  write_time(out, record.modified);
  out.raw(record.md5);
  write_checksums(out, record.checksums);
  write_blob(out, blob_bytes(record.size_bytes, record.sealed, encryption::Form::kPart),
             record.blob);
  return std::move(out).take();
}

Result<PartRecord> decode_part(std::string_view value) {
  RecordReader in(value);
  TRY_ASSIGN(const uint8_t version, read_record_version(in, kRecordVersion, "a part"));
  PartRecord record;
  record.sealed = version == kSealedPart;
  record.size_bytes = in.varint(kPartBytesMax);
  record.modified = read_time(in);
  record.md5 = in.raw(kMd5Bytes);
  record.checksums = read_checksums(in);
  record.blob =
      read_blob(in, blob_bytes(record.size_bytes, record.sealed, encryption::Form::kPart));
  if (!in.ok() || !in.at_end()) return record_corrupt("a part");
  return record;
}

}  // namespace strata::object
