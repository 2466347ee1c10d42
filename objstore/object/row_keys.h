// The names of rows and of placements: docs/object-format.md has the grammar.
//
// Every name begins with a byte for its kind, then the bucket, then the key, parted by NUL, which
// neither can contain: rows sort as buckets and keys sort, byte by byte.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "objstore/replica/store.h"

namespace strata::object {

// An upload's name: its stamp, then random bytes, so that names sort by start and cannot be
// guessed.
struct UploadId {
  static constexpr size_t kBytes = 16;
  static constexpr size_t kRandomBytes = 8;

  std::string raw;  // kBytes bytes

  [[nodiscard]] static UploadId make(replica::Sequence stamp, uint64_t random);
  // From what a client sent back; nullopt for anything that to_text does not produce.
  [[nodiscard]] static std::optional<UploadId> parse(std::string_view text);
  [[nodiscard]] std::string to_text() const;  // 32 lower-case hex digits
};

namespace rows {

// `bucket` and `key` have been checked: no NUL inside.
[[nodiscard]] std::string bucket(std::string_view bucket);
[[nodiscard]] std::string object(std::string_view bucket, std::string_view key);
// A version that is not current. Of one key the newest, with the greatest stamp, sorts first.
[[nodiscard]] std::string version(std::string_view bucket, std::string_view key,
                                  replica::Sequence stamp);
[[nodiscard]] std::string upload(std::string_view bucket, std::string_view key, const UploadId& id);
[[nodiscard]] std::string part(std::string_view bucket, std::string_view key, const UploadId& id,
                               uint32_t number);

// What all rows of a kind begin with, within a bucket or an upload.
[[nodiscard]] std::string buckets_head();
[[nodiscard]] std::string objects_head(std::string_view bucket);
[[nodiscard]] std::string versions_head(std::string_view bucket);
// Of one key.
[[nodiscard]] std::string versions_head(std::string_view bucket, std::string_view key);
[[nodiscard]] std::string uploads_head(std::string_view bucket);
[[nodiscard]] std::string parts_head(std::string_view bucket, std::string_view key,
                                     const UploadId& id);

// Parts of a row name, `head` removed. Empty or nullopt for what cannot be a row of that kind.
[[nodiscard]] std::string_view key_of_tail(std::string_view tail);
[[nodiscard]] std::optional<replica::Sequence> stamp_of_tail(std::string_view tail);
[[nodiscard]] std::optional<UploadId> upload_id_of_tail(std::string_view tail);
[[nodiscard]] std::optional<uint32_t> part_number_of_tail(std::string_view tail);

// A row's name taken apart.
struct RowName {
  enum class Kind { kBucket, kObject, kVersion, kUpload, kPart };
  Kind kind = Kind::kBucket;
  std::string_view bucket;
  std::string_view key;            // but of a bucket
  replica::Sequence stamp;         // of a version
  std::optional<UploadId> upload;  // of an upload or part
  uint32_t part = 0;
};
// nullopt for what the functions above do not make. Views into `name`.
[[nodiscard]] std::optional<RowName> parse(std::string_view name);

// The least text greater than every text that begins with `prefix`; empty if there is none.
[[nodiscard]] std::string prefix_end(std::string prefix);

// Where an object, its uploads and their parts live together.
[[nodiscard]] std::string placement(std::string_view bucket, std::string_view key);

}  // namespace rows
}  // namespace strata::object
