// What the readers of bucket settings share: strict reading of small XML documents.
//
// Every element must be known and may come once unless the schema lets it repeat; anything else is
// S3's MalformedXML. Thread rule: any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/codec/xml.h"

namespace strata::settings {

// Reasons of this room's errors; their codes are kInvalidArgument.
namespace reason {
inline constexpr std::string_view kMalformedXml = "malformed_settings_xml";
inline constexpr std::string_view kInvalidRequest = "invalid_settings_request";
inline constexpr std::string_view kInvalidArgument = "invalid_settings_argument";
inline constexpr std::string_view kUnsupported = "unsupported_setting";  // code kUnsupported
}  // namespace reason

inline constexpr std::string_view kXmlNamespace = "http://s3.amazonaws.com/doc/2006-03-01/";
inline constexpr size_t kRuleIdBytesMax = 255;

[[nodiscard]] Error malformed();
[[nodiscard]] Error invalid_request(std::string message);
[[nodiscard]] Error invalid_argument(std::string message);
[[nodiscard]] Error unsupported(std::string message);

// The document's root, which must have this name.
[[nodiscard]] Result<codec::XmlElement> parse_root(std::string_view xml, std::string_view root,
                                                   size_t bytes_max, size_t elements_max);

// Moves the text of an element that may come once and has no children.
[[nodiscard]] Status take_once(const codec::XmlElement& element, std::optional<std::string>& into);
// The text of an element without children.
[[nodiscard]] Result<std::string> leaf_text(const codec::XmlElement& element);
// As take_once, for "true" and "false" (any case).
[[nodiscard]] Status take_bool(const codec::XmlElement& element, std::optional<bool>& into);
// As take_once, for a decimal integer with optional sign that fits 32 bits.
[[nodiscard]] Status take_int(const codec::XmlElement& element, std::optional<int64_t>& into);
// As take_int, for an unsigned number of up to 64 bits.
[[nodiscard]] Status take_u64(const codec::XmlElement& element, std::optional<uint64_t>& into);

}  // namespace strata::settings
