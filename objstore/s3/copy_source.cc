#include "objstore/s3/copy_source.h"

#include "common/codec/text.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/limits.h"

namespace strata::s3 {

namespace {

Error bad_source() {
  return {Code::kInvalidArgument, code::kInvalidArgument,
          "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"};
}

}  // namespace

Result<CopySource> parse_copy_source(std::string_view field) {
  if (field.size() > kCopySourceBytesMax) return bad_source();
  // The version is set off by a '?' that is not encoded; one in the key is.
  constexpr std::string_view kVersion = "?versionId=";
  std::optional<std::string> version_id;
  const size_t version = field.find(kVersion);
  if (version != std::string_view::npos) {
    version_id = codec::uri_decode(field.substr(version + kVersion.size()));
    if (!version_id) return bad_source();
    if (version_id->empty()) {
      return Error(Code::kInvalidArgument, code::kInvalidArgument,
                   "Version id cannot be the empty string");
    }
    field = field.substr(0, version);
  }
  // As on S3 a plus is a space here: clients encode the field as they would a form.
  const auto decoded = codec::uri_decode(field, true);
  if (!decoded) return bad_source();
  std::string_view name = *decoded;
  if (name.starts_with("arn:")) return not_implemented("an access point as copy source");
  if (name.starts_with('/')) name.remove_prefix(1);
  const size_t slash = name.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == name.size()) {
    return bad_source();
  }
  return CopySource{std::string(name.substr(0, slash)), std::string(name.substr(slash + 1)),
                    std::move(version_id)};
}

}  // namespace strata::s3
