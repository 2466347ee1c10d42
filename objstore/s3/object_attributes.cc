// GetObjectAttributes.
#include <algorithm>
#include <utility>

#include "common/base/parse.h"
#include "common/codec/http_date.h"
#include "objstore/s3/encryption_fields.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/limits.h"
#include "objstore/s3/operations.h"
#include "objstore/s3/versions.h"

namespace strata::s3 {

namespace {

struct Wanted {
  bool etag = false;
  bool checksum = false;
  bool parts = false;
  bool storage_class = false;
  bool size = false;
};

Error bad_attributes() {
  return {Code::kInvalidArgument, code::kInvalidArgument,
          "x-amz-object-attributes must name at least one of ETag, Checksum, ObjectParts, "
          "StorageClass and ObjectSize."};
}

Status want(Wanted& wanted, std::string_view name) {
  if (name == "ETag") {
    wanted.etag = true;
  } else if (name == "Checksum") {
    wanted.checksum = true;
  } else if (name == "ObjectParts") {
    wanted.parts = true;
  } else if (name == "StorageClass") {
    wanted.storage_class = true;
  } else if (name == "ObjectSize") {
    wanted.size = true;
  } else {
    return bad_attributes();
  }
  return {};
}

Result<Wanted> parse_wanted(const http::Fields& fields) {
  constexpr size_t kListBytesMax = 256;
  Wanted wanted;
  size_t names = 0;
  for (const auto& [name, value] : fields.all()) {
    if (name != "x-amz-object-attributes") continue;
    if (value.size() > kListBytesMax) return bad_attributes();
    std::string_view list = value;
    while (!list.empty()) {
      const size_t comma = list.find(',');
      TRY(want(wanted, trim(list.substr(0, comma))));
      list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
      ++names;
    }
  }
  if (names == 0) return bad_attributes();
  return wanted;
}

Result<uint64_t> number_field(const http::Fields& fields, std::string_view name, uint64_t otherwise,
                              uint64_t highest) {
  const std::string* text = fields.find(name);
  if (text == nullptr) return otherwise;
  const auto number = parse_u64(trim(*text));
  if (!number) {
    return Error(Code::kInvalidArgument, code::kInvalidArgument,
                 "The value of " + std::string(name) + " must be a number.");
  }
  return std::min(*number, highest);
}

// Parts are told one by one where they have checksums of their own, as S3 does.
void write_parts(codec::XmlWriter& xml, const object::ObjectPartsPage& page,
                 const object::ObjectPartsRequest& asked) {
  if (page.info.parts == 0) return;
  xml.open("ObjectParts").element("PartsCount", uint64_t{page.info.parts});
  const bool each = !page.parts.empty() && page.parts.front().checksum.has_value();
  if (each || page.parts.empty()) {
    xml.element("PartNumberMarker", uint64_t{asked.after_number});
    xml.element("NextPartNumberMarker", uint64_t{page.next_part_number});
    xml.element("MaxParts", uint64_t{asked.parts_max});
    xml.element("IsTruncated", page.truncated);
  }
  for (const object::ObjectPart& part : page.parts) {
    if (!part.checksum) continue;
    xml.open("Part").element("PartNumber", uint64_t{part.number}).element("Size", part.size_bytes);
    write_checksums(xml, {*part.checksum}, false);
    xml.close();
  }
  xml.close();
}

std::string document_of(const object::ObjectPartsPage& page, const Wanted& wanted,
                        const object::ObjectPartsRequest& asked) {
  const object::ObjectInfo& info = page.info;
  codec::XmlWriter xml = s3_document("GetObjectAttributesResponse");
  if (wanted.etag) xml.element("ETag", info.etag);
  if (wanted.checksum && !info.checksums.empty()) {
    xml.open("Checksum");
    write_checksums(xml, info.checksums, true);
    xml.close();
  }
  if (wanted.parts) write_parts(xml, page, asked);
  if (wanted.storage_class) {
    const std::string& name = info.attributes.storage_class;
    xml.element("StorageClass", name.empty() ? "STANDARD" : name);
  }
  if (wanted.size) xml.element("ObjectSize", info.size_bytes);
  return xml.finish();
}

}  // namespace

AnswerTask get_object_attributes(const Call& call) {
  const http::Fields& fields = call.request.fields();
  CO_TRY_ASSIGN(const Wanted wanted, parse_wanted(fields));
  object::ObjectPartsRequest parts;
  CO_TRY_ASSIGN(parts.name, named_version(call.request));
  CO_TRY_ASSIGN(parts.parts_max,
                number_field(fields, "x-amz-max-parts", kListPageMax, kListPageMax));
  CO_TRY_ASSIGN(const uint64_t after,
                number_field(fields, "x-amz-part-number-marker", 0, object::kPartNumberMax));
  parts.after_number = static_cast<uint32_t>(after);
  CO_TRY_ASSIGN(parts.customer_key, customer_key(fields));
  const object::ObjectPartsRequest asked = parts;
  const Result<object::ObjectPartsPage> page =
      co_await call.service.store.object_parts(std::move(parts));
  if (!page.ok()) {
    Error error = page.error();
    object::VersionName name = asked.name;
    Result<Answer> missing = co_await explain_missing(call, std::move(name), std::move(error));
    co_return std::move(missing);
  }
  Answer answer = xml_answer(200, document_of(*page, wanted, asked));
  answer.head.fields.add("last-modified", codec::format_http_date(page->info.modified));
  CO_TRY(co_await add_version_field(call, call.request.bucket(), page->info.version_id,
                                    "x-amz-version-id", answer));
  co_return std::move(answer);
}

}  // namespace strata::s3
