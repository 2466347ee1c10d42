#include "objstore/drive/inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "common/digest/checksum.h"
#include "objstore/drive/drive.h"
#include "objstore/drive/identity.h"
#include "objstore/drive/log_spares.h"

namespace strata::drive {
namespace {

constexpr unsigned kCounterBits = 40;  // of a sequence; see docs/drive-format.md

void add_sequence(Description& out, std::string_view name, uint64_t sequence) {
  out.add_number(name, sequence);
  out.add(fmt::format("{}_is", name), fmt::format("epoch {}, change {}", sequence >> kCounterBits,
                                                  sequence & ((uint64_t{1} << kCounterBits) - 1)));
}

std::string hex16(uint64_t value) {
  return fmt::format("{:016x}", value);
}

std::string blob_text(const BlobName& blob) {
  return fmt::format("{} {} bytes {}", blob.id.to_hex(), blob.size_bytes,
                     blob.in_index ? "in the index" : "in a file");
}

void describe_meta(RecordSeed seed, std::string_view name, std::string_view record,
                   Description& out) {
  out.what = "number";
  out.add("name", printable(name));
  if (const auto number = decode_number(seed, name, record); number.ok()) {
    out.add_number("value", *number);
    return;
  }
  const auto note = decode_note(seed, name, record);
  if (note.ok()) {
    out.what = "note";
    for (const uint64_t number : note->numbers) out.add_number("number", number);
    out.add("text", printable(note->text));
  } else if (name == kFillingName) {
    out.what = "mark";  // that it is there is all it says
  } else {
    out.add_damage(0, record.size(), note.error().message);
  }
}

void describe_row_record(RecordSeed seed, std::string_view key, std::string_view record,
                         RecordDescription& out) {
  out.description.what = "row";
  auto row = decode_row(seed, key, record);
  if (!row.ok()) {
    out.description.add("key", printable(key));
    out.description.add_damage(0, record.size(), row.error().message);
    return;
  }
  add_sequence(out.description, "sequence", row->sequence);
  out.description.add("placement", hex16(row->placement));
  out.description.add_number("value_bytes", row->value.size());
  out.row_value = std::move(row->value);
}

void describe_blob_record(RecordSeed seed, const Id128& id, std::string_view record,
                          Description& out) {
  const auto blob = decode_blob(seed, id, record);
  if (!blob.ok()) {
    out.add_damage(0, record.size(), blob.error().message);
    return;
  }
  out.add_number("bytes", blob->size_bytes);
  out.add("bytes_are", blob->in_index ? "in the index" : "in a file");
  add_sequence(out, "sequence", blob->sequence);
  out.add("placement", hex16(blob->placement));
}

void describe_small(RecordSeed seed, const Id128& id, std::string_view record, Description& out) {
  out.what = "small blob";
  const uint64_t bytes = record.size() - std::min(record.size(), kSmallHeaderBytes);
  out.add_number("bytes", bytes);
  const auto content =
      decode_small(seed, {.id = id, .size_bytes = bytes, .in_index = true}, record);
  if (!content.ok()) {
    out.add_damage(0, record.size(), content.error().message);
    return;
  }
  out.add("xxh3", hex16(digest::xxh3(*content)));
}

void describe_log(RecordSeed seed, std::string_view key, std::string_view record,
                  RecordDescription& into) {
  Description& out = into.description;
  out.what = "log entry";
  const auto sequence = decode_log_key(key);
  if (!sequence.ok()) {
    out.add("key", printable(key));
    out.add_damage(0, key.size(), sequence.error().message);
    return;
  }
  into.label = std::to_string(*sequence);
  add_sequence(out, "sequence", *sequence);
  const auto entry = decode_log(seed, *sequence, record);
  if (!entry.ok()) {
    out.add_damage(0, record.size(), entry.error().message);
    return;
  }
  add_sequence(out, "agreed", entry->agreed);
  if (entry->marker) out.add("marker", "the beginning of an epoch");
  out.add("placement", hex16(entry->placement));
  for (const std::string& row : entry->rows) out.add("row", printable(row));
  for (const BlobName& blob : entry->blobs) out.add("blob", blob_text(blob));
}

}  // namespace

Description describe_identity(std::string_view text) {
  Description out{.what = "identity of a drive"};
  const auto identity = parse_identity(text.substr(0, kIdentityBytesMax + 1));
  if (!identity.ok()) {
    // Which byte it is, no checksum tells.
    out.add_damage(0, text.size(), identity.error().message);
  }
  // The lines as they are: a person sees the damage, and newer lines are shown as well.
  for (std::string_view rest = text.substr(0, kIdentityBytesMax); !rest.empty();) {
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    const size_t space = line.find(' ');
    if (space != std::string_view::npos) {
      out.add(printable(line.substr(0, space)), printable(line.substr(space + 1)));
    } else if (!line.empty()) {
      out.add("line", printable(line));
    }
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return out;
}

RecordDescription describe_record(RecordSeed seed, Table table, std::string_view key,
                                  std::string_view record) {
  RecordDescription out;
  out.label = std::string(key);
  Description& description = out.description;
  if (table == Table::kMeta) {
    describe_meta(seed, key, record, description);
  } else if (table == Table::kRows) {
    describe_row_record(seed, key, record, out);
  } else if (table == Table::kLog) {
    describe_log(seed, key, record, out);
  } else if (table == Table::kData || table == Table::kBlobs || table == Table::kDropped) {
    description.what = table == Table::kDropped ? "dropped blob" : "blob";
    const auto id = Id128::from_key(key);
    if (!id) {
      description.add("key", printable(key));
      description.add_damage(0, key.size(), "the key is not the id of a blob");
      return out;
    }
    out.label = id->to_hex();
    description.add("id", out.label);
    if (table == Table::kData) {
      describe_small(seed, *id, record, description);
    } else {
      describe_blob_record(seed, *id, record, description);
    }
  } else {
    description.what = fmt::format("record of the table {}", table_name(table));
    description.add("key", printable(key));
    description.add("record", printable(record));
  }
  return out;
}

std::optional<std::string_view> index_file_kind(std::string_view name) {
  const size_t dot = name.find('.');
  const std::string_view stem = name.substr(0, dot);
  const bool numbered = !stem.empty() && std::all_of(stem.begin(), stem.end(), [](char c) {
    return std::isdigit(static_cast<unsigned char>(c)) != 0;
  });
  if (numbered && dot != std::string_view::npos) {
    const std::string_view kind = name.substr(dot);
    if (kind == ".sst") return "a sorted table of the index (RocksDB)";
    if (kind == ".log") return "the index's write-ahead log (RocksDB)";
    if (kind == ".blob") return "values kept beside a table of the index (RocksDB)";
    return std::nullopt;
  }
  if (name == "CURRENT") return "the name of the index's manifest (RocksDB)";
  if (name == "IDENTITY") return "the index's own id (RocksDB)";
  if (name == "LOCK") return "the index's lock (RocksDB)";
  if (name.starts_with("MANIFEST-")) return "which files make up the index (RocksDB)";
  if (name.starts_with(kSparePrefix)) return "zeros, kept for a write-ahead log to come";
  if (name.starts_with("OPTIONS-")) return "the options of the index (RocksDB)";
  return std::nullopt;
}

}  // namespace strata::drive
