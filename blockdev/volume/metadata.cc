#include "blockdev/volume/metadata.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "blockdev/volume/catalog.h"
#include "blockdev/volume/record_text.h"
#include "common/base/parse.h"

namespace strata::volume {
namespace {

constexpr std::string_view kFirstKey = "strata-volume";
constexpr std::string_view kChecksumKey = "xxh3";

Error corrupt(std::string_view what) {
  return Error(Code::kCorrupt, "volume_metadata", std::string(what));
}

std::string encode_version(uint64_t version, const Metadata& metadata) {
  std::string text =
      fmt::format("{} {}\nname {}\nid {}\nsize {}\ncreated {}\n", kFirstKey, version, metadata.name,
                  metadata.id, metadata.size_bytes, metadata.created_ms);
  if (version >= 2) {
    const Provision& given = metadata.provision;
    text += fmt::format("profile {}\niops {}\nthroughput {}\nlatency {}\n", given.profile,
                        given.iops, given.bytes_per_second,
                        given.latency ? layers::format_latency(*given.latency) : "profile");
    for (const layers::LayerSpec& layer : given.layers) {
      text += fmt::format("layer {}\n", layers::format_layer(layer));
    }
    if (version >= 3) {
      text +=
          fmt::format("device {}\nidentity {}\n", metadata.device->path, metadata.device->identity);
    }
    if (metadata.growing_to != 0) text += fmt::format("growing {}\n", metadata.growing_to);
    if (!metadata.renaming_to.empty()) text += fmt::format("renaming {}\n", metadata.renaming_to);
  }
  text += fmt::format("{} {}\n", kChecksumKey, checksum_text(text));
  return text;
}

// Puts the value of the next line into `into`, which parse(value) makes of it.
template <typename Into, typename Parse>
bool take(std::string_view& rest, std::string_view key, Into& into, Parse parse) {
  const auto value = take_value(rest, key);
  if (!value) return false;
  auto parsed = parse(*value);
  if (!parsed) return false;
  into = std::move(*parsed);
  return true;
}

std::optional<std::string> any_text(std::string_view value) {
  return std::string(value);
}

bool take_first_lines(std::string_view& rest, Metadata& into) {
  uint64_t created = 0;
  const bool taken =
      take(rest, "name", into.name, any_text) && take(rest, "id", into.id, any_text) &&
      take(rest, "size", into.size_bytes, parse_u64) && take(rest, "created", created, parse_u64);
  into.created_ms = static_cast<int64_t>(created);
  return taken && created <= INT64_MAX;
}

bool take_provision(std::string_view& rest, Provision& into) {
  std::string latency;
  if (!take(rest, "profile", into.profile, any_text) || !take(rest, "iops", into.iops, parse_u64) ||
      !take(rest, "throughput", into.bytes_per_second, parse_u64) ||
      !take(rest, "latency", latency, any_text)) {
    return false;
  }
  if (latency != "profile") {
    const auto parsed = layers::parse_latency(latency);
    if (!parsed.ok()) return false;
    into.latency = *parsed;
  }
  while (rest.starts_with("layer ") && into.layers.size() < layers::kLayersMax) {
    const auto layer = layers::parse_layer(take_value(rest, "layer").value_or(""));
    if (!layer.ok()) return false;
    into.layers.push_back(*layer);
  }
  return check_provision(into).ok();
}

bool take_device(std::string_view& rest, Metadata& into) {
  DeviceReference device;
  if (!take(rest, "device", device.path, any_text) ||
      !take(rest, "identity", device.identity, any_text)) {
    return false;
  }
  into.device = std::move(device);
  return check_device_path(into.device->path).ok() &&
         is_device_text(into.device->identity, kDeviceIdentityBytesMax);
}

bool take_change(std::string_view& rest, Metadata& into) {
  if (rest.starts_with("growing ")) {
    return take(rest, "growing", into.growing_to, parse_u64) &&
           check_volume_size(into.growing_to).ok() && into.growing_to > into.size_bytes &&
           !into.device;
  }
  if (rest.starts_with("renaming ")) {
    return take(rest, "renaming", into.renaming_to, any_text) &&
           check_volume_name(into.renaming_to).ok() && into.renaming_to != into.name;
  }
  return true;
}

}  // namespace

bool is_volume_id(std::string_view text) noexcept {
  return text.size() == kIdBytes && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string encode_metadata(const Metadata& metadata) {
  return encode_version(metadata.device ? 3 : 2, metadata);
}

Result<Metadata> decode_metadata(Bytes file) {
  if (file.size() > kMetadataBytesMax) return corrupt("the file is too long");
  const std::string_view text = as_text(file);
  std::string_view rest = text;
  const auto version_text = take_value(rest, kFirstKey);
  const auto version = version_text ? parse_u64(*version_text) : std::nullopt;
  if (!version || *version == 0) return corrupt("the first line is not 'strata-volume NUMBER'");
  if (*version > kMetadataVersion) {
    return Error(
        Code::kUnsupported, "volume_version",
        fmt::format("the volume has format version {}, newer than the {} that this program "
                    "reads; use a newer Strata",
                    *version, kMetadataVersion));
  }
  // The checksum first: what follows may then say what is wrong with a value.
  const size_t last = text.rfind(kChecksumKey);
  if (last == std::string_view::npos || last == 0 || text[last - 1] != '\n') {
    return corrupt("the line of the checksum is missing");
  }
  if (text.substr(last) !=
      fmt::format("{} {}\n", kChecksumKey, checksum_text(text.substr(0, last)))) {
    return corrupt("the checksum does not match");
  }
  Metadata metadata;
  if (!take_first_lines(rest, metadata) || !check_volume_name(metadata.name).ok() ||
      !is_volume_id(metadata.id) || !check_volume_size(metadata.size_bytes).ok()) {
    return corrupt(
        "a line is missing, out of order, or has a value that this program never writes");
  }
  if (*version >= 2 &&
      (!take_provision(rest, metadata.provision) ||
       (*version >= 3 && !take_device(rest, metadata)) || !take_change(rest, metadata))) {
    return corrupt("a limit, layer, device or change is not one that this program writes");
  }
  // One text for one meaning: no leading zeroes, nothing that a reader could take for another
  // value, nothing behind the end.
  if (encode_version(*version, metadata) != text) return corrupt("it is not in the canonical form");
  return metadata;
}

}  // namespace strata::volume
