// The checksums kept with objects and parts, and how those of parts make one of the whole.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "objstore/object/types.h"

namespace strata::object {

// S3 computes this one of every body that comes without a checksum.
inline constexpr digest::ChecksumAlgorithm kDefaultChecksum = digest::ChecksumAlgorithm::kCrc64Nvme;

// Reason (kInvalidArgument): the checksums of an upload, its parts and its completion do not go
// together.
inline constexpr std::string_view kReasonChecksumType = "checksum_type_mismatch";

// What a caller hands in to be stored: at most kChecksumsMax, each of its algorithm's length.
// kInvalidArgument otherwise.
[[nodiscard]] Status check_checksums(const std::vector<StoredChecksum>& checksums);

// The one of this algorithm, or null.
[[nodiscard]] const StoredChecksum* find_checksum(const std::vector<StoredChecksum>& checksums,
                                                  digest::ChecksumAlgorithm algorithm) noexcept;

struct PartChecksum {
  std::string value;  // raw
  uint64_t size_bytes = 0;
};

// Of the parts' values, one after the other. Parts: at least one.
[[nodiscard]] StoredChecksum composite_checksum(digest::ChecksumAlgorithm algorithm,
                                                std::span<const PartChecksum> parts);
// Of the parts' bytes, one after the other. The algorithm combines (CHECK). Parts: at least one.
[[nodiscard]] StoredChecksum full_object_checksum(digest::ChecksumAlgorithm algorithm,
                                                  std::span<const PartChecksum> parts);

// kInvalidArgument/checksum_type_mismatch, in S3's words. actual: absent for none.
[[nodiscard]] Error checksum_type_mismatch(digest::ChecksumAlgorithm expected,
                                           std::optional<digest::ChecksumAlgorithm> actual);

// kInvalidArgument/bad_digest.
[[nodiscard]] Error bad_digest(digest::ChecksumAlgorithm algorithm);

}  // namespace strata::object
