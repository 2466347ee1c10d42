// ListParts and ListMultipartUploads.
#include <algorithm>
#include <utility>

#include "common/codec/http_date.h"
#include "objstore/s3/limits.h"
#include "objstore/s3/listing_parameters.h"
#include "objstore/s3/operations.h"
#include "objstore/s3/owner_ids.h"
#include "objstore/s3/request_fields.h"

namespace strata::s3 {

namespace {

void write_upload_checksum(codec::XmlWriter& xml, const object::UploadInfo& upload) {
  if (!upload.checksum_algorithm) return;
  xml.element("ChecksumAlgorithm", digest::checksum_name(*upload.checksum_algorithm));
  xml.element("ChecksumType", upload.checksum_full_object ? "FULL_OBJECT" : "COMPOSITE");
}

std::string_view storage_class_of(const object::UploadInfo& upload) {
  const std::string& name = upload.attributes.storage_class;
  return name.empty() ? std::string_view("STANDARD") : std::string_view(name);
}

}  // namespace

AnswerTask list_parts(const Call& call) {
  const Query& query = call.request.query();
  CO_TRY_ASSIGN(const NameEncoding encode, NameEncoding::parse(query));
  CO_TRY_ASSIGN(const uint64_t parts_max,
                number_parameter(query, "max-parts", kListPageMax, kListPageMax));
  CO_TRY_ASSIGN(const uint64_t marker,
                number_parameter(query, "part-number-marker", 0, object::kPartNumberMax));
  std::string upload_id(query.get("uploadId"));
  CO_TRY_ASSIGN(const object::ListPartsPage page,
                co_await call.service.store.list_parts(
                    call.request.bucket(), call.request.key(), std::move(upload_id),
                    static_cast<uint32_t>(marker), static_cast<size_t>(parts_max)));
  codec::XmlWriter xml = s3_document("ListPartsResult");
  xml.element("Bucket", call.request.bucket()).element("Key", encode(call.request.key()));
  xml.element("UploadId", page.upload.upload_id);
  OwnerIds owners(call);
  owners.write(xml, "Initiator", page.upload.extras.owner);
  owners.write(xml, "Owner", page.upload.extras.owner);
  xml.element("StorageClass", storage_class_of(page.upload));
  write_upload_checksum(xml, page.upload);
  xml.element("PartNumberMarker", marker);
  if (page.truncated) xml.element("NextPartNumberMarker", uint64_t{page.next_part_number});
  xml.element("MaxParts", parts_max).element("IsTruncated", page.truncated);
  for (const object::PartInfo& part : page.parts) {
    xml.open("Part").element("PartNumber", uint64_t{part.number});
    xml.element("LastModified", codec::format_iso8601(part.modified));
    xml.element("ETag", quoted_etag(part.etag)).element("Size", part.size_bytes);
    write_checksums(xml, part.checksums, false);
    xml.close();
  }
  co_return xml_answer(200, xml.finish());
}

AnswerTask list_multipart_uploads(const Call& call) {
  const Query& query = call.request.query();
  CO_TRY_ASSIGN(const NameEncoding encode, NameEncoding::parse(query));
  CO_TRY_ASSIGN(const uint64_t uploads_max,
                number_parameter(query, "max-uploads", kListPageMax, kListPageMax));
  object::ListUploadsRequest list;
  list.bucket = call.request.bucket();
  list.prefix = query.get("prefix");
  list.delimiter = query.get("delimiter");
  list.key_marker = query.get("key-marker");
  list.upload_id_marker = query.get("upload-id-marker");
  list.uploads_max = static_cast<size_t>(uploads_max);
  CO_TRY_ASSIGN(const object::ListUploadsPage page,
                co_await call.service.store.list_uploads(std::move(list)));
  codec::XmlWriter xml = s3_document("ListMultipartUploadsResult");
  xml.element("Bucket", call.request.bucket());
  xml.element("KeyMarker", encode(query.get("key-marker")));
  xml.element("UploadIdMarker", query.get("upload-id-marker"));
  if (page.truncated) {
    xml.element("NextKeyMarker", encode(page.next_key_marker));
    xml.element("NextUploadIdMarker", page.next_upload_id_marker);
  }
  xml.element("Prefix", encode(query.get("prefix")));
  if (!query.get("delimiter").empty()) xml.element("Delimiter", encode(query.get("delimiter")));
  if (encode.is_url()) xml.element("EncodingType", "url");
  xml.element("MaxUploads", uploads_max).element("IsTruncated", page.truncated);
  OwnerIds owners(call);
  for (const object::UploadInfo& upload : page.uploads) {
    xml.open("Upload").element("Key", encode(upload.key));
    xml.element("UploadId", upload.upload_id);
    owners.write(xml, "Initiator", upload.extras.owner);
    owners.write(xml, "Owner", upload.extras.owner);
    xml.element("StorageClass", storage_class_of(upload));
    xml.element("Initiated", codec::format_iso8601(upload.started));
    write_upload_checksum(xml, upload);
    xml.close();
  }
  for (const std::string& prefix : page.common_prefixes) {
    xml.open("CommonPrefixes").element("Prefix", encode(prefix)).close();
  }
  co_return xml_answer(200, xml.finish());
}

}  // namespace strata::s3
