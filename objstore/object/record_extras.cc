#include "objstore/object/record_extras.h"

#include <fmt/format.h>

#include "objstore/object/names.h"
#include "objstore/object/tags.h"

namespace strata::object {
namespace {

// Numbers on disk: never reused, never changed.
enum class Kind : uint8_t {
  kOwner = 1,
  kTags = 2,
  kAcl = 3,
  kRetention = 4,
  kLegalHold = 5,
  kEncryption = 6,
  kDeleteMarker = 7,
  kNullStamp = 8,
};
constexpr uint8_t kKindsMax = 8;
constexpr size_t kTagsBytesMax = 16 * kKiB;
constexpr size_t kRetentionBytesMax = 16;
constexpr std::string_view kHoldEnded = "-";  // a hold that lasts has an empty value

size_t count_extras(const Extras& extras, const VersionMarks& marks) noexcept {
  return (extras.owner.empty() ? 0u : 1u) + (extras.tags.empty() ? 0u : 1u) +
         (extras.acl.empty() ? 0u : 1u) + (extras.retention ? 1u : 0u) +
         (extras.legal_hold ? 1u : 0u) + (extras.encryption.empty() ? 0u : 1u) +
         (marks.delete_marker ? 1u : 0u) + (marks.null_stamp ? 1u : 0u);
}

void write_extra(RecordWriter& out, Kind kind, std::string_view value) {
  out.u8(static_cast<uint8_t>(kind));
  out.text(value);
}

std::string encode_tags(const Tags& tags) {
  RecordWriter out;
  out.varint(tags.size());
  for (const auto& [key, value] : tags) {
    out.text(key);
    out.text(value);
  }
  return std::move(out).take();
}

bool decode_tags(std::string_view bytes, Tags& tags) {
  RecordReader in(bytes);
  const uint64_t count = in.varint(kObjectTagsMax);
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    std::string key(in.text(kTagKeyBytesMax));
    std::string value(in.text(kTagValueBytesMax));
    tags.emplace_back(std::move(key), std::move(value));
  }
  return in.ok() && in.at_end() && count > 0;
}

std::string encode_retention(const Retention& retention) {
  RecordWriter out;
  out.u8(static_cast<uint8_t>(retention.mode));
  out.signed_varint(retention.until.time_since_epoch().count());
  return std::move(out).take();
}

bool decode_retention(std::string_view bytes, std::optional<Retention>& into) {
  RecordReader in(bytes);
  Retention retention;
  const uint8_t mode = in.u8();
  retention.mode = static_cast<RetentionMode>(mode);
  retention.until = WallTime(std::chrono::milliseconds(in.signed_varint()));
  into = retention;
  return in.ok() && in.at_end() && (mode == 1 || mode == 2);
}

bool decode_stamp(std::string_view bytes, std::optional<replica::Sequence>& into) {
  RecordReader in(bytes);
  into = replica::Sequence(in.varint());
  return in.ok() && in.at_end();
}

// What a kind's value may weigh.
size_t bytes_max(Kind kind) noexcept {
  switch (kind) {
    case Kind::kOwner:
      return kAccountBytesMax;
    case Kind::kTags:
      return kTagsBytesMax;
    case Kind::kAcl:
      return kAclBytesMax;
    case Kind::kRetention:
    case Kind::kNullStamp:
      return kRetentionBytesMax;
    case Kind::kEncryption:
      return kEncryptionBytesMax;
    case Kind::kLegalHold:
      return kHoldEnded.size();
    case Kind::kDeleteMarker:
      return 0;
  }
  return 0;
}

bool take_extra(Kind kind, std::string_view value, Extras& extras, VersionMarks* marks) {
  switch (kind) {
    case Kind::kOwner:
      extras.owner = value;
      return !value.empty();
    case Kind::kTags:
      return decode_tags(value, extras.tags);
    case Kind::kAcl:
      extras.acl = value;
      return !value.empty();
    case Kind::kRetention:
      return decode_retention(value, extras.retention);
    case Kind::kLegalHold:
      extras.legal_hold = value.empty();
      return value.empty() || value == kHoldEnded;
    case Kind::kEncryption:
      extras.encryption = value;
      return !value.empty();
    case Kind::kDeleteMarker:
      if (marks == nullptr) return false;
      marks->delete_marker = true;
      return true;
    case Kind::kNullStamp:
      return marks != nullptr && decode_stamp(value, marks->null_stamp);
  }
  return false;
}

}  // namespace

bool has_extras(const Extras& extras, const VersionMarks& marks) noexcept {
  return count_extras(extras, marks) > 0;
}

void write_extras(RecordWriter& out, const Extras& extras, const VersionMarks& marks) {
  out.varint(count_extras(extras, marks));
  if (!extras.owner.empty()) write_extra(out, Kind::kOwner, extras.owner);
  if (!extras.tags.empty()) write_extra(out, Kind::kTags, encode_tags(extras.tags));
  if (!extras.acl.empty()) write_extra(out, Kind::kAcl, extras.acl);
  if (extras.retention) write_extra(out, Kind::kRetention, encode_retention(*extras.retention));
  if (extras.legal_hold) {
    write_extra(out, Kind::kLegalHold, *extras.legal_hold ? std::string_view() : kHoldEnded);
  }
  if (!extras.encryption.empty()) write_extra(out, Kind::kEncryption, extras.encryption);
  if (marks.delete_marker) write_extra(out, Kind::kDeleteMarker, "");
  if (marks.null_stamp) {
    RecordWriter stamp;
    stamp.varint(marks.null_stamp->value());
    write_extra(out, Kind::kNullStamp, std::move(stamp).take());
  }
}

void read_extras(RecordReader& in, Extras& extras, VersionMarks* marks) {
  const uint64_t count = in.varint(kKindsMax);
  if (count == 0) in.fail();
  uint8_t last = 0;
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    const uint8_t kind = in.u8();
    if (kind <= last || kind > kKindsMax) return in.fail();
    last = kind;
    const std::string_view value = in.text(bytes_max(static_cast<Kind>(kind)));
    if (!in.ok()) return;
    if (!take_extra(static_cast<Kind>(kind), value, extras, marks)) in.fail();
  }
}

Status check_extras(const Extras& extras) {
  TRY(check_tags(extras.tags, kObjectTagsMax));
  if (extras.owner.size() > kAccountBytesMax || extras.acl.size() > kAclBytesMax ||
      extras.encryption.size() > kEncryptionBytesMax) {
    return Error(Code::kTooLarge,
                 fmt::format("an object's access control list has at most {} bytes", kAclBytesMax));
  }
  return {};
}

}  // namespace strata::object
