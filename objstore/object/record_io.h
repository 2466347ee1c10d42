// Writing and reading the fields of a record: fixed bytes, canonical varints, bounded text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace strata::object {

class RecordWriter {
 public:
  void u8(uint8_t value) { bytes_ += static_cast<char>(value); }
  void boolean(bool value) { u8(value ? 1 : 0); }
  // Seven bits a byte, least significant first, the top bit set on all but the last (LEB128).
  void varint(uint64_t value);
  // Zigzag: small magnitudes of either sign are short.
  void signed_varint(int64_t value);
  // As many bytes as reader and writer have agreed on.
  void raw(std::string_view bytes) { bytes_ += bytes; }
  // A varint length, then the bytes.
  void text(std::string_view bytes);

  [[nodiscard]] std::string take() && { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Never reads past the end. The first field that cannot be read makes the reader fail: from then on
// every field is empty or zero, and ok() is false. Views point into the record.
class RecordReader {
 public:
  explicit RecordReader(std::string_view record) noexcept : left_(record) {}

  [[nodiscard]] uint8_t u8() noexcept;
  [[nodiscard]] bool boolean() noexcept;  // only 0 and 1 are booleans
  // At most `max`; the shortest encoding only, so that a record has one form.
  [[nodiscard]] uint64_t varint(uint64_t max = UINT64_MAX) noexcept;
  [[nodiscard]] int64_t signed_varint() noexcept;
  [[nodiscard]] std::string_view raw(size_t bytes) noexcept;
  [[nodiscard]] std::string_view text(size_t bytes_max) noexcept;

  void fail() noexcept {
    ok_ = false;
    left_ = {};
  }
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] bool at_end() const noexcept { return left_.empty(); }

 private:
  std::string_view left_;
  bool ok_ = true;
};

// A record's first byte, 1 to `newest`. A greater one is not damage but somebody newer's:
// kUnsupported, with advice. `what`: "an object", for messages.
[[nodiscard]] Result<uint8_t> read_record_version(RecordReader& in, uint8_t newest,
                                                  std::string_view what);
// kCorrupt: a record that does not decode although its checksum holds.
[[nodiscard]] Error record_corrupt(std::string_view what);

}  // namespace strata::object
