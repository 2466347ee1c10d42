#include "objstore/object/row_keys.h"

#include "common/base/check.h"
#include "common/codec/text.h"

namespace strata::object {
namespace {

constexpr char kBucketKind = 'b';
constexpr char kObjectKind = 'o';
constexpr char kVersionKind = 'v';
constexpr char kUploadKind = 'u';
constexpr char kPartKind = 'p';

template <typename T>
void append_big(std::string& to, T value) {
  std::byte bytes[sizeof(T)];
  store_big(bytes, value);
  to.append(as_text(bytes));
}

std::string head(char kind, std::string_view bucket) {
  std::string name;
  name.reserve(bucket.size() + 2);
  name += kind;
  name += bucket;
  name += '\0';
  return name;
}

std::string keyed(char kind, std::string_view bucket, std::string_view key) {
  std::string name;
  name.reserve(bucket.size() + key.size() + UploadId::kBytes + 8);
  name += kind;
  name += bucket;
  name += '\0';
  name += key;
  name += '\0';
  return name;
}

}  // namespace

UploadId UploadId::make(replica::Sequence stamp, uint64_t random) {
  UploadId id;
  append_big(id.raw, stamp.value());
  append_big(id.raw, random);
  return id;
}

std::optional<UploadId> UploadId::parse(std::string_view text) {
  if (text.size() != 2 * kBytes) return std::nullopt;
  std::optional<std::string> raw = codec::from_hex(text);
  if (!raw || codec::to_hex(std::string_view(*raw)) != text) return std::nullopt;
  return UploadId{std::move(*raw)};
}

std::string UploadId::to_text() const {
  return codec::to_hex(std::string_view(raw));
}

namespace rows {

std::string bucket(std::string_view bucket) {
  std::string name(1, kBucketKind);
  name += bucket;
  return name;
}

std::string object(std::string_view bucket, std::string_view key) {
  return keyed(kObjectKind, bucket, key);
}

std::string version(std::string_view bucket, std::string_view key, replica::Sequence stamp) {
  std::string name = keyed(kVersionKind, bucket, key);
  append_big(name, ~stamp.value());
  return name;
}

std::string upload(std::string_view bucket, std::string_view key, const UploadId& id) {
  std::string name = keyed(kUploadKind, bucket, key);
  name += id.raw;
  return name;
}

std::string part(std::string_view bucket, std::string_view key, const UploadId& id,
                 uint32_t number) {
  std::string name = parts_head(bucket, key, id);
  append_big(name, number);
  return name;
}

std::string buckets_head() {
  return std::string(1, kBucketKind);
}

std::string objects_head(std::string_view bucket) {
  return head(kObjectKind, bucket);
}

std::string versions_head(std::string_view bucket) {
  return head(kVersionKind, bucket);
}

std::string versions_head(std::string_view bucket, std::string_view key) {
  return keyed(kVersionKind, bucket, key);
}

std::string uploads_head(std::string_view bucket) {
  return head(kUploadKind, bucket);
}

std::string parts_head(std::string_view bucket, std::string_view key, const UploadId& id) {
  CHECK(id.raw.size() == UploadId::kBytes);
  std::string name = keyed(kPartKind, bucket, key);
  name += id.raw;
  return name;
}

std::string_view key_of_tail(std::string_view tail) {
  const size_t end = tail.find('\0');
  return end == std::string_view::npos ? std::string_view() : tail.substr(0, end);
}

std::optional<replica::Sequence> stamp_of_tail(std::string_view tail) {
  const size_t end = tail.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view raw = tail.substr(end + 1);
  if (raw.size() != sizeof(uint64_t)) return std::nullopt;
  return replica::Sequence(~load_big<uint64_t>(as_bytes(raw).data()));
}

std::optional<UploadId> upload_id_of_tail(std::string_view tail) {
  const size_t end = tail.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view raw = tail.substr(end + 1);
  if (raw.size() != UploadId::kBytes) return std::nullopt;
  return UploadId{std::string(raw)};
}

std::optional<uint32_t> part_number_of_tail(std::string_view tail) {
  if (tail.size() != sizeof(uint32_t)) return std::nullopt;
  return load_big<uint32_t>(as_bytes(tail).data());
}

std::optional<RowName> parse(std::string_view name) {
  if (name.empty()) return std::nullopt;
  const char kind = name.front();
  name.remove_prefix(1);
  const size_t bucket_end = name.find('\0');
  RowName row;
  row.bucket = name.substr(0, bucket_end);
  if (row.bucket.empty()) return std::nullopt;
  if (kind == kBucketKind) {
    return bucket_end == std::string_view::npos ? std::optional(row) : std::nullopt;
  }
  if (bucket_end == std::string_view::npos) return std::nullopt;
  name.remove_prefix(bucket_end + 1);
  row.key = key_of_tail(name);
  if (row.key.empty()) return std::nullopt;
  std::string_view tail = name.substr(row.key.size() + 1);
  if (kind == kObjectKind) {
    row.kind = RowName::Kind::kObject;
    return tail.empty() ? std::optional(row) : std::nullopt;
  }
  if (kind == kVersionKind) {
    const auto stamp = stamp_of_tail(name);
    if (!stamp) return std::nullopt;
    row.kind = RowName::Kind::kVersion;
    row.stamp = *stamp;
    return row;
  }
  if (kind != kUploadKind && kind != kPartKind) return std::nullopt;
  if (tail.size() < UploadId::kBytes) return std::nullopt;
  row.upload = UploadId{std::string(tail.substr(0, UploadId::kBytes))};
  tail.remove_prefix(UploadId::kBytes);
  row.kind = kind == kUploadKind ? RowName::Kind::kUpload : RowName::Kind::kPart;
  if (kind == kUploadKind) return tail.empty() ? std::optional(row) : std::nullopt;
  const auto number = part_number_of_tail(tail);
  if (!number) return std::nullopt;
  row.part = *number;
  return row;
}

std::string prefix_end(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(prefix.back() + 1);
  return prefix;
}

std::string placement(std::string_view bucket, std::string_view key) {
  std::string name;
  name.reserve(bucket.size() + 1 + key.size());
  name += bucket;
  name += '\0';
  name += key;
  return name;
}

}  // namespace rows
}  // namespace strata::object
