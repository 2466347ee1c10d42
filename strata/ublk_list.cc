#include "strata/ublk_list.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "blockdev/volume/catalog.h"
#include "common/base/bytes.h"
#include "strata/json.h"

namespace strata::roof {
namespace {

constexpr std::string_view kUblkFile = "ublk.json";
constexpr uint64_t kUblkListVersion = 1;
constexpr size_t kUblkListBytesMax = kMiB;

Result<uint64_t> identity_of(const std::string& text) {
  uint64_t out = 0;
  constexpr size_t kDigits = 16;
  bool good = text.size() == kDigits;
  for (const char digit : text) {
    const bool decimal = digit >= '0' && digit <= '9';
    const bool letter = digit >= 'a' && digit <= 'f';
    good = good && (decimal || letter);
    out = out << 4U | static_cast<uint64_t>(decimal ? digit - '0' : digit - 'a' + 10);
  }
  if (good && out != 0) return out;
  return Error(Code::kInvalidArgument, "an identity has 16 hexadecimal digits");
}

Result<UblkRecord> record_of(const nlohmann::json& one) {
  UblkRecord out;
  TRY_ASSIGN(out.volume, json_string(one, "volume"));
  TRY_ASSIGN(out.token, json_string(one, "token"));
  TRY_ASSIGN(const uint64_t number, json_u64(one, "number"));
  TRY_ASSIGN(const std::string identity, json_string(one, "identity"));
  TRY_ASSIGN(out.identity, identity_of(identity));
  if (!one.contains("read_only") || !one["read_only"].is_boolean() || number >= UINT32_MAX) {
    return Error(Code::kInvalidArgument, "a device has a number and says whether it is read-only");
  }
  out.number = static_cast<uint32_t>(number);
  out.read_only = one["read_only"].get<bool>();
  TRY(volume::check_volume_name(out.volume));
  return out;
}

Result<std::vector<UblkRecord>> parse_list(std::string_view text) {
  TRY_ASSIGN(const nlohmann::json list, parse_json(text, kUblkListBytesMax));
  TRY_ASSIGN(const uint64_t version, json_u64(list, "version"));
  if (version != kUblkListVersion) {
    return Error(Code::kUnsupported, fmt::format("version {} is newer than this program's {}",
                                                 version, kUblkListVersion));
  }
  if (!list.contains("devices") || !list["devices"].is_array() ||
      list["devices"].size() > kUblkDevicesMax) {
    return Error(Code::kInvalidArgument, "the member 'devices' must be a list");
  }
  std::vector<UblkRecord> out;
  for (const nlohmann::json& one : list["devices"]) {
    TRY_ASSIGN(UblkRecord record, record_of(one));
    out.push_back(std::move(record));
  }
  return out;
}

}  // namespace

std::string ublk_list_path(const std::string& data) {
  return io::join_path(data, kUblkFile);
}

Result<std::vector<UblkRecord>> load_ublk_list(io::FileSystem& files, const std::string& path) {
  const Result<ByteVector> bytes = io::read_file(files, path, kUblkListBytesMax);
  if (!bytes.ok()) {
    if (bytes.error().code == Code::kNotFound) return std::vector<UblkRecord>();
    return bytes.error();
  }
  auto records = parse_list(as_text(*bytes));
  if (records.ok()) return records;
  return Error(Code::kCorrupt, fmt::format("the list of ublk devices {}: {}; remove it, and attach "
                                           "the volumes again after a restart of the host",
                                           path, records.error().message));
}

Status save_ublk_list(io::FileSystem& files, const std::string& path,
                      const std::vector<UblkRecord>& records) {
  nlohmann::json list = {{"version", kUblkListVersion}, {"devices", nlohmann::json::array()}};
  for (const UblkRecord& one : records) {
    list["devices"].push_back({{"volume", one.volume},
                               {"token", one.token},
                               {"read_only", one.read_only},
                               {"number", one.number},
                               {"identity", fmt::format("{:016x}", one.identity)}});
  }
  const std::string text = dump_json(list, 2) + "\n";
  return io::write_file_atomic(files, path, as_bytes(text));
}

}  // namespace strata::roof
