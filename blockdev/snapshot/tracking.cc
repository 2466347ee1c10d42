#include "blockdev/snapshot/tracking.h"

#include <fmt/format.h>

#include <algorithm>

#include "blockdev/chunks/manifest.h"
#include "blockdev/volume/record_text.h"
#include "common/base/parse.h"

namespace strata::snapshot {
namespace {

using volume::checksum_text;
using volume::take_value;

constexpr std::string_view kFirstKey = "strata-tracking";
constexpr std::string_view kNone = "-";

Error corrupt(std::string_view what) {
  return Error(Code::kCorrupt, "volume_tracking", std::string(what));
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  while (out.size() < 8) {
    const size_t end = text.find(' ');
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return out;
}

bool is_id(std::string_view text) {
  return text.size() == chunks::kIdDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string reference_text(const std::optional<SnapshotReference>& reference) {
  if (!reference) return std::string(kNone);
  return fmt::format("{} {} {}", reference->id, reference->name, reference->place);
}

Status read_reference(std::string_view text, std::optional<SnapshotReference>& out) {
  if (text == kNone) return {};
  const auto parts = words(text);
  if (parts.size() != 3 || !is_id(parts[0]) || !chunks::check_snapshot_name(parts[1]).ok() ||
      !check_place(parts[2]).ok()) {
    return corrupt("a snapshot is not 'ID NAME PLACE'");
  }
  out = SnapshotReference{std::string(parts[0]), std::string(parts[1]), std::string(parts[2])};
  return {};
}

Status read_generations(std::string_view text, std::vector<uint64_t>& out) {
  if (text == kNone) return {};
  for (const std::string_view word : words(text)) {
    const auto number = parse_u64(word);
    if (!number || *number == 0 || (!out.empty() && out.back() >= *number) ||
        out.size() == kGenerationsMax) {
      return corrupt("the generations of changes are not in order, or too many");
    }
    out.push_back(*number);
  }
  return {};
}

}  // namespace

Status check_place(std::string_view place) {
  const bool good =
      !place.empty() && place.size() <= kPlaceBytesMax &&
      std::all_of(place.begin(), place.end(), [](char c) { return c > ' ' && c < 127; });
  if (good) return {};
  return Error(Code::kInvalidArgument, "snapshot_place",
               fmt::format("a place for snapshots is 's3://BUCKET[/PREFIX][?endpoint=URL]' of at "
                           "most {} characters without spaces",
                           kPlaceBytesMax));
}

std::string encode_tracking(const Tracking& tracking) {
  std::string changes;
  for (const uint64_t generation : tracking.changes) {
    changes += fmt::format("{}{}", changes.empty() ? "" : " ", generation);
  }
  std::string text =
      fmt::format("{} {}\nvolume {}\nbase {}\nchanges {}\norigin {}\n", kFirstKey, kTrackingVersion,
                  tracking.volume_id, reference_text(tracking.base),
                  changes.empty() ? kNone : changes, reference_text(tracking.origin));
  text += fmt::format("xxh3 {}\n", checksum_text(text));
  return text;
}

Result<Tracking> decode_tracking(Bytes file) {
  if (file.size() > kTrackingBytesMax) return corrupt("it is longer than any such file");
  const std::string_view text = as_text(file);
  std::string_view rest = text;
  const auto version = take_value(rest, kFirstKey);
  const auto version_number = version ? parse_u64(*version) : std::nullopt;
  if (!version_number) return corrupt("the first line is not 'strata-tracking VERSION'");
  if (*version_number > kTrackingVersion) {
    return Error(Code::kUnsupported, "newer_format",
                 fmt::format("format version {} is newer than this program's {}; use a newer "
                             "strata",
                             *version_number, kTrackingVersion));
  }
  const auto volume = take_value(rest, "volume");
  const auto base = volume ? take_value(rest, "base") : std::nullopt;
  const auto changes = base ? take_value(rest, "changes") : std::nullopt;
  const auto origin = changes ? take_value(rest, "origin") : std::nullopt;
  const std::string_view covered = text.substr(0, text.size() - rest.size());
  const auto checksum = origin ? take_value(rest, "xxh3") : std::nullopt;
  if (!checksum || !rest.empty()) return corrupt("a line is missing, out of order or too many");
  if (*checksum != checksum_text(covered)) return corrupt("the checksum does not match");
  if (!is_id(*volume)) return corrupt("the volume's id is not one");
  Tracking out;
  out.volume_id = std::string(*volume);
  TRY(read_reference(*base, out.base));
  TRY(read_generations(*changes, out.changes));
  TRY(read_reference(*origin, out.origin));
  if (encode_tracking(out) != text) return corrupt("it is not in the canonical form");
  return out;
}

}  // namespace strata::snapshot
