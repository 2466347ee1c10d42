#include "objstore/s3/xml_bodies.h"

#include <utility>

#include "common/base/parse.h"
#include "common/codec/xml.h"
#include "objstore/s3/answer.h"
#include "objstore/s3/claimed_checksum.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/limits.h"

namespace strata::s3 {

namespace {

using codec::XmlElement;

Error malformed() {
  return {Code::kInvalidArgument, code::kMalformedXml,
          "The XML you provided was not well-formed or did not validate against our published "
          "schema"};
}

Result<XmlElement> parse_root(std::string_view xml, std::string_view root, size_t bytes_max,
                              size_t elements_max) {
  codec::XmlLimits limits;
  limits.bytes_max = bytes_max;
  limits.elements_max = elements_max;
  Result<XmlElement> parsed = codec::parse_xml(xml, limits);
  if (!parsed.ok() || parsed->name != root) return malformed();
  return parsed;
}

// An element that may come once: refuses the second.
Status take_once(const XmlElement& element, std::optional<std::string>& into) {
  if (into || !element.children.empty()) return malformed();
  into = element.text;
  return {};
}

Result<DeleteEntry> parse_delete_entry(const XmlElement& element) {
  std::optional<std::string> key;
  DeleteEntry entry;
  for (const XmlElement& child : element.children) {
    if (child.name == "Key") {
      TRY(take_once(child, key));
    } else if (child.name == "VersionId") {
      TRY(take_once(child, entry.version_id));
    } else if (child.name == "ETag") {
      TRY(take_once(child, entry.if_match));
    } else if (child.name == "LastModifiedTime" || child.name == "Size") {
      entry.unsupported_condition = true;
    } else {
      return malformed();
    }
  }
  if (!key || key->empty()) return malformed();
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
      return malformed();
    }
  }
  if (!number || !etag) return malformed();
  const auto parsed = parse_u64(trim(*number));
  if (!parsed || *parsed == 0 || *parsed > object::kPartNumberMax) return malformed();
  part.number = static_cast<uint32_t>(*parsed);
  part.etag = unquoted(*etag);
  return part;
}

}  // namespace

Result<std::string> parse_create_bucket(std::string_view xml) {
  constexpr size_t kElementsMax = 256;
  TRY_ASSIGN(const XmlElement root,
             parse_root(xml, "CreateBucketConfiguration", kConfigurationXmlBytesMax, kElementsMax));
  std::optional<std::string> region;
  for (const XmlElement& child : root.children) {
    if (child.name == "LocationConstraint") {
      TRY(take_once(child, region));
    } else if (child.name == "Tags" || child.name == "Bucket" || child.name == "Location") {
      return not_implemented("the element " + child.name + " of CreateBucketConfiguration");
    } else {
      return malformed();
    }
  }
  return std::string(trim(region.value_or("")));
}

Result<DeleteList> parse_delete(std::string_view xml) {
  constexpr size_t kElementsMax = object::kDeleteKeysMax * 8;
  TRY_ASSIGN(const XmlElement root, parse_root(xml, "Delete", kDeleteXmlBytesMax, kElementsMax));
  DeleteList list;
  std::optional<std::string> quiet;
  for (const XmlElement& child : root.children) {
    if (child.name == "Quiet") {
      TRY(take_once(child, quiet));
    } else if (child.name == "Object") {
      if (list.entries.size() == object::kDeleteKeysMax) return malformed();
      TRY_ASSIGN(DeleteEntry entry, parse_delete_entry(child));
      list.entries.push_back(std::move(entry));
    } else {
      return malformed();
    }
  }
  if (list.entries.empty()) return malformed();
  list.quiet = quiet && trim(*quiet) == "true";
  return list;
}

Result<std::vector<object::CompletePart>> parse_complete(std::string_view xml) {
  constexpr size_t kElementsMax = size_t{object::kPartNumberMax} * 8;
  TRY_ASSIGN(const XmlElement root,
             parse_root(xml, "CompleteMultipartUpload", kCompleteXmlBytesMax, kElementsMax));
  std::vector<object::CompletePart> parts;
  for (const XmlElement& child : root.children) {
    if (child.name != "Part" || parts.size() == object::kPartNumberMax) return malformed();
    TRY_ASSIGN(object::CompletePart part, parse_part(child));
    parts.push_back(std::move(part));
  }
  if (parts.empty()) return malformed();
  return parts;
}

}  // namespace strata::s3
