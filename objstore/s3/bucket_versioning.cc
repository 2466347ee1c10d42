// GetBucketVersioning, PutBucketVersioning and ListObjectVersions.
#include <utility>

#include "common/codec/http_date.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/limits.h"
#include "objstore/s3/listing_parameters.h"
#include "objstore/s3/operations.h"
#include "objstore/s3/owner_ids.h"
#include "objstore/s3/request_fields.h"
#include "objstore/s3/xml_configurations.h"
#include "objstore/s3/xml_request.h"

namespace strata::s3 {

namespace {

void write_version(codec::XmlWriter& xml, const object::ListedVersion& version,
                   const NameEncoding& encode, OwnerIds& owners) {
  const object::ObjectInfo& info = version.info;
  xml.open(info.delete_marker ? "DeleteMarker" : "Version");
  xml.element("Key", encode(info.key)).element("VersionId", info.version_id);
  xml.element("IsLatest", version.latest);
  xml.element("LastModified", codec::format_iso8601(info.modified));
  if (!info.delete_marker) {
    xml.element("ETag", quoted_etag(info.etag));
    write_checksum_kinds(xml, info.checksums);
    xml.element("Size", info.size_bytes);
    const std::string& storage_class = info.attributes.storage_class;
    xml.element("StorageClass", storage_class.empty() ? "STANDARD" : storage_class);
  }
  owners.write(xml, "Owner", info.extras.owner);
  xml.close();
}

}  // namespace

AnswerTask get_bucket_versioning(const Call& call) {
  CO_TRY_ASSIGN(const object::BucketInfo bucket,
                co_await call.service.store.bucket(call.request.bucket()));
  codec::XmlWriter xml = s3_document("VersioningConfiguration");
  const object::Versioning versioning = object::versioning_of(bucket);
  if (versioning != object::Versioning::kNever) {
    xml.element("Status", object::versioning_document(versioning));
  }
  co_return xml_answer(200, xml.finish());
}

AnswerTask put_bucket_versioning(const Call& call) {
  CO_TRY_ASSIGN(const std::string document,
                co_await read_document(call, kConfigurationXmlBytesMax));
  CO_TRY_ASSIGN(const object::Versioning versioning, parse_versioning(document));
  CO_TRY(co_await call.service.store.set_versioning(call.request.bucket(), versioning));
  co_return empty_answer(200);
}

AnswerTask list_object_versions(const Call& call) {
  const Query& query = call.request.query();
  CO_TRY_ASSIGN(const NameEncoding encode, NameEncoding::parse(query));
  CO_TRY_ASSIGN(const uint64_t keys_max,
                number_parameter(query, "max-keys", kListPageMax, kListPageMax));
  object::ListVersionsRequest list;
  list.bucket = call.request.bucket();
  list.prefix = query.get("prefix");
  list.delimiter = query.get("delimiter");
  list.key_marker = query.get("key-marker");
  list.version_id_marker = query.get("version-id-marker");
  list.versions_max = static_cast<size_t>(keys_max);
  if (query.has("version-id-marker") && list.version_id_marker.empty()) {
    co_return Error(Code::kInvalidArgument, code::kInvalidArgument,
                    "A version-id marker cannot be empty.");
  }
  CO_TRY_ASSIGN(const object::ListVersionsPage page,
                co_await call.service.store.list_versions(std::move(list)));

  codec::XmlWriter xml = s3_document("ListVersionsResult");
  xml.element("Name", call.request.bucket()).element("Prefix", encode(query.get("prefix")));
  xml.element("KeyMarker", encode(query.get("key-marker")));
  xml.element("VersionIdMarker", query.get("version-id-marker"));
  if (page.truncated) {
    xml.element("NextKeyMarker", encode(page.next_key_marker));
    if (!page.next_version_id_marker.empty()) {
      xml.element("NextVersionIdMarker", page.next_version_id_marker);
    }
  }
  xml.element("MaxKeys", keys_max);
  if (!query.get("delimiter").empty()) xml.element("Delimiter", encode(query.get("delimiter")));
  if (encode.is_url()) xml.element("EncodingType", "url");
  xml.element("IsTruncated", page.truncated);
  OwnerIds owners(call);
  for (const object::ListedVersion& version : page.versions) {
    write_version(xml, version, encode, owners);
  }
  for (const std::string& prefix : page.common_prefixes) {
    xml.open("CommonPrefixes").element("Prefix", encode(prefix)).close();
  }
  co_return xml_answer(200, xml.finish());
}

}  // namespace strata::s3
