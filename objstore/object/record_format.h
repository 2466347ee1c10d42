// The values of rows: docs/object-format.md has the grammar and a worked example.
//
// Each record begins with its format version. A newer one is refused (kUnsupported) with advice;
// one that does not decode is kCorrupt. Whether the bytes are those that were written is the
// store's matter: it checks a row's checksum on every read.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "objstore/object/object_store.h"
#include "objstore/object/record_extras.h"
#include "objstore/object/row_keys.h"
#include "objstore/object/types.h"
#include "objstore/replica/store.h"

namespace strata::object {

// Records are written in the oldest version that can say what they hold: each has one encoding.
// The second adds a list of extras, to objects and uploads; a part of the second is an encrypted
// one.
inline constexpr uint8_t kRecordVersion = 2;

// What one object may carry; larger counts do not decode.
inline constexpr size_t kChecksumsMax = 16;
inline constexpr size_t kChecksumBytesMax = 64;
inline constexpr size_t kEtagBytesMax = 64;
inline constexpr size_t kVersionIdBytesMax = 64;

// A run of an object's bytes. A simple object has at most one, a multipart one a run for each part.
struct Segment {
  uint32_t part_number = 0;  // 0 in a simple object
  uint64_t size_bytes = 0;
  std::optional<replica::BlobRef> blob;  // absent if and only if size_bytes is 0
  std::string checksum;                  // the part's, raw; empty if the upload asked for none
};

struct ObjectRecord {
  replica::Sequence stamp;  // of this version: later versions have greater ones
  std::string version_id = "null";
  WallTime modified{};
  uint64_t size_bytes = 0;
  std::string etag;  // as in ObjectInfo
  Attributes attributes;
  std::vector<StoredChecksum> checksums;
  std::optional<UploadId> upload_id;  // the upload that made a multipart object
  std::optional<digest::ChecksumAlgorithm> part_checksum;  // of Segment::checksum
  uint32_t parts = 0;                                      // of a multipart object; else 0
  Extras extras;
  VersionMarks marks;
  std::vector<Segment> segments;

  // Everything but the segments, whose text moves out of the record; its numbers and segments stay.
  [[nodiscard]] ObjectInfo take_info(std::string key);
  // The blobs that a commit which removes this version drops.
  [[nodiscard]] std::vector<replica::BlobRef> blobs() const;
};

struct UploadRecord {
  WallTime started{};
  Attributes attributes;
  std::optional<digest::ChecksumAlgorithm> checksum_algorithm;
  bool checksum_full_object = false;
  Extras extras{};
};

struct PartRecord {
  uint64_t size_bytes = 0;
  WallTime modified{};
  std::string md5;  // 16 raw bytes
  std::vector<StoredChecksum> checksums;
  std::optional<replica::BlobRef> blob;  // absent if and only if size_bytes is 0
  bool sealed = false;                   // the blob holds encrypted bytes
};

[[nodiscard]] std::string encode(const ObjectRecord& record);
[[nodiscard]] std::string encode(const UploadRecord& record);
[[nodiscard]] std::string encode(const PartRecord& record);

// kSummary leaves out the segments: a listing needs none.
enum class ObjectDepth { kSummary, kWhole };

[[nodiscard]] Result<ObjectRecord> decode_object(std::string_view value,
                                                 ObjectDepth depth = ObjectDepth::kWhole);
[[nodiscard]] Result<UploadRecord> decode_upload(std::string_view value);
[[nodiscard]] Result<PartRecord> decode_part(std::string_view value);

}  // namespace strata::object
