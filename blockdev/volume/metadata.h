// The metadata file of a volume. The format is docs/volume-format.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "blockdev/volume/host_device.h"
#include "blockdev/volume/provision.h"
#include "common/base/bytes.h"
#include "common/base/result.h"

namespace strata::volume {

inline constexpr uint64_t kMetadataVersion = 3;
// Longer than any valid file: what is longer is not read.
inline constexpr uint64_t kMetadataBytesMax = 4096;
inline constexpr size_t kIdBytes = 32;  // hexadecimal digits

struct Metadata {
  std::string name;
  std::string id;
  uint64_t size_bytes = 0;
  int64_t created_ms = 0;
  Provision provision = {};
  std::optional<DeviceReference> device = {};  // the volume's bytes; nothing: its image
  // A change that is under way, so that a crash does not leave it half-done. At most one of
  // them; a volume on a device does not grow in steps.
  uint64_t growing_to = 0;       // 0: none
  std::string renaming_to = {};  // empty: none
};

// In the oldest version that can say it, so that only volumes on devices need a new program.
[[nodiscard]] std::string encode_metadata(const Metadata& metadata);

// Reads every version up to kMetadataVersion. kUnsupported for a newer one; kCorrupt, with what is
// wrong, for anything else that an encode_metadata would not have written.
[[nodiscard]] Result<Metadata> decode_metadata(Bytes file);

[[nodiscard]] bool is_volume_id(std::string_view text) noexcept;

// The rules for values, shared with the catalogue: see catalog.h.
[[nodiscard]] Status check_volume_size(uint64_t size_bytes);

}  // namespace strata::volume
