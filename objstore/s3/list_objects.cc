// ListObjects and ListObjectsV2: the same page, told in two ways.
#include <utility>

#include "common/codec/http_date.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/limits.h"
#include "objstore/s3/listing_parameters.h"
#include "objstore/s3/operations.h"
#include "objstore/s3/owner_ids.h"
#include "objstore/s3/request_fields.h"

namespace strata::s3 {

namespace {

// Of an entry in a page, unless its key is long.
constexpr size_t kEntryBytesLikely = 384;

void write_object(codec::XmlWriter& xml, const object::ObjectInfo& info, const NameEncoding& encode,
                  OwnerIds* owners) {
  xml.open("Contents").element("Key", encode(info.key));
  xml.element("LastModified", codec::format_iso8601(info.modified));
  xml.element("ETag", quoted_etag(info.etag));
  write_checksum_kinds(xml, info.checksums);
  xml.element("Size", info.size_bytes);
  if (owners != nullptr) {
    owners->write(xml, "Owner", info.extras.owner);
  }
  const std::string& storage_class = info.attributes.storage_class;
  xml.element("StorageClass", storage_class.empty() ? "STANDARD" : storage_class);
  xml.close();
}

void write_page(codec::XmlWriter& xml, const object::ListPage& page, const NameEncoding& encode,
                OwnerIds* owners) {
  xml.expect(kEntryBytesLikely * (page.objects.size() + page.common_prefixes.size()));
  for (const object::ObjectInfo& info : page.objects) write_object(xml, info, encode, owners);
  for (const std::string& prefix : page.common_prefixes) {
    xml.open("CommonPrefixes").element("Prefix", encode(prefix)).close();
  }
}

// What both versions say of the request.
void write_request(codec::XmlWriter& xml, const VerifiedRequest& request,
                   const NameEncoding& encode, uint64_t keys_max, bool truncated) {
  const Query& query = request.query();
  xml.element("Name", request.bucket());
  xml.element("Prefix", encode(query.get("prefix")));
  if (!query.get("delimiter").empty()) xml.element("Delimiter", encode(query.get("delimiter")));
  xml.element("MaxKeys", keys_max);
  if (encode.is_url()) xml.element("EncodingType", "url");
  xml.element("IsTruncated", truncated);
}

object::ListRequest list_request(const VerifiedRequest& request, uint64_t keys_max) {
  object::ListRequest list;
  list.bucket = request.bucket();
  list.prefix = request.query().get("prefix");
  list.delimiter = request.query().get("delimiter");
  list.keys_max = static_cast<size_t>(keys_max);
  return list;
}

// The common prefix that start-after lies in, if keys behind start-after are rolled up into it:
// unlike a marker, start-after is a key, and does not end the prefix that it is in. Else "". The
// store outlives the task.
async::Task<Result<std::string>> prefix_begun(object::ObjectStore& store,
                                              object::ListRequest list) {
  if (list.delimiter.empty() || !list.after.starts_with(list.prefix)) co_return std::string();
  const size_t found = list.after.find(list.delimiter, list.prefix.size());
  if (found == std::string::npos) co_return std::string();
  std::string begun = list.after.substr(0, found + list.delimiter.size());
  list.prefix = begun;
  list.delimiter.clear();
  list.keys_max = 1;
  CO_TRY_ASSIGN(const object::ListPage rest, co_await store.list(std::move(list)));
  co_return rest.objects.empty() ? std::string() : std::move(begun);
}

// A page that begins with the common prefix `begun`, if there is one. The store outlives the task.
async::Task<Result<object::ListPage>> list_after(object::ObjectStore& store,
                                                 object::ListRequest list, std::string begun) {
  const bool alone = !begun.empty() && list.keys_max == 1;
  if (!begun.empty() && !alone) --list.keys_max;
  CO_TRY_ASSIGN(object::ListPage page, co_await store.list(std::move(list)));
  if (begun.empty()) co_return std::move(page);
  if (alone) {
    object::ListPage first;
    first.truncated = !page.objects.empty() || !page.common_prefixes.empty();
    first.next = begun;
    page = std::move(first);
  }
  page.common_prefixes.insert(page.common_prefixes.begin(), std::move(begun));
  co_return std::move(page);
}

}  // namespace

AnswerTask list_objects(const Call& call) {
  const Query& query = call.request.query();
  CO_TRY_ASSIGN(const NameEncoding encode, NameEncoding::parse(query));
  CO_TRY_ASSIGN(const uint64_t keys_max,
                number_parameter(query, "max-keys", kListPageMax, kListPageMax));
  object::ListRequest list = list_request(call.request, keys_max);
  list.after = query.get("marker");
  CO_TRY_ASSIGN(const object::ListPage page, co_await call.service.store.list(std::move(list)));

  codec::XmlWriter xml = s3_document("ListBucketResult");
  write_request(xml, call.request, encode, keys_max, page.truncated);
  xml.element("Marker", encode(query.get("marker")));
  // Without a delimiter the next marker is the last key, and S3 leaves it to the client.
  if (page.truncated && !query.get("delimiter").empty()) {
    xml.element("NextMarker", encode(page.next));
  }
  OwnerIds owners(call);
  write_page(xml, page, encode, &owners);
  co_return xml_answer(200, xml.finish());
}

AnswerTask list_objects_v2(const Call& call) {
  const Query& query = call.request.query();
  CO_TRY_ASSIGN(const NameEncoding encode, NameEncoding::parse(query));
  CO_TRY_ASSIGN(const uint64_t keys_max,
                number_parameter(query, "max-keys", kListPageMax, kListPageMax));
  object::ListRequest list = list_request(call.request, keys_max);
  list.after = query.get("start-after");
  const std::string* token = query.find("continuation-token");
  std::string begun;
  if (token != nullptr) {
    CO_TRY_ASSIGN(list.after, decode_token(*token));
  } else if (keys_max > 0) {
    object::ListRequest same = list;
    CO_TRY_ASSIGN(begun, co_await prefix_begun(call.service.store, std::move(same)));
  }
  CO_TRY_ASSIGN(const object::ListPage page,
                co_await list_after(call.service.store, std::move(list), std::move(begun)));

  codec::XmlWriter xml = s3_document("ListBucketResult");
  write_request(xml, call.request, encode, keys_max, page.truncated);
  xml.element("KeyCount", uint64_t{page.objects.size() + page.common_prefixes.size()});
  if (token != nullptr) xml.element("ContinuationToken", *token);
  if (page.truncated) xml.element("NextContinuationToken", encode_token(page.next));
  if (query.has("start-after")) xml.element("StartAfter", encode(query.get("start-after")));
  const bool with_owner = query.get("fetch-owner") == "true";
  OwnerIds owners(call);
  write_page(xml, page, encode, with_owner ? &owners : nullptr);
  co_return xml_answer(200, xml.finish());
}

}  // namespace strata::s3
