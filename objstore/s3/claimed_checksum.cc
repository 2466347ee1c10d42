#include "objstore/s3/claimed_checksum.h"

#include <utility>

#include "common/base/parse.h"
#include "common/codec/text.h"
#include "objstore/s3/errors.h"

namespace strata::s3 {

namespace {

constexpr std::string_view kPrefix = "x-amz-checksum-";
constexpr size_t kMd5Bytes = 16;

Error invalid_value(std::string_view what) {
  return {Code::kInvalidArgument, code::kInvalidRequest,
          "Value for " + std::string(what) + " header is invalid."};
}

// Fields of the prefix that speak of checksums without being one.
bool is_about_checksums(std::string_view suffix) {
  return suffix == "mode" || suffix == "type" || suffix == "algorithm";
}

// Calls visit(algorithm, value, name) for each checksum field.
template <typename Visit>
Status for_each_checksum(const http::Fields& fields, Visit visit) {
  for (const auto& [name, value] : fields.all()) {
    if (!name.starts_with(kPrefix)) continue;
    const std::string_view suffix = std::string_view(name).substr(kPrefix.size());
    if (is_about_checksums(suffix)) continue;
    const auto algorithm = digest::parse_checksum_name(suffix);
    if (!algorithm) return not_implemented(name);
    TRY(visit(*algorithm, value, name));
  }
  return {};
}

Result<std::optional<ClaimedChecksum>> announced_trailer(const http::Fields& fields) {
  const std::string* trailer = fields.find("x-amz-trailer");
  if (trailer == nullptr) return std::optional<ClaimedChecksum>();
  const std::string name = ascii_lower(trim(*trailer));
  if (!name.starts_with(kPrefix)) return not_implemented("the trailer " + name);
  const auto algorithm = digest::parse_checksum_name(std::string_view(name).substr(kPrefix.size()));
  if (!algorithm) return not_implemented("the trailer " + name);
  return std::optional<ClaimedChecksum>(ClaimedChecksum{*algorithm, std::nullopt});
}

}  // namespace

std::string checksum_header(digest::ChecksumAlgorithm algorithm) {
  return std::string(kPrefix) + ascii_lower(digest::checksum_name(algorithm));
}

Result<digest::ChecksumAlgorithm> parse_checksum_algorithm(std::string_view text) {
  const auto algorithm = digest::parse_checksum_name(text);
  if (algorithm) return *algorithm;
  return Error(Code::kInvalidArgument, code::kInvalidRequest,
               "Checksum algorithm provided is unsupported. Please try again with any of the valid "
               "types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256, SHA512, MD5, XXHASH64, XXHASH3, "
               "XXHASH128]");
}

Result<object::StoredChecksum> parse_checksum_value(digest::ChecksumAlgorithm algorithm,
                                                    std::string_view text, std::string_view what) {
  object::StoredChecksum checksum;
  checksum.algorithm = algorithm;
  const size_t dash = text.find('-');
  if (dash != std::string_view::npos) {
    const auto parts = parse_u64(text.substr(dash + 1));
    if (!parts || *parts == 0 || *parts > object::kPartNumberMax) return invalid_value(what);
    checksum.composite = true;
    checksum.parts = static_cast<uint32_t>(*parts);
    text = text.substr(0, dash);
  }
  auto raw = codec::from_base64(text);
  if (!raw || raw->size() != digest::checksum_size(algorithm)) return invalid_value(what);
  checksum.value = std::move(*raw);
  return checksum;
}

std::string checksum_text(const object::StoredChecksum& checksum) {
  std::string text = codec::to_base64(checksum.value);
  if (checksum.composite) text += "-" + std::to_string(checksum.parts);
  return text;
}

Result<std::optional<ClaimedChecksum>> parse_claimed_checksum(const http::Fields& fields) {
  std::optional<ClaimedChecksum> claimed;
  TRY_ASSIGN(claimed, announced_trailer(fields));
  const auto visit = [&claimed](digest::ChecksumAlgorithm algorithm, const std::string& value,
                                const std::string& name) -> Status {
    if (claimed) {
      return Error(Code::kInvalidArgument, code::kInvalidRequest,
                   "Expecting a single x-amz-checksum- header. Multiple checksum Types are not "
                   "allowed.");
    }
    TRY_ASSIGN(object::StoredChecksum parsed, parse_checksum_value(algorithm, value, name));
    if (parsed.composite) return invalid_value(name);
    claimed = ClaimedChecksum{algorithm, std::move(parsed.value)};
    return {};
  };
  TRY(for_each_checksum(fields, visit));

  const std::string* sdk = fields.find("x-amz-sdk-checksum-algorithm");
  if (sdk != nullptr) {
    TRY_ASSIGN(const digest::ChecksumAlgorithm algorithm, parse_checksum_algorithm(*sdk));
    if (!claimed) {
      return Error(Code::kInvalidArgument, code::kInvalidRequest,
                   "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* "
                   "or x-amz-trailer headers were found.");
    }
    if (algorithm != claimed->algorithm) return invalid_value("x-amz-sdk-checksum-algorithm");
  }
  return claimed;
}

Result<std::vector<object::StoredChecksum>> parse_stated_checksums(const http::Fields& fields) {
  std::vector<object::StoredChecksum> stated;
  const auto visit = [&stated](digest::ChecksumAlgorithm algorithm, const std::string& value,
                               const std::string& name) -> Status {
    TRY_ASSIGN(object::StoredChecksum parsed, parse_checksum_value(algorithm, value, name));
    stated.push_back(std::move(parsed));
    return {};
  };
  TRY(for_each_checksum(fields, visit));
  if (stated.size() > 1) {
    return Error(Code::kInvalidArgument, code::kInvalidRequest,
                 "Expecting a single x-amz-checksum- header.");
  }
  return stated;
}

Result<std::optional<std::string>> parse_content_md5(const http::Fields& fields) {
  const std::string* header = fields.find("content-md5");
  if (header == nullptr) return std::optional<std::string>();
  auto raw = codec::from_base64(*header);
  if (!raw || raw->size() != kMd5Bytes) {
    return Error(Code::kInvalidArgument, code::kInvalidDigest,
                 "The Content-MD5 you specified was invalid.");
  }
  return raw;
}

}  // namespace strata::s3
