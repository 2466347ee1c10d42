// What a volume may be called and how large it may be.
#include <fmt/format.h>

#include <algorithm>

#include "blockdev/volume/catalog.h"
#include "blockdev/volume/metadata.h"
#include "common/base/parse.h"

namespace strata::volume {
namespace {

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

Status check_volume_name(std::string_view name) {
  const bool good =
      !name.empty() && name.size() <= kNameBytesMax && is_alphanumeric(name.front()) &&
      std::all_of(name.begin(), name.end(),
                  [](char c) { return is_alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
  if (good) return {};
  return Error(Code::kInvalidArgument, "volume_name",
               fmt::format("a volume name is a letter or digit, then letters, digits, '.', '_' or "
                           "'-', at most {} in all",
                           kNameBytesMax));
}

Status check_volume_size(uint64_t size_bytes) {
  if (size_bytes >= kVolumeBytesMin && size_bytes <= kVolumeBytesMax &&
      size_bytes % kVolumeBytesMin == 0) {
    return {};
  }
  return Error(
      Code::kInvalidArgument, "volume_size",
      fmt::format("a volume's size is a multiple of {} bytes, from {} to {}", kVolumeBytesMin,
                  format_size(kVolumeBytesMin), format_size(kVolumeBytesMax)));
}

}  // namespace strata::volume
