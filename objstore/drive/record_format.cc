#include "objstore/drive/record_format.h"

#include <fmt/format.h>

#include "common/digest/checksum.h"

namespace strata::drive {

namespace {

// The kind goes into the checksum, so that a record of one table is no record of another.
enum class Kind : uint8_t { kRow = 1, kSmall = 2, kBlob = 3, kLog = 4, kNumber = 5, kNote = 6 };

void append_u64(std::string& out, uint64_t value) {
  std::array<std::byte, 8> raw;
  store_little(raw.data(), value);
  out.append(as_text(Bytes(raw)));
}
void append_u32(std::string& out, uint32_t value) {
  std::array<std::byte, 4> raw;
  store_little(raw.data(), value);
  out.append(as_text(Bytes(raw)));
}

uint64_t checksum_of(RecordSeed seed, Kind kind, std::string_view key, std::string_view fixed) {
  const uint64_t about_key = digest::xxh3(as_bytes(key), seed.value + static_cast<uint64_t>(kind));
  return digest::xxh3(as_bytes(fixed), about_key);
}

// "checksum, then content" for the records that are small.
std::string seal(RecordSeed seed, Kind kind, std::string_view key, std::string_view content) {
  std::string record;
  record.reserve(8 + content.size());
  append_u64(record, checksum_of(seed, kind, key, content));
  record.append(content);
  return record;
}

// Takes fields off the front of a record, never past its end.
class Taker {
 public:
  explicit Taker(std::string_view left) : left_(left) {}
  [[nodiscard]] bool good() const noexcept { return good_; }
  [[nodiscard]] bool at_end() const noexcept { return good_ && left_.empty(); }
  uint64_t u64() {
    const std::string_view raw = text(8);
    return good_ ? load_little<uint64_t>(as_bytes(raw).data()) : 0;
  }
  uint32_t u32() {
    const std::string_view raw = text(4);
    return good_ ? load_little<uint32_t>(as_bytes(raw).data()) : 0;
  }
  std::string_view text(size_t bytes) {
    if (!good_ || left_.size() < bytes) {
      good_ = false;
      return {};
    }
    const std::string_view taken = left_.substr(0, bytes);
    left_.remove_prefix(bytes);
    return taken;
  }
  // A count of things still to come, refused when the rest could not hold them.
  uint32_t count(uint32_t most, size_t bytes_each) {
    const uint32_t number = u32();
    if (number > most || number > left_.size() / bytes_each) good_ = false;
    return good_ ? number : 0;
  }

 private:
  std::string_view left_;
  bool good_ = true;
};

Error corrupt(std::string_view what, std::string_view why) {
  return Error(Code::kCorrupt, fmt::format("{} record: {}", what, why));
}

Result<std::string_view> unseal(RecordSeed seed, Kind kind, std::string_view what,
                                std::string_view key, std::string_view record) {
  if (record.size() < 8) return corrupt(what, "shorter than its checksum");
  const uint64_t stored = load_little<uint64_t>(as_bytes(record).data());
  const std::string_view content = record.substr(8);
  const uint64_t computed = checksum_of(seed, kind, key, content);
  if (stored != computed) {
    return corrupt(what,
                   fmt::format("checksum {:016x} stored, {:016x} computed", stored, computed));
  }
  return content;
}

std::string row_fields(uint64_t sequence, uint64_t placement, uint64_t value_digest) {
  std::string fixed;
  append_u64(fixed, sequence);
  append_u64(fixed, placement);
  append_u64(fixed, value_digest);
  return fixed;
}

std::string small_fields(uint64_t size_bytes, uint64_t digest) {
  std::string fixed;
  append_u64(fixed, size_bytes);
  append_u64(fixed, digest);
  return fixed;
}

}  // namespace

RecordSeed RecordSeed::of_cluster(const Id128& cluster) {
  return RecordSeed{digest::xxh3(Bytes(cluster.bytes))};
}

std::string encode_row_header(RecordSeed seed, std::string_view key, uint64_t sequence,
                              uint64_t placement, uint64_t value_digest) {
  const uint64_t sum =
      checksum_of(seed, Kind::kRow, key, row_fields(sequence, placement, value_digest));
  std::string header;
  append_u64(header, sum);
  append_u64(header, sequence);
  append_u64(header, placement);
  return header;
}

Result<RowRecord> decode_row(RecordSeed seed, std::string_view key, std::string_view record) {
  Taker take(record);
  const uint64_t stored = take.u64();
  RowRecord row;
  row.sequence = take.u64();
  row.placement = take.u64();
  if (!take.good()) return corrupt("row", "shorter than its header");
  const std::string_view value = record.substr(kRowHeaderBytes);
  const uint64_t computed =
      checksum_of(seed, Kind::kRow, key,
                  row_fields(row.sequence, row.placement, digest::xxh3(as_bytes(value))));
  if (stored != computed) {
    return corrupt("row",
                   fmt::format("checksum {:016x} stored, {:016x} computed", stored, computed));
  }
  row.value = std::string(value);
  return row;
}

std::string encode_small_header(RecordSeed seed, const Id128& id, uint64_t size_bytes,
                                uint64_t digest) {
  std::string header;
  append_u64(header, checksum_of(seed, Kind::kSmall, id.key(), small_fields(size_bytes, digest)));
  return header;
}

Result<ByteVector> decode_small(RecordSeed seed, const BlobName& blob, std::string_view record) {
  if (record.size() != kSmallHeaderBytes + blob.size_bytes) {
    return corrupt("small blob", fmt::format("{} bytes stored, {} expected", record.size(),
                                             kSmallHeaderBytes + blob.size_bytes));
  }
  const Bytes bytes = as_bytes(record.substr(kSmallHeaderBytes));
  const uint64_t stored = load_little<uint64_t>(as_bytes(record).data());
  const uint64_t computed = checksum_of(seed, Kind::kSmall, blob.id.key(),
                                        small_fields(blob.size_bytes, digest::xxh3(bytes)));
  if (stored != computed) {
    return corrupt("small blob",
                   fmt::format("checksum {:016x} stored, {:016x} computed", stored, computed));
  }
  return ByteVector(bytes.begin(), bytes.end());
}

std::string encode_blob(RecordSeed seed, const Id128& id, const BlobRecord& blob) {
  std::string content;
  append_u64(content, blob.size_bytes);
  append_u64(content, blob.sequence);
  append_u64(content, blob.placement);
  append_u32(content, blob.in_index ? 1 : 0);
  return seal(seed, Kind::kBlob, id.key(), content);
}

Result<BlobRecord> decode_blob(RecordSeed seed, const Id128& id, std::string_view record) {
  TRY_ASSIGN(const std::string_view content, unseal(seed, Kind::kBlob, "blob", id.key(), record));
  Taker take(content);
  BlobRecord blob;
  blob.size_bytes = take.u64();
  blob.sequence = take.u64();
  blob.placement = take.u64();
  blob.in_index = take.u32() == 1;
  if (!take.at_end()) return corrupt("blob", "wrong length");
  return blob;
}

std::string encode_log_key(uint64_t sequence) {
  std::array<std::byte, 8> raw;
  store_big(raw.data(), sequence);
  return to_string(Bytes(raw));
}

Result<uint64_t> decode_log_key(std::string_view key) {
  if (key.size() != 8) return corrupt("log", "its key is not eight bytes");
  return load_big<uint64_t>(as_bytes(key).data());
}

std::string encode_log(RecordSeed seed, const LogRecord& entry) {
  std::string content;
  append_u64(content, entry.agreed);
  append_u64(content, entry.placement);
  append_u32(content, entry.marker ? 1 : 0);
  append_u32(content, static_cast<uint32_t>(entry.rows.size()));
  append_u32(content, static_cast<uint32_t>(entry.blobs.size()));
  for (const std::string& key : entry.rows) {
    append_u32(content, static_cast<uint32_t>(key.size()));
    content.append(key);
  }
  for (const BlobName& blob : entry.blobs) {
    content.append(blob.id.key());
    append_u64(content, blob.size_bytes);
    append_u32(content, blob.in_index ? 1 : 0);
  }
  return seal(seed, Kind::kLog, encode_log_key(entry.sequence), content);
}

Result<LogRecord> decode_log(RecordSeed seed, uint64_t sequence, std::string_view record) {
  TRY_ASSIGN(const std::string_view content,
             unseal(seed, Kind::kLog, "log", encode_log_key(sequence), record));
  Taker take(content);
  LogRecord entry;
  entry.sequence = sequence;
  entry.agreed = take.u64();
  entry.placement = take.u64();
  entry.marker = take.u32() == 1;
  const uint32_t rows = take.count(kLogNamesMax, 4);
  const uint32_t blobs = take.count(kLogNamesMax, 4);
  for (uint32_t i = 0; i < rows && take.good(); ++i) {
    entry.rows.emplace_back(take.text(take.count(kLogKeyBytesMax, 1)));
  }
  for (uint32_t i = 0; i < blobs && take.good(); ++i) {
    BlobName blob;
    if (const auto id = Id128::from_key(take.text(16))) blob.id = *id;
    blob.size_bytes = take.u64();
    blob.in_index = take.u32() == 1;
    entry.blobs.push_back(blob);
  }
  if (!take.at_end()) return corrupt("log", "wrong length");
  return entry;
}

LogRecord log_record_of(const Change& change) {
  LogRecord entry;
  entry.sequence = change.sequence;
  entry.agreed = change.agreed;
  entry.placement = change.placement;
  entry.marker = change.marker;
  entry.rows.reserve(change.puts.size() + change.deletes.size());
  for (const Change::Put& put : change.puts) entry.rows.push_back(put.key);
  for (const std::string& key : change.deletes) entry.rows.push_back(key);
  for (const Change::Adopt& adopt : change.adopts) entry.blobs.push_back(adopt.blob);
  for (const BlobName& drop : change.drops) entry.blobs.push_back(drop);
  return entry;
}

std::string encode_number(RecordSeed seed, std::string_view name, uint64_t number) {
  std::string content;
  append_u64(content, number);
  return seal(seed, Kind::kNumber, name, content);
}

Result<uint64_t> decode_number(RecordSeed seed, std::string_view name, std::string_view record) {
  TRY_ASSIGN(const std::string_view content, unseal(seed, Kind::kNumber, name, name, record));
  Taker take(content);
  const uint64_t number = take.u64();
  if (!take.at_end()) return corrupt(name, "wrong length");
  return number;
}

std::string encode_note(RecordSeed seed, std::string_view name, const Note& note) {
  CHECK(note.numbers.size() <= kNoteNumbersMax);
  std::string content;
  append_u32(content, static_cast<uint32_t>(note.numbers.size()));
  for (const uint64_t number : note.numbers) append_u64(content, number);
  content.append(note.text);
  return seal(seed, Kind::kNote, name, content);
}

Result<Note> decode_note(RecordSeed seed, std::string_view name, std::string_view record) {
  TRY_ASSIGN(const std::string_view content, unseal(seed, Kind::kNote, "note", name, record));
  Taker take(content);
  const uint32_t count = take.count(kNoteNumbersMax, 8);
  Note note;
  for (uint32_t i = 0; i < count && take.good(); ++i) note.numbers.push_back(take.u64());
  if (!take.good()) return corrupt("note", "wrong length");
  note.text = std::string(content.substr(4 + size_t{count} * 8));
  return note;
}

}  // namespace strata::drive
