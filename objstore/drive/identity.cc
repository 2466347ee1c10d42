#include "objstore/drive/identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "common/base/parse.h"
#include "common/digest/checksum.h"

namespace strata::drive {

namespace {

constexpr std::string_view kFirstLine = "strata drive";
constexpr std::string_view kChecksumWord = "checksum ";

Error damaged_identity(std::string_view why) {
  return Error(Code::kCorrupt,
               fmt::format("the identity file is damaged ({}); if the other drives are well, empty "
                           "this folder and let it be filled from them",
                           why));
}

// The value of the line "word value" at the front of text, or nullopt.
std::optional<std::string_view> take_line(std::string_view& text, std::string_view word) {
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  if (!line.starts_with(word) || line.size() < word.size() + 1 || line[word.size()] != ' ') {
    return std::nullopt;
  }
  text.remove_prefix(end + 1);
  return line.substr(word.size() + 1);
}

uint64_t checksum_of_identity(std::string_view body) {
  return digest::xxh3(as_bytes(body));
}

bool has_drive(const std::vector<MemberRecord>& list, const Id128& drive) {
  return std::ranges::any_of(list, [&](const MemberRecord& m) { return m.drive == drive; });
}

std::string render_members(std::string_view word, const std::vector<MemberRecord>& list) {
  std::string out;
  for (const MemberRecord& member : list) {
    out += fmt::format("{} {} {} {}\n", word, member.slot.to_hex(), member.drive.to_hex(),
                       member.weight);
  }
  return out;
}

// "SLOT DRIVE WEIGHT"
std::optional<MemberRecord> parse_member(std::string_view line) {
  constexpr size_t kIdDigits = 32;
  if (line.size() < 2 * kIdDigits + 3 || line[kIdDigits] != ' ' || line[2 * kIdDigits + 1] != ' ') {
    return std::nullopt;
  }
  const auto slot = Id128::from_hex(line.substr(0, kIdDigits));
  const auto drive = Id128::from_hex(line.substr(kIdDigits + 1, kIdDigits));
  const auto weight = parse_u64(line.substr(2 * kIdDigits + 2));
  if (!slot || !drive || !weight || *weight == 0 || *weight > kWeightMax) return std::nullopt;
  return MemberRecord{.slot = *slot, .drive = *drive, .weight = *weight};
}

// The lines of one list. False for a line that is not a member, a slot or drive that is there
// twice, or too many.
bool take_members(std::string_view& text, std::string_view word, std::vector<MemberRecord>& list) {
  while (const auto line = take_line(text, word)) {
    const auto member = parse_member(*line);
    if (!member || list.size() == kDrivesMax || has_drive(list, member->drive)) return false;
    for (const MemberRecord& other : list) {
      if (other.slot == member->slot) return false;
    }
    list.push_back(*member);
  }
  return true;
}

}  // namespace

bool Identity::is_member() const {
  return has_drive(members, drive) || has_drive(next, drive);
}

std::string render_identity(const Identity& identity) {
  std::string body = fmt::format("{}\nformat {}\ncluster {}\ndrive {}\nreplicas {}\nlayout {}\n",
                                 kFirstLine, identity.format, identity.cluster.to_hex(),
                                 identity.drive.to_hex(), identity.replicas, identity.layout);
  body += render_members("member", identity.members);
  body += render_members("next", identity.next);
  return fmt::format("{}{}{:016x}\n", body, kChecksumWord, checksum_of_identity(body));
}

bool identity_checksum_holds(std::string_view text) {
  const size_t sum_at = text.rfind(kChecksumWord);
  return sum_at != std::string_view::npos &&
         text.substr(sum_at) == fmt::format("{}{:016x}\n", kChecksumWord,
                                            checksum_of_identity(text.substr(0, sum_at)));
}

Result<Identity> parse_identity(std::string_view text) {
  if (text.size() > kIdentityBytesMax) return damaged_identity("too long");
  const std::string_view whole = text;
  if (!text.starts_with(kFirstLine) || text.size() <= kFirstLine.size() ||
      text[kFirstLine.size()] != '\n') {
    return damaged_identity("it does not start with \"strata drive\"");
  }
  text.remove_prefix(kFirstLine.size() + 1);
  Identity identity;
  const auto format = take_line(text, "format");
  const auto format_number = format ? parse_u64(*format) : std::nullopt;
  if (!format_number) return damaged_identity("no format");
  if (*format_number > kDriveFormat) {
    return Error(Code::kUnsupported,
                 fmt::format("the drive was written by a newer strata (format {}, this program "
                             "knows {}); start the newer program",
                             *format_number, kDriveFormat));
  }
  identity.format = static_cast<uint32_t>(*format_number);
  if (!identity_checksum_holds(whole)) return damaged_identity("its checksum does not match");
  const size_t sum_at = whole.rfind(kChecksumWord);
  const auto cluster = take_line(text, "cluster");
  const auto drive = take_line(text, "drive");
  const auto replicas = take_line(text, "replicas");
  const auto layout = take_line(text, "layout");
  const auto cluster_id = cluster ? Id128::from_hex(*cluster) : std::nullopt;
  const auto drive_id = drive ? Id128::from_hex(*drive) : std::nullopt;
  const auto replica_number = replicas ? parse_u64(*replicas) : std::nullopt;
  const auto layout_number = layout ? parse_u64(*layout) : std::nullopt;
  if (!cluster_id || !drive_id || !replica_number || *replica_number == 0 || !layout_number ||
      *layout_number == 0 || *layout_number > kLayoutMax) {
    return damaged_identity("a line is missing");
  }
  identity.cluster = *cluster_id;
  identity.drive = *drive_id;
  identity.layout = *layout_number;
  if (!take_members(text, "member", identity.members) ||
      !take_members(text, "next", identity.next) || text.size() != whole.size() - sum_at ||
      *replica_number > identity.members.size() ||
      (!identity.next.empty() && *replica_number > identity.next.size())) {
    return damaged_identity("its lists of members");
  }
  identity.replicas = static_cast<uint32_t>(*replica_number);
  if (render_identity(identity) != whole)
    return damaged_identity("a line is not as strata writes it");
  return identity;
}

}  // namespace strata::drive
