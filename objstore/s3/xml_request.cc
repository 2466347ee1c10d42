#include "objstore/s3/xml_request.h"

#include <memory>
#include <utility>

#include "common/http/server.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/upload_body.h"

namespace strata::s3 {

Error malformed_xml() {
  return {Code::kInvalidArgument, code::kMalformedXml,
          "The XML you provided was not well-formed or did not validate against our published "
          "schema"};
}

Result<codec::XmlElement> parse_root(std::string_view xml, std::string_view root, size_t bytes_max,
                                     size_t elements_max) {
  codec::XmlLimits limits;
  limits.bytes_max = bytes_max;
  limits.elements_max = elements_max;
  Result<codec::XmlElement> parsed = codec::parse_xml(xml, limits);
  if (!parsed.ok() || parsed->name != root) return malformed_xml();
  return parsed;
}

Status take_once(const codec::XmlElement& element, std::optional<std::string>& into) {
  if (into || !element.children.empty()) return malformed_xml();
  into = element.text;
  return {};
}

async::Task<Result<std::string>> read_document(const Call& call, size_t bytes_max) {
  CO_TRY_ASSIGN(const std::unique_ptr<UploadBody> upload,
                UploadBody::open(call.request, call.body, bytes_max));
  CO_TRY_ASSIGN(std::string document, co_await http::read_all(*upload, bytes_max));
  if (document.empty()) {
    co_return Error(Code::kInvalidArgument, code::kMissingRequestBody, "Request Body is empty");
  }
  co_return std::move(document);
}

}  // namespace strata::s3
