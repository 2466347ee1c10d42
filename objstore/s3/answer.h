// Answer: what an operation wants sent back, before it touches the connection.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/async/byte_source.h"
#include "common/base/result.h"
#include "common/codec/xml.h"
#include "common/http/message.h"
#include "objstore/object/types.h"

namespace strata::s3 {

struct Answer {
  http::ResponseHead head;
  std::string body;
  // Instead of body: a stream of `length` bytes, or (null) only the length, in answer to HEAD.
  std::unique_ptr<async::ByteSource> stream;
  std::optional<uint64_t> length;
  // Instead of body and status: an error that has fields of its own to tell.
  std::optional<Error> error;
};

inline constexpr std::string_view kXmlNamespace = "http://s3.amazonaws.com/doc/2006-03-01/";

[[nodiscard]] Answer empty_answer(int status);
[[nodiscard]] Answer xml_answer(int status, std::string document);
// A document with S3's namespace on its root.
[[nodiscard]] codec::XmlWriter s3_document(std::string_view root);

// "\"etag\"".
[[nodiscard]] std::string quoted_etag(std::string_view etag);
[[nodiscard]] std::string unquoted(std::string_view etag);

// x-amz-checksum-* and x-amz-checksum-type.
void add_checksum_fields(http::Fields& fields, const std::vector<object::StoredChecksum>& stored);
// ChecksumAlgorithm and ChecksumType, as listings tell them.
void write_checksum_kinds(codec::XmlWriter& xml, const std::vector<object::StoredChecksum>& stored);
// ChecksumCRC32 and so on, and ChecksumType where `with_type`.
void write_checksums(codec::XmlWriter& xml, const std::vector<object::StoredChecksum>& stored,
                     bool with_type);

}  // namespace strata::s3
