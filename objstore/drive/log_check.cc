#include "objstore/drive/log_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "common/base/parse.h"
#include "common/digest/crc32c.h"
#include "objstore/drive/index.h"

namespace strata::drive {

namespace {

constexpr size_t kBlock = 32 * kKiB;
constexpr size_t kHeader = 7;  // checksum 4, length 2, type 1
constexpr uint32_t kMaskDelta = 0xa282ead8;
enum FragmentType : uint8_t { kZero = 0, kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

uint32_t unmask(uint32_t masked) {
  const uint32_t rotated = masked - kMaskDelta;
  return (rotated >> 17) | (rotated << 15);
}

// The length of the data of the valid fragment at the front, if there is one.
std::optional<size_t> valid_fragment(Bytes bytes) {
  if (bytes.size() < kHeader) return std::nullopt;
  uint32_t masked = 0;
  uint16_t length = 0;
  std::memcpy(&masked, bytes.data(), sizeof masked);
  std::memcpy(&length, bytes.data() + 4, sizeof length);
  const auto type = static_cast<uint8_t>(bytes[6]);
  if (type < kFull || type > kLast || kHeader + length > bytes.size()) return std::nullopt;
  if (digest::crc32c(bytes.subspan(6, 1 + size_t{length})) != unmask(masked)) return std::nullopt;
  return length;
}

// Walks the fragments of one log file and looks for damage in front of flushed records.
class LogWalk {
 public:
  explicit LogWalk(std::optional<uint64_t> bad_at) : bad_at_(bad_at) {}

  // True: what is bad had been flushed.
  bool block(Bytes block, uint64_t offset) {
    size_t at = 0;
    while (at + kHeader <= block.size()) {
      const Bytes rest = block.subspan(at);
      if (const auto length = valid_fragment(rest)) {
        if (zeros_at_ && !bad_at_) bad_at_ = zeros_at_;  // no end: something follows
        if (take(rest.subspan(kHeader, *length), static_cast<FragmentType>(rest[6]))) return true;
        at += kHeader + *length;
        continue;
      }
      if (std::ranges::all_of(rest, [](std::byte b) { return b == std::byte{0}; })) {
        if (!zeros_at_) zeros_at_ = offset + at;
        break;
      }
      // Where the next one begins is not known any more: any place may be it.
      if (!bad_at_) bad_at_ = offset + at;
      in_record_ = false;
      ++at;
    }
    return false;
  }
  // The file ends; a record that is not whole is bad.
  void end(uint64_t offset) {
    if (in_record_ && !bad_at_) bad_at_ = offset;
    in_record_ = false;
  }
  [[nodiscard]] std::optional<uint64_t> bad_at() const { return bad_at_; }

 private:
  bool take(Bytes data, FragmentType type) {
    const bool begins = type == kFull || type == kFirst;
    if (begins) {
      tail_.clear();
      in_record_ = true;
    }
    if (!in_record_) return false;  // the end of a record whose beginning was bad
    tail_.append(as_text(data.last(std::min(data.size(), kAllBeforeFlushed.size()))));
    if (type != kFull && type != kLast) return false;
    in_record_ = false;
    return bad_at_ && tail_.ends_with(kAllBeforeFlushed);
  }

  std::optional<uint64_t> bad_at_;
  std::optional<uint64_t> zeros_at_;  // where the first block's rest that is all zeros begins
  bool in_record_ = false;
  std::string tail_;  // the last bytes of each fragment of the record
};

Error damaged_log(const std::string& path, uint64_t at) {
  return Error(Code::kCorrupt, kReasonIndexDamaged,
               fmt::format("the write-ahead log {} is damaged at byte {}, in front of records that "
                           "were flushed after it",
                           path, at));
}

// Whether a valid fragment lies anywhere in these bytes.
bool has_fragment(Bytes bytes) {
  for (size_t at = 0; at + kHeader <= bytes.size(); ++at) {
    if (valid_fragment(bytes.subspan(at))) return true;
  }
  return false;
}

}  // namespace

Status check_manifest(io::FileSystem& files, const std::string& index_path) {
  const auto current = io::read_file(files, io::join_path(index_path, "CURRENT"), kBlock);
  if (!current.ok()) return current.error().code == Code::kNotFound ? Status() : current.error();
  std::string name(as_text(*current));
  while (name.ends_with('\n')) name.pop_back();
  if (!name.starts_with("MANIFEST-") || name.find('/') != std::string::npos) return {};
  const std::string path = io::join_path(index_path, name);
  const auto file = files.open(path, {});
  if (!file.ok()) return {};  // RocksDB says so better
  TRY_ASSIGN(const uint64_t size, (*file)->size());
  // Only the last block can have what looks like an end: anywhere else RocksDB sees the damage.
  const uint64_t last = size == 0 ? 0 : (size - 1) / kBlock * kBlock;
  ByteVector block(kBlock);
  TRY_ASSIGN(const size_t got, (*file)->read_at(last, block));
  Bytes rest = Bytes(block).first(got);
  while (const auto length = valid_fragment(rest)) rest = rest.subspan(kHeader + *length);
  if (rest.size() < kHeader || !has_fragment(rest.subspan(1))) return {};
  return Error(Code::kCorrupt, kReasonIndexDamaged,
               fmt::format("the manifest {} is damaged at byte {}, in front of other records", path,
                           last + got - rest.size()));
}

Result<std::optional<TornEnd>> check_logs(io::FileSystem& files, const std::string& index_path) {
  std::optional<TornEnd> torn;
  const auto names = files.list(index_path);
  if (!names.ok()) {
    if (names.error().code == Code::kNotFound) return torn;
    return names.error();
  }
  std::vector<std::pair<uint64_t, std::string>> logs;
  for (const std::string& name : *names) {
    if (!name.ends_with(".log")) continue;
    const auto number = parse_u64(name.substr(0, name.size() - 4));
    if (number) logs.emplace_back(*number, io::join_path(index_path, name));
  }
  std::ranges::sort(logs);
  std::optional<uint64_t> bad_at;
  std::string bad_path;
  ByteVector block(kBlock);
  for (const auto& [number, path] : logs) {
    TRY_ASSIGN(const auto file, files.open(path, {}));
    LogWalk walk(bad_at);
    uint64_t offset = 0;
    for (; offset < kCheckedLogBytesMax; offset += kBlock) {
      TRY_ASSIGN(const size_t got, file->read_at(offset, block));
      const bool proven = walk.block(Bytes(block).first(got), offset);
      if (!bad_at && walk.bad_at()) bad_path = path;
      bad_at = walk.bad_at();
      if (proven) return damaged_log(bad_path, *bad_at);
      if (got < kBlock) break;
    }
    walk.end(offset);
    if (!bad_at && walk.bad_at()) bad_path = path;
    bad_at = walk.bad_at();
  }
  // Only the newest can be torn: the ones before it were whole when it began (rocksdb_env.cc).
  if (bad_at && bad_path == logs.back().second) torn = {.path = bad_path, .offset = *bad_at};
  return torn;
}

Status cut_off(io::FileSystem& files, const TornEnd& end) {
  TRY_ASSIGN(const auto file, files.open(end.path, {.write = true}));
  TRY_ASSIGN(const uint64_t size, file->size());
  if (end.offset >= size) return {};
  TRY(file->truncate(end.offset));
  return file->sync();
}

}  // namespace strata::drive
