#include "objstore/object/bucket_record.h"

#include "objstore/object/names.h"
#include "objstore/object/record_io.h"

namespace strata::object {

namespace {

// Without owner and settings, and with them.
constexpr uint8_t kPlainBucket = 1;
constexpr uint8_t kConfigured = 2;

void read_settings(RecordReader& in, BucketSettings& settings) {
  const uint64_t count = in.varint(kBucketSettingsMax);
  uint8_t last = 0;
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    const uint8_t kind = in.u8();
    const std::string_view document = in.text(kBucketSettingBytesMax);
    if (kind <= last || kind > kBucketSettingsMax) in.fail();
    if (!in.ok()) return;
    last = kind;
    settings.set(static_cast<BucketSetting>(kind), std::string(document));
  }
}

}  // namespace

std::string encode(const BucketRecord& record) {
  const bool configured = !record.owner.empty() || record.settings.count() > 0;
  RecordWriter out;
  out.u8(configured ? kConfigured : kPlainBucket);
  out.signed_varint(record.created.time_since_epoch().count());
  out.text(record.region);
  if (!configured) return std::move(out).take();
  out.text(record.owner);
  out.varint(record.settings.count());
  for (uint8_t kind = 1; kind <= kBucketSettingsMax; ++kind) {
    const std::string* document = record.settings.find(static_cast<BucketSetting>(kind));
    if (document == nullptr) continue;
    out.u8(kind);
    out.text(*document);
  }
  return std::move(out).take();
}

Result<BucketRecord> decode_bucket(std::string_view value) {
  RecordReader in(value);
  TRY_ASSIGN(const uint8_t version, read_record_version(in, kConfigured, "a bucket"));
  BucketRecord record;
  record.created = WallTime(std::chrono::milliseconds(in.signed_varint()));
  record.region = in.text(kRegionBytesMax);
  if (version >= kConfigured) {
    record.owner = in.text(kAccountBytesMax);
    read_settings(in, record.settings);
    if (record.owner.empty() && record.settings.count() == 0) in.fail();
  }
  if (!in.ok() || !in.at_end()) return record_corrupt("a bucket");
  return record;
}

}  // namespace strata::object
