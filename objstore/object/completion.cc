#include "objstore/object/completion.h"

#include <fmt/format.h>

#include "common/base/parse.h"
#include "common/codec/text.h"
#include "objstore/object/body_intake.h"
#include "objstore/object/checksums.h"
#include "objstore/object/parts.h"

namespace strata::object {
namespace {

Error invalid_part(uint32_t number, std::string_view why) {
  return Error(Code::kInvalidArgument, reason::kInvalidPart,
               fmt::format("part {} {}", number, why));
}

// What the client says of a part against what is stored. A COMPOSITE upload wants to hear every
// part's checksum again.
Status check_part(const UploadRecord& upload, const CompletePart& named, const PartRecord& stored) {
  if (ascii_lower(named.etag) != codec::to_hex(std::string_view(stored.md5))) {
    return invalid_part(named.number, "has another ETag: upload it again or name the right one");
  }
  if (upload.checksum_algorithm && !upload.checksum_full_object &&
      find_checksum(named.checksums, *upload.checksum_algorithm) == nullptr) {
    return Error(
        Code::kInvalidArgument, kReasonChecksumType,
        fmt::format("The upload was created using a {} checksum. The complete request "
                    "must include the checksum for each part. It was missing for part {} "
                    "in the request.",
                    ascii_lower(digest::checksum_name(*upload.checksum_algorithm)), named.number));
  }
  for (const StoredChecksum& stated : named.checksums) {
    const StoredChecksum* kept = find_checksum(stored.checksums, stated.algorithm);
    if (kept == nullptr || kept->value != stated.value) {
      return invalid_part(named.number, fmt::format("has another {} checksum, or none",
                                                    digest::checksum_name(stated.algorithm)));
    }
  }
  return {};
}

Segment segment_of(const NumberedPart& part, std::optional<digest::ChecksumAlgorithm> algorithm) {
  Segment segment;
  segment.part_number = part.number;
  segment.size_bytes = part.record.size_bytes;
  segment.blob = part.record.blob;
  const StoredChecksum* kept =
      find_checksum(part.record.checksums, algorithm.value_or(kDefaultChecksum));
  CHECK(kept != nullptr || !algorithm, "every part of such an upload was stored with its checksum");
  if (kept != nullptr) segment.checksum = kept->value;
  return segment;
}

// Each part's checksum makes one of the whole: the upload's, or else the default one, which only
// parts of an older release lack.
std::optional<digest::ChecksumAlgorithm> checksum_of_parts(const UploadRecord& upload,
                                                           const std::vector<Segment>& segments) {
  if (upload.checksum_algorithm) return upload.checksum_algorithm;
  for (const Segment& segment : segments) {
    if (segment.checksum.empty()) return std::nullopt;
  }
  return kDefaultChecksum;
}

std::vector<StoredChecksum> whole_checksums(const UploadRecord& upload,
                                            const std::vector<Segment>& segments) {
  const std::optional<digest::ChecksumAlgorithm> algorithm = checksum_of_parts(upload, segments);
  if (!algorithm) return {};
  std::vector<PartChecksum> parts;
  parts.reserve(segments.size());
  for (const Segment& segment : segments) parts.push_back({segment.checksum, segment.size_bytes});
  const bool full = upload.checksum_full_object || !upload.checksum_algorithm;
  return {full ? full_object_checksum(*algorithm, parts) : composite_checksum(*algorithm, parts)};
}

Status check_sizes(const std::vector<Segment>& segments, uint64_t total_bytes) {
  for (size_t i = 0; i + 1 < segments.size(); ++i) {
    if (segments[i].size_bytes < kPartBytesMin) {
      return Error(Code::kInvalidArgument, reason::kEntityTooSmall,
                   fmt::format("part {} has {} bytes; every part but the last needs {}",
                               segments[i].part_number, segments[i].size_bytes, kPartBytesMin));
    }
  }
  if (total_bytes > kObjectBytesMax) return entity_too_large(kObjectBytesMax);
  return {};
}

}  // namespace

Status check_part_order(const std::vector<CompletePart>& parts) {
  if (parts.empty() || parts.size() > kPartNumberMax) {
    return Error(Code::kInvalidArgument,
                 fmt::format("name 1 to {} parts to complete an upload", kPartNumberMax));
  }
  uint32_t last = 0;
  for (const CompletePart& part : parts) {
    TRY(check_part_number(part.number));
    if (part.number <= last) {
      return Error(Code::kInvalidArgument, reason::kInvalidPartOrder,
                   fmt::format("part {} comes after part {}: name parts in ascending order, each "
                               "once",
                               part.number, last));
    }
    last = part.number;
  }
  return {};
}

std::string multipart_etag(std::span<const std::string> part_md5s) {
  const std::unique_ptr<digest::Hasher> md5 = digest::make_md5();
  for (const std::string& part : part_md5s) md5->update(as_bytes(part));
  return fmt::format("{}-{}", codec::to_hex(std::string_view(md5->finish())), part_md5s.size());
}

Result<Assembly> assemble(const UploadRecord& upload, const std::vector<CompletePart>& parts,
                          std::span<const replica::Row> part_rows) {
  Assembly assembly;
  ObjectRecord& record = assembly.record;
  std::vector<std::string> md5s;
  size_t named = 0;  // both lists ascend: one walk over both
  for (const replica::Row& row : part_rows) {
    TRY_ASSIGN(const NumberedPart part, numbered_part(row));
    if (named < parts.size() && parts[named].number < part.number) break;
    if (named == parts.size() || parts[named].number > part.number) {
      if (part.record.blob) assembly.unused.push_back(*part.record.blob);
      continue;
    }
    TRY(check_part(upload, parts[named], part.record));
    ++named;
    md5s.push_back(part.record.md5);
    record.size_bytes += part.record.size_bytes;
    record.segments.push_back(segment_of(part, upload.checksum_algorithm));
  }
  if (named < parts.size()) {
    return invalid_part(parts[named].number, "was never uploaded, or not to this upload");
  }
  TRY(check_sizes(record.segments, record.size_bytes));
  record.etag = multipart_etag(md5s);
  record.attributes = upload.attributes;
  record.extras = upload.extras;
  record.checksums = whole_checksums(upload, record.segments);
  record.part_checksum = checksum_of_parts(upload, record.segments);
  record.parts = static_cast<uint32_t>(parts.size());
  return assembly;
}

}  // namespace strata::object
