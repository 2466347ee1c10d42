// The records in a drive's index: encoding, and decoding that trusts nothing.
//
// Every record starts with a checksum that covers the cluster, the kind of record, its key and its
// content, so that a record found under the wrong key or from another cluster is not taken for
// good. docs/drive-format.md has the grammar and a worked example.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "objstore/drive/change.h"

namespace strata::drive {

// Ties every record to its cluster.
struct RecordSeed {
  uint64_t value = 0;
  [[nodiscard]] static RecordSeed of_cluster(const Id128& cluster);
};

// Bounds of one log entry, checked when it is decoded.
inline constexpr uint32_t kLogNamesMax = 65'536;
inline constexpr uint32_t kLogKeyBytesMax = 64 * 1024;

struct RowRecord {
  uint64_t sequence = 0;
  uint64_t placement = 0;
  std::string value;
};
inline constexpr size_t kRowHeaderBytes = 24;
// The first bytes of a row's record; the value follows.
[[nodiscard]] std::string encode_row_header(RecordSeed seed, std::string_view key,
                                            uint64_t sequence, uint64_t placement,
                                            uint64_t value_digest);
[[nodiscard]] Result<RowRecord> decode_row(RecordSeed seed, std::string_view key,
                                           std::string_view record);

// A small blob's record: eight bytes of checksum, then the blob.
inline constexpr size_t kSmallHeaderBytes = 8;
[[nodiscard]] std::string encode_small_header(RecordSeed seed, const Id128& id, uint64_t size_bytes,
                                              uint64_t digest);
[[nodiscard]] Result<ByteVector> decode_small(RecordSeed seed, const BlobName& blob,
                                              std::string_view record);

// What the index knows of an owned blob.
struct BlobRecord {
  uint64_t size_bytes = 0;
  bool in_index = false;
  uint64_t sequence = 0;
  uint64_t placement = 0;
};
[[nodiscard]] std::string encode_blob(RecordSeed seed, const Id128& id, const BlobRecord& blob);
[[nodiscard]] Result<BlobRecord> decode_blob(RecordSeed seed, const Id128& id,
                                             std::string_view record);

// What a change touched: enough to find out, from any drive that has it, what another one lacks.
struct LogRecord {
  uint64_t sequence = 0;
  uint64_t agreed = 0;
  uint64_t placement = 0;
  bool marker = false;            // the start of a new epoch; belongs on every drive
  std::vector<std::string> rows;  // keys put or deleted
  std::vector<BlobName> blobs;    // adopted or dropped
};
[[nodiscard]] std::string encode_log_key(uint64_t sequence);
[[nodiscard]] Result<uint64_t> decode_log_key(std::string_view key);
[[nodiscard]] std::string encode_log(RecordSeed seed, const LogRecord& entry);
[[nodiscard]] Result<LogRecord> decode_log(RecordSeed seed, uint64_t sequence,
                                           std::string_view record);
[[nodiscard]] LogRecord log_record_of(const Change& change);

// A number kept under a name ("log_start").
[[nodiscard]] std::string encode_number(RecordSeed seed, std::string_view name, uint64_t number);
[[nodiscard]] Result<uint64_t> decode_number(RecordSeed seed, std::string_view name,
                                             std::string_view record);

// Numbers and a text kept under a name: what a worker remembers.
struct Note {
  std::vector<uint64_t> numbers;  // at most kNoteNumbersMax
  std::string text;
};
inline constexpr uint32_t kNoteNumbersMax = 64;
[[nodiscard]] std::string encode_note(RecordSeed seed, std::string_view name, const Note& note);
[[nodiscard]] Result<Note> decode_note(RecordSeed seed, std::string_view name,
                                       std::string_view record);

}  // namespace strata::drive
