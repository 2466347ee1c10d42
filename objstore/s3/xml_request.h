// What the parsers of request documents share.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/async/task.h"
#include "common/codec/xml.h"
#include "objstore/s3/operations.h"

namespace strata::s3 {

// kInvalidArgument/MalformedXML.
[[nodiscard]] Error malformed_xml();

// The document's root, which must have this name. MalformedXML, a passed limit included.
[[nodiscard]] Result<codec::XmlElement> parse_root(std::string_view xml, std::string_view root,
                                                   size_t bytes_max, size_t elements_max);
// The text of an element that may come once: MalformedXML for the second, and for children.
[[nodiscard]] Status take_once(const codec::XmlElement& element, std::optional<std::string>& into);

// The whole body of a request that must have one, verified. MissingRequestBodyError for none.
[[nodiscard]] async::Task<Result<std::string>> read_document(const Call& call, size_t bytes_max);

}  // namespace strata::s3
