#include "objstore/drive/identity.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/parse.h"
#include "common/digest/checksum.h"

namespace strata::drive {

namespace {

constexpr std::string_view kFirstLine = "strata drive";
constexpr std::string_view kChecksumWord = "checksum ";

Error damaged(std::string_view why) {
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

uint64_t checksum_of(std::string_view body) {
  return digest::xxh3(as_bytes(body));
}

}  // namespace

std::string render_identity(const Identity& identity) {
  std::string body =
      fmt::format("{}\nformat {}\ncluster {}\ndrive {}\nreplicas {}\n", kFirstLine, identity.format,
                  identity.cluster.to_hex(), identity.drive.to_hex(), identity.replicas);
  for (const Id128& member : identity.members) body += fmt::format("member {}\n", member.to_hex());
  return fmt::format("{}{}{:016x}\n", body, kChecksumWord, checksum_of(body));
}

Result<Identity> parse_identity(std::string_view text) {
  if (text.size() > kIdentityBytesMax) return damaged("too long");
  const std::string_view whole = text;
  if (!text.starts_with(kFirstLine) || text.size() <= kFirstLine.size() ||
      text[kFirstLine.size()] != '\n') {
    return damaged("it does not start with \"strata drive\"");
  }
  text.remove_prefix(kFirstLine.size() + 1);
  Identity identity;
  const auto format = take_line(text, "format");
  const auto format_number = format ? parse_u64(*format) : std::nullopt;
  if (!format_number) return damaged("no format");
  if (*format_number > kDriveFormat) {
    return Error(Code::kUnsupported,
                 fmt::format("the drive was written by a newer strata (format {}, this program "
                             "knows {}); start the newer program",
                             *format_number, kDriveFormat));
  }
  identity.format = static_cast<uint32_t>(*format_number);
  const size_t sum_at = whole.rfind(kChecksumWord);
  if (sum_at == std::string_view::npos ||
      whole.substr(sum_at) !=
          fmt::format("{}{:016x}\n", kChecksumWord, checksum_of(whole.substr(0, sum_at)))) {
    return damaged("its checksum does not match");
  }
  const auto cluster = take_line(text, "cluster");
  const auto drive = take_line(text, "drive");
  const auto replicas = take_line(text, "replicas");
  const auto cluster_id = cluster ? Id128::from_hex(*cluster) : std::nullopt;
  const auto drive_id = drive ? Id128::from_hex(*drive) : std::nullopt;
  const auto replica_number = replicas ? parse_u64(*replicas) : std::nullopt;
  if (!cluster_id || !drive_id || !replica_number || *replica_number == 0) {
    return damaged("a line is missing");
  }
  identity.cluster = *cluster_id;
  identity.drive = *drive_id;
  while (const auto member = take_line(text, "member")) {
    const auto id = Id128::from_hex(*member);
    if (!id || identity.members.size() == kDrivesMax) return damaged("its list of members");
    identity.members.push_back(*id);
  }
  if (*replica_number > identity.members.size() ||
      std::ranges::find(identity.members, identity.drive) == identity.members.end()) {
    return damaged("its list of members");
  }
  identity.replicas = static_cast<uint32_t>(*replica_number);
  return identity;
}

}  // namespace strata::drive
