#include "blockdev/volume/metadata.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "blockdev/volume/catalog.h"
#include "common/base/parse.h"
#include "common/digest/checksum.h"

namespace strata::volume {
namespace {

constexpr std::string_view kFirstKey = "strata-volume";
constexpr std::string_view kChecksumKey = "xxh3";

std::string checksum_text(std::string_view text) {
  return fmt::format("{:016x}", digest::xxh3(as_bytes(text)));
}

// Takes the next line, "KEY VALUE\n", off the text; nothing if it is not that.
std::optional<std::string_view> take_value(std::string_view& text, std::string_view key) {
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view line = text.substr(0, end);
  if (!line.starts_with(key) || line.substr(key.size(), 1) != " ") return std::nullopt;
  line.remove_prefix(key.size() + 1);
  text.remove_prefix(end + 1);
  return line;
}

Error corrupt(std::string_view what) {
  return Error(Code::kCorrupt, "volume_metadata", std::string(what));
}

}  // namespace

bool is_volume_id(std::string_view text) noexcept {
  return text.size() == kIdBytes && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string encode_metadata(const Metadata& metadata) {
  std::string text =
      fmt::format("{} {}\nname {}\nid {}\nsize {}\ncreated {}\n", kFirstKey, kMetadataVersion,
                  metadata.name, metadata.id, metadata.size_bytes, metadata.created_ms);
  text += fmt::format("{} {}\n", kChecksumKey, checksum_text(text));
  return text;
}

Result<Metadata> decode_metadata(Bytes file) {
  if (file.size() > kMetadataBytesMax) return corrupt("it is longer than any metadata file");
  const std::string_view text = as_text(file);
  std::string_view rest = text;
  const auto version = take_value(rest, kFirstKey);
  const auto version_number = version ? parse_u64(*version) : std::nullopt;
  if (!version_number) return corrupt("the first line is not 'strata-volume VERSION'");
  // The version comes before the checksum, so that a newer format may change even that.
  if (*version_number > kMetadataVersion) {
    return Error(
        Code::kUnsupported, "newer_format",
        fmt::format("format version {} is newer than this program's {}; use a newer strata",
                    *version_number, kMetadataVersion));
  }
  const auto name = take_value(rest, "name");
  const auto id = name ? take_value(rest, "id") : std::nullopt;
  const auto size = id ? take_value(rest, "size") : std::nullopt;
  const auto created = size ? take_value(rest, "created") : std::nullopt;
  const std::string_view covered = text.substr(0, text.size() - rest.size());
  const auto checksum = created ? take_value(rest, kChecksumKey) : std::nullopt;
  if (!checksum || !rest.empty()) return corrupt("a line is missing, out of order or too many");
  if (*checksum != checksum_text(covered)) return corrupt("the checksum does not match");
  const auto size_number = parse_u64(*size);
  const auto created_number = parse_u64(*created);
  if (!check_volume_name(*name).ok() || !is_volume_id(*id) || !size_number ||
      !check_volume_size(*size_number).ok() || !created_number || *created_number > INT64_MAX) {
    return corrupt("a value is not one that this program writes");
  }
  Metadata metadata{.name = std::string(*name),
                    .id = std::string(*id),
                    .size_bytes = *size_number,
                    .created_ms = static_cast<int64_t>(*created_number)};
  // One text for one meaning: no leading zeroes, nothing that a reader could take for another
  // value.
  if (encode_metadata(metadata) != text) return corrupt("it is not in the canonical form");
  return metadata;
}

}  // namespace strata::volume
