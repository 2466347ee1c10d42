#include "objstore/object/record_io.h"

#include <fmt/format.h>

namespace strata::object {

void RecordWriter::varint(uint64_t value) {
  while (value >= 0x80) {
    u8(static_cast<uint8_t>(value | 0x80));
    value >>= 7;
  }
  u8(static_cast<uint8_t>(value));
}

void RecordWriter::signed_varint(int64_t value) {
  const auto bits = static_cast<uint64_t>(value);
  varint((bits << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

void RecordWriter::text(std::string_view bytes) {
  varint(bytes.size());
  raw(bytes);
}

uint8_t RecordReader::u8() noexcept {
  if (left_.empty()) {
    fail();
    return 0;
  }
  const auto value = static_cast<uint8_t>(left_.front());
  left_.remove_prefix(1);
  return value;
}

bool RecordReader::boolean() noexcept {
  const uint8_t value = u8();
  if (value > 1) fail();
  return value == 1;
}

uint64_t RecordReader::varint(uint64_t max) noexcept {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const uint8_t byte = u8();
    if (!ok_) return 0;
    const uint64_t bits = byte & 0x7f;
    if (shift == 63 && bits > 1) break;  // past 2^64
    value |= bits << shift;
    if ((byte & 0x80) != 0) continue;
    if ((byte == 0 && shift != 0) || value > max) break;  // a longer form than needed, or too much
    return value;
  }
  fail();
  return 0;
}

int64_t RecordReader::signed_varint() noexcept {
  const uint64_t bits = varint();
  return static_cast<int64_t>((bits >> 1) ^ ((bits & 1) != 0 ? UINT64_MAX : 0));
}

std::string_view RecordReader::raw(size_t bytes) noexcept {
  if (bytes > left_.size()) {
    fail();
    return {};
  }
  const std::string_view value = left_.substr(0, bytes);
  left_.remove_prefix(bytes);
  return value;
}

std::string_view RecordReader::text(size_t bytes_max) noexcept {
  return raw(varint(bytes_max));
}

Error record_corrupt(std::string_view what) {
  return Error(Code::kCorrupt,
               fmt::format("the record of {} does not decode although its checksum holds; please "
                           "report this",
                           what));
}

Result<uint8_t> read_record_version(RecordReader& in, uint8_t newest, std::string_view what) {
  const uint8_t version = in.u8();
  if (!in.ok() || version == 0) return record_corrupt(what);
  if (version > newest) {
    return Error(Code::kUnsupported,
                 fmt::format("the record of {} has format version {}, this program reads up to {}: "
                             "start the newer program that wrote it",
                             what, version, newest));
  }
  return version;
}

}  // namespace strata::object
