#include "objstore/object/checksums.h"

#include <fmt/format.h>

#include "common/base/parse.h"
#include "objstore/object/record_format.h"

namespace strata::object {

Status check_checksums(const std::vector<StoredChecksum>& checksums) {
  if (checksums.size() > kChecksumsMax) {
    return Error(Code::kInvalidArgument,
                 fmt::format("an object carries at most {} checksums", kChecksumsMax));
  }
  for (const StoredChecksum& checksum : checksums) {
    const size_t bytes = digest::checksum_size(checksum.algorithm);
    if (checksum.value.size() != bytes) {
      return Error(Code::kInvalidArgument, fmt::format("a {} checksum has {} bytes, not {}",
                                                       digest::checksum_name(checksum.algorithm),
                                                       bytes, checksum.value.size()));
    }
  }
  return {};
}

const StoredChecksum* find_checksum(const std::vector<StoredChecksum>& checksums,
                                    digest::ChecksumAlgorithm algorithm) noexcept {
  for (const StoredChecksum& checksum : checksums) {
    if (checksum.algorithm == algorithm) return &checksum;
  }
  return nullptr;
}

StoredChecksum composite_checksum(digest::ChecksumAlgorithm algorithm,
                                  std::span<const PartChecksum> parts) {
  std::string values;
  for (const PartChecksum& part : parts) values += part.value;
  StoredChecksum whole;
  whole.algorithm = algorithm;
  whole.value = digest::checksum(algorithm, as_bytes(values));
  whole.composite = true;
  whole.parts = static_cast<uint32_t>(parts.size());
  return whole;
}

StoredChecksum full_object_checksum(digest::ChecksumAlgorithm algorithm,
                                    std::span<const PartChecksum> parts) {
  CHECK(!parts.empty() && digest::checksum_combines(algorithm));
  StoredChecksum whole;
  whole.algorithm = algorithm;
  whole.value = parts.front().value;
  for (const PartChecksum& part : parts.subspan(1)) {
    whole.value = digest::combine(algorithm, whole.value, part.value, part.size_bytes);
  }
  return whole;
}

Error checksum_type_mismatch(digest::ChecksumAlgorithm expected,
                             std::optional<digest::ChecksumAlgorithm> actual) {
  return Error(
      Code::kInvalidArgument, kReasonChecksumType,
      fmt::format("Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum "
                  "Type: {}",
                  ascii_lower(digest::checksum_name(expected)),
                  actual ? ascii_lower(digest::checksum_name(*actual)) : std::string("null")));
}

Error bad_digest(digest::ChecksumAlgorithm algorithm) {
  return Error(Code::kInvalidArgument, reason::kBadDigest,
               fmt::format("the {} checksum that was sent is not that of the bytes received: send "
                           "them again",
                           digest::checksum_name(algorithm)));
}

}  // namespace strata::object
