#include "objstore/s3/xml_bodies.h"

#include <utility>

#include "common/base/parse.h"
#include "common/codec/xml.h"
#include "objstore/s3/answer.h"
#include "objstore/s3/claimed_checksum.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/limits.h"
#include "objstore/s3/request_fields.h"
#include "objstore/s3/xml_request.h"

namespace strata::s3 {

namespace {

using codec::XmlElement;

Result<DeleteEntry> parse_delete_entry(const XmlElement& element) {
  std::optional<std::string> key;
  std::optional<std::string> modified;
  std::optional<std::string> size;
  DeleteEntry entry;
  for (const XmlElement& child : element.children) {
    if (child.name == "Key") {
      TRY(take_once(child, key));
    } else if (child.name == "VersionId") {
      TRY(take_once(child, entry.version_id));
    } else if (child.name == "ETag") {
      TRY(take_once(child, entry.if_match));
    } else if (child.name == "LastModifiedTime") {
      TRY(take_once(child, modified));
    } else if (child.name == "Size") {
      TRY(take_once(child, size));
    } else {
      return malformed_xml();
    }
  }
  if (!key || key->empty()) return malformed_xml();
  if (modified) {
    const Result<object::WallTime> time = parse_condition_time(*modified);
    if (!time.ok()) return malformed_xml();
    entry.if_match_modified = *time;
  }
  if (size) {
    entry.if_match_size_bytes = parse_u64(trim(*size));
    if (!entry.if_match_size_bytes) return malformed_xml();
  }
  entry.key = std::move(*key);
  return entry;
}

constexpr std::string_view kChecksumElement = "Checksum";

Result<object::CompletePart> parse_part(const XmlElement& element) {
  std::optional<std::string> number;
  std::optional<std::string> etag;
  object::CompletePart part;
  for (const XmlElement& child : element.children) {
    if (child.name == "PartNumber") {
      TRY(take_once(child, number));
    } else if (child.name == "ETag") {
      TRY(take_once(child, etag));
    } else if (child.name.starts_with(kChecksumElement)) {
      TRY_ASSIGN(const digest::ChecksumAlgorithm algorithm,
                 parse_checksum_algorithm(child.name.substr(kChecksumElement.size())));
      TRY_ASSIGN(object::StoredChecksum checksum,
                 parse_checksum_value(algorithm, trim(child.text), child.name));
      part.checksums.push_back(std::move(checksum));
    } else {
      return malformed_xml();
    }
  }
  if (!number || !etag) return malformed_xml();
  const auto parsed = parse_u64(trim(*number));
  if (!parsed || *parsed == 0 || *parsed > object::kPartNumberMax) return malformed_xml();
  part.number = static_cast<uint32_t>(*parsed);
  part.etag = unquoted(*etag);
  return part;
}

}  // namespace

Result<DeleteList> parse_delete(std::string_view xml) {
  constexpr size_t kElementsMax = object::kDeleteKeysMax * 8;
  TRY_ASSIGN(const XmlElement root, parse_root(xml, "Delete", kDeleteXmlBytesMax, kElementsMax));
  DeleteList list;
  std::optional<std::string> quiet;
  for (const XmlElement& child : root.children) {
    if (child.name == "Quiet") {
      TRY(take_once(child, quiet));
    } else if (child.name == "Object") {
      if (list.entries.size() == object::kDeleteKeysMax) return malformed_xml();
      TRY_ASSIGN(DeleteEntry entry, parse_delete_entry(child));
      list.entries.push_back(std::move(entry));
    } else {
      return malformed_xml();
    }
  }
  if (list.entries.empty()) return malformed_xml();
  list.quiet = quiet && trim(*quiet) == "true";
  return list;
}

Result<std::vector<object::CompletePart>> parse_complete(std::string_view xml) {
  constexpr size_t kElementsMax = size_t{object::kPartNumberMax} * 8;
  TRY_ASSIGN(const XmlElement root,
             parse_root(xml, "CompleteMultipartUpload", kCompleteXmlBytesMax, kElementsMax));
  std::vector<object::CompletePart> parts;
  for (const XmlElement& child : root.children) {
    if (child.name != "Part" || parts.size() == object::kPartNumberMax) return malformed_xml();
    TRY_ASSIGN(object::CompletePart part, parse_part(child));
    parts.push_back(std::move(part));
  }
  if (parts.empty()) return malformed_xml();
  return parts;
}

}  // namespace strata::s3
