#include "blockdev/chunks/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "common/base/parse.h"
#include "common/codec/text.h"
#include "common/digest/checksum.h"

namespace strata::chunks {
namespace {

constexpr std::string_view kMagic = "STRASNAP";
constexpr uint64_t kVolumeBytesUnit = 4096;
constexpr size_t kFixedBytes = 104;
constexpr size_t kTrailerBytes = kHashBytes;

Error corrupt(std::string_view what) {
  return Error(Code::kCorrupt, "snapshot_manifest", std::string(what));
}

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_name(std::string_view name, size_t bytes_max) {
  return !name.empty() && name.size() <= bytes_max && is_alphanumeric(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return is_alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

// Little-endian fields, one after the other.
class Writer {
 public:
  explicit Writer(size_t bytes) { out_.reserve(bytes); }
  template <typename T>
  void number(T value) {
    const size_t at = out_.size();
    out_.resize(at + sizeof value);
    store_little<T>(out_.data() + at, value);
  }
  void bytes(Bytes raw) { out_.insert(out_.end(), raw.begin(), raw.end()); }
  // 32 hexadecimal digits as 16 bytes; zeroes for none.
  void id(std::string_view digits) {
    const std::string raw = codec::from_hex(digits).value_or("");
    CHECK(raw.size() == kIdDigits / 2 || digits.empty(), "not an id");
    bytes(as_bytes(raw));
    if (digits.empty()) out_.resize(out_.size() + kIdDigits / 2);
  }
  void text(std::string_view text) {
    number(static_cast<uint8_t>(text.size()));
    bytes(as_bytes(text));
  }
  [[nodiscard]] ByteVector& out() { return out_; }

 private:
  ByteVector out_;
};

// The caller has made sure that what it takes is there.
class Reader {
 public:
  explicit Reader(Bytes bytes) : left_(bytes) {}
  template <typename T>
  [[nodiscard]] T number() {
    return load_little<T>(take(sizeof(T)).data());
  }
  [[nodiscard]] std::string id() { return codec::to_hex(take(kIdDigits / 2)); }
  [[nodiscard]] std::optional<std::string> text(size_t bytes_max) {
    if (left_.empty()) return std::nullopt;
    const auto length = number<uint8_t>();
    if (length > left_.size() || length > bytes_max) return std::nullopt;
    return to_string(take(length));
  }
  [[nodiscard]] Bytes take(size_t bytes) {
    const Bytes out = left_.first(bytes);
    left_ = left_.subspan(bytes);
    return out;
  }
  [[nodiscard]] size_t left() const noexcept { return left_.size(); }

 private:
  Bytes left_;
};

Status read_entries(Reader& reader, uint64_t count, Manifest& out) {
  const uint64_t chunks = chunks_of(out.size_bytes);
  out.chunks.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    ManifestEntry entry;
    entry.index = reader.number<uint32_t>();
    std::memcpy(entry.id.hash.data(), reader.take(kHashBytes).data(), kHashBytes);
    if (entry.index >= chunks) return corrupt("a chunk lies past the end of the volume");
    if (!out.chunks.empty() && out.chunks.back().index >= entry.index) {
      return corrupt("the chunks are not in order");
    }
    out.chunks.push_back(entry);
  }
  return {};
}

Result<Manifest> read_fields(Bytes covered) {
  Reader reader(covered);
  (void)reader.take(kMagic.size());
  (void)reader.number<uint32_t>();  // the version
  if (reader.number<uint32_t>() != 0) return corrupt("reserved bytes are not zero");
  Manifest out;
  out.id = reader.id();
  out.volume_id = reader.id();
  out.parent_id = reader.id();
  if (out.parent_id == std::string(kIdDigits, '0')) out.parent_id.clear();
  out.size_bytes = reader.number<uint64_t>();
  const auto created = reader.number<uint64_t>();
  out.new_bytes = reader.number<uint64_t>();
  const auto count = reader.number<uint64_t>();
  (void)reader.number<uint64_t>();  // reserved
  const auto name = reader.text(kSnapshotNameBytesMax);
  const auto volume_name = name ? reader.text(kVolumeNameBytesMax) : std::nullopt;
  if (!volume_name || !is_name(*name, kSnapshotNameBytesMax) ||
      !is_name(*volume_name, kVolumeNameBytesMax)) {
    return corrupt("a name is not one");
  }
  out.name = *name;
  out.volume_name = *volume_name;
  if (out.size_bytes == 0 || out.size_bytes > kVolumeChunksMax * kChunkBytes ||
      out.size_bytes % kVolumeBytesUnit != 0 || created > INT64_MAX) {
    return corrupt("a value is not one that this program writes");
  }
  out.created_ms = static_cast<int64_t>(created);
  if (count > kManifestChunksMax || reader.left() != count * kManifestEntryBytes) {
    return corrupt("the number of chunks does not fit the length");
  }
  TRY(read_entries(reader, count, out));
  return out;
}

}  // namespace

const ChunkId* Manifest::find(uint64_t index) const noexcept {
  const auto at = std::lower_bound(
      chunks.begin(), chunks.end(), index,
      [](const ManifestEntry& entry, uint64_t wanted) { return entry.index < wanted; });
  return at != chunks.end() && at->index == index ? &at->id : nullptr;
}

Status check_snapshot_name(std::string_view name) {
  if (is_name(name, kSnapshotNameBytesMax)) return {};
  return Error(Code::kInvalidArgument, "snapshot_name",
               fmt::format("a snapshot's name is a letter or digit, then letters, digits, '.', '_' "
                           "or '-', at most {} in all",
                           kSnapshotNameBytesMax));
}

ByteVector encode_manifest(const Manifest& manifest) {
  CHECK(manifest.chunks.size() <= kManifestChunksMax);
  Writer writer(512 + manifest.chunks.size() * kManifestEntryBytes);
  writer.bytes(as_bytes(kMagic));
  writer.number(kManifestVersion);
  writer.number(uint32_t{0});
  writer.id(manifest.id);
  writer.id(manifest.volume_id);
  writer.id(manifest.parent_id);
  writer.number(manifest.size_bytes);
  writer.number(static_cast<uint64_t>(manifest.created_ms));
  writer.number(manifest.new_bytes);
  writer.number(static_cast<uint64_t>(manifest.chunks.size()));
  writer.number(uint64_t{0});
  writer.text(manifest.name);
  writer.text(manifest.volume_name);
  for (const ManifestEntry& entry : manifest.chunks) {
    writer.number(entry.index);
    writer.bytes(entry.id.hash);
  }
  const std::string checksum = digest::sha256(writer.out());
  writer.bytes(as_bytes(checksum));
  return std::move(writer.out());
}

Result<Manifest> decode_manifest(Bytes file) {
  if (file.size() > kManifestBytesMax) return corrupt("it is longer than any manifest");
  if (file.size() < kFixedBytes + kTrailerBytes || !as_text(file).starts_with(kMagic)) {
    return corrupt("it does not begin as a manifest");
  }
  // The version comes before the checksum, so that a newer format may change even that.
  const auto version = load_little<uint32_t>(file.data() + kMagic.size());
  if (version > kManifestVersion) {
    return Error(Code::kUnsupported, "newer_format",
                 fmt::format("manifest version {} is newer than this program's {}; use a newer "
                             "strata",
                             version, kManifestVersion));
  }
  const Bytes covered = file.first(file.size() - kTrailerBytes);
  if (digest::sha256(covered) != as_text(file.last(kTrailerBytes))) {
    return corrupt("the checksum does not match");
  }
  TRY_ASSIGN(Manifest manifest, read_fields(covered));
  // One file for one meaning.
  const ByteVector again = encode_manifest(manifest);
  if (!std::equal(again.begin(), again.end(), file.begin(), file.end())) {
    return corrupt("it is not in the canonical form");
  }
  return manifest;
}

std::vector<ChangedRange> changed_ranges(const Manifest& from, const Manifest& to) {
  const uint64_t end = std::max(from.size_bytes, to.size_bytes);
  std::vector<ChangedRange> out;
  const auto add = [&](uint32_t index) {
    const uint64_t offset = index * kChunkBytes;
    const uint64_t length = std::min(kChunkBytes, end - offset);
    if (!out.empty() && out.back().offset + out.back().length == offset) {
      out.back().length += length;
    } else {
      out.push_back({offset, length});
    }
  };
  auto a = from.chunks.begin();
  auto b = to.chunks.begin();
  while (a != from.chunks.end() || b != to.chunks.end()) {
    if (b == to.chunks.end() || (a != from.chunks.end() && a->index < b->index)) {
      add((a++)->index);
    } else if (a == from.chunks.end() || b->index < a->index) {
      add((b++)->index);
    } else {
      if (a->id != b->id) add(a->index);
      ++a;
      ++b;
    }
  }
  return out;
}

}  // namespace strata::chunks
