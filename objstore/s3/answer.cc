#include "objstore/s3/answer.h"

#include <utility>

#include "common/base/parse.h"
#include "objstore/s3/claimed_checksum.h"

namespace strata::s3 {

namespace {
// Enough for the answer to any read of an object without metadata; more grow the list.
constexpr size_t kUsualFields = 12;
}  // namespace

Answer empty_answer(int status) {
  Answer answer;
  answer.head.status = status;
  answer.head.fields.reserve(kUsualFields);
  return answer;
}

Answer xml_answer(int status, std::string document) {
  Answer answer = empty_answer(status);
  answer.head.fields.add("content-type", "application/xml");
  answer.body = std::move(document);
  return answer;
}

codec::XmlWriter s3_document(std::string_view root) {
  return {root, kXmlNamespace};
}

std::string quoted_etag(std::string_view etag) {
  std::string text;
  text.reserve(etag.size() + 2);
  text += '"';
  text += etag;
  text += '"';
  return text;
}

std::string unquoted(std::string_view etag) {
  etag = trim(etag);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') {
    etag = etag.substr(1, etag.size() - 2);
  }
  return std::string(etag);
}

void add_checksum_fields(http::Fields& fields, const std::vector<object::StoredChecksum>& stored) {
  for (const object::StoredChecksum& checksum : stored) {
    fields.add(checksum_header(checksum.algorithm), checksum_text(checksum));
  }
  if (!stored.empty()) {
    fields.add("x-amz-checksum-type", stored.front().composite ? "COMPOSITE" : "FULL_OBJECT");
  }
}

void write_checksum_kinds(codec::XmlWriter& xml,
                          const std::vector<object::StoredChecksum>& stored) {
  for (const object::StoredChecksum& checksum : stored) {
    xml.element("ChecksumAlgorithm", digest::checksum_name(checksum.algorithm));
  }
  if (!stored.empty()) {
    xml.element("ChecksumType", stored.front().composite ? "COMPOSITE" : "FULL_OBJECT");
  }
}

void write_checksums(codec::XmlWriter& xml, const std::vector<object::StoredChecksum>& stored,
                     bool with_type) {
  for (const object::StoredChecksum& checksum : stored) {
    xml.element("Checksum" + std::string(digest::checksum_name(checksum.algorithm)),
                checksum_text(checksum));
  }
  if (with_type && !stored.empty()) {
    xml.element("ChecksumType", stored.front().composite ? "COMPOSITE" : "FULL_OBJECT");
  }
}

}  // namespace strata::s3
