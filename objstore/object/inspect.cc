#include "objstore/object/inspect.h"

#include <fmt/format.h>

#include "common/codec/text.h"
#include "objstore/object/bucket_record.h"
#include "objstore/object/record_format.h"
#include "objstore/object/row_keys.h"

namespace strata::object {
namespace {

std::string time_text(WallTime time) {
  return fmt::format("{} ms since 1970", time.time_since_epoch().count());
}

std::string blob_text(uint64_t size_bytes, const std::optional<replica::BlobRef>& blob) {
  if (!blob) return fmt::format("{} bytes", size_bytes);
  return fmt::format("{} bytes in blob {} {}", size_bytes, codec::to_hex(Bytes(blob->id.bytes)),
                     blob->in_index ? "in the index" : "in a file");
}

void add_if_any(Description& out, std::string_view name, std::string_view value) {
  if (!value.empty()) out.add(name, printable(value));
}

void add_attributes(Description& out, const Attributes& attributes) {
  add_if_any(out, "content_type", attributes.content_type);
  add_if_any(out, "content_encoding", attributes.content_encoding);
  add_if_any(out, "content_language", attributes.content_language);
  add_if_any(out, "content_disposition", attributes.content_disposition);
  add_if_any(out, "cache_control", attributes.cache_control);
  add_if_any(out, "expires", attributes.expires);
  add_if_any(out, "website_redirect_location", attributes.website_redirect_location);
  add_if_any(out, "storage_class", attributes.storage_class);
  for (const auto& [name, value] : attributes.user_metadata) {
    out.add("metadata", fmt::format("{}: {}", printable(name), printable(value)));
  }
}

void add_checksums(Description& out, const std::vector<StoredChecksum>& checksums) {
  for (const StoredChecksum& checksum : checksums) {
    std::string text = fmt::format("{} {}", digest::checksum_name(checksum.algorithm),
                                   codec::to_hex(std::string_view(checksum.value)));
    if (checksum.composite) text += fmt::format(" of {} parts", checksum.parts);
    out.add("checksum", text);
  }
}

void add_extras(Description& out, const Extras& extras) {
  add_if_any(out, "owner", extras.owner);
  for (const auto& [key, value] : extras.tags) {
    out.add("tag", fmt::format("{}: {}", printable(key), printable(value)));
  }
  add_if_any(out, "acl", extras.acl);
  if (extras.retention) {
    const bool governance = extras.retention->mode == RetentionMode::kGovernance;
    out.add("retention", fmt::format("{} until {}", governance ? "governance" : "compliance",
                                     time_text(extras.retention->until)));
  }
  if (extras.legal_hold) out.add("legal_hold", *extras.legal_hold ? "on" : "off");
  if (!extras.encryption.empty()) {
    out.add("encryption", fmt::format("{} bytes", extras.encryption.size()));
  }
}

void describe_object(const ObjectRecord& record, Description& out) {
  out.add_number("stamp", record.stamp.value());
  out.add("version", printable(record.version_id));
  out.add("modified", time_text(record.modified));
  out.add_number("bytes", record.size_bytes);
  out.add("etag", printable(record.etag));
  add_attributes(out, record.attributes);
  add_checksums(out, record.checksums);
  add_extras(out, record.extras);
  if (record.marks.delete_marker) out.add("delete_marker", "yes");
  if (record.marks.null_stamp) out.add_number("null_stamp", record.marks.null_stamp->value());
  if (record.parts > 0) out.add_number("parts", record.parts);
  if (record.upload_id) out.add("upload", record.upload_id->to_text());
  for (const Segment& segment : record.segments) {
    std::string text = blob_text(segment.size_bytes, segment.blob);
    if (segment.part_number > 0) text = fmt::format("part {}: {}", segment.part_number, text);
    if (!segment.checksum.empty() && record.part_checksum) {
      text += fmt::format(", {} {}", digest::checksum_name(*record.part_checksum),
                          codec::to_hex(std::string_view(segment.checksum)));
    }
    out.add("segment", text);
  }
}

void describe_upload(const UploadRecord& record, Description& out) {
  out.add("started", time_text(record.started));
  add_attributes(out, record.attributes);
  if (record.checksum_algorithm) {
    out.add("checksum_algorithm", digest::checksum_name(*record.checksum_algorithm));
    out.add("checksum_of", record.checksum_full_object ? "the whole object" : "the parts");
  }
  add_extras(out, record.extras);
}

void describe_part(const PartRecord& record, Description& out) {
  out.add("content", blob_text(record.size_bytes, record.blob));
  out.add("modified", time_text(record.modified));
  out.add("md5", codec::to_hex(std::string_view(record.md5)));
  add_checksums(out, record.checksums);
}

void describe_bucket(const BucketRecord& record, Description& out) {
  out.add("created", time_text(record.created));
  out.add("region", printable(record.region));
  add_if_any(out, "owner", record.owner);
  for (uint8_t kind = 1; kind <= kBucketSettingsMax; ++kind) {
    const std::string* document = record.settings.find(static_cast<BucketSetting>(kind));
    if (document == nullptr) continue;
    out.add(bucket_setting_name(static_cast<BucketSetting>(kind)), printable(*document));
  }
}

template <typename Record>
void describe_value(const Result<Record>& record, size_t value_bytes,
                    void (*describe)(const Record&, Description&), Description& out) {
  if (record.ok()) {
    describe(*record, out);
  } else {
    out.add_damage(0, value_bytes, record.error().message);
  }
}

}  // namespace

std::string label_of_row(std::string_view name) {
  const auto row = rows::parse(name);
  if (!row) return {};
  std::string label(row->bucket);
  if (row->kind != rows::RowName::Kind::kBucket) label += fmt::format("/{}", row->key);
  return label;
}

Description describe_row(std::string_view name, std::string_view value) {
  Description out{.what = "row"};
  const auto row = rows::parse(name);
  if (!row) {
    out.add("name", printable(name));
    out.add_damage(0, name.size(),
                   "the name is not that of a bucket, object, version, upload or part");
    return out;
  }
  out.add("bucket", printable(row->bucket));
  if (!row->key.empty()) out.add("key", printable(row->key));
  if (row->upload) out.add("upload", row->upload->to_text());
  switch (row->kind) {
    case rows::RowName::Kind::kBucket:
      out.what = "bucket";
      describe_value(decode_bucket(value), value.size(), describe_bucket, out);
      break;
    case rows::RowName::Kind::kObject:
      out.what = "object";
      describe_value(decode_object(value), value.size(), describe_object, out);
      break;
    case rows::RowName::Kind::kVersion:
      out.what = "version";
      out.add_number("stamp_of_name", row->stamp.value());
      describe_value(decode_object(value), value.size(), describe_object, out);
      break;
    case rows::RowName::Kind::kUpload:
      out.what = "upload";
      describe_value(decode_upload(value), value.size(), describe_upload, out);
      break;
    case rows::RowName::Kind::kPart:
      out.what = "part";
      out.add_number("part", row->part);
      describe_value(decode_part(value), value.size(), describe_part, out);
      break;
  }
  return out;
}

}  // namespace strata::object
