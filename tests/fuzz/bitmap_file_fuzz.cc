// fuzz-deps: blockdev_snapshot blockdev_chunks blockdev_volume common_io common_digest common_base
//
// The bitmap files of a volume, damaged. Whatever their bytes are, opening them ends. A file of
// changes never forgets a bit, and one of hydration never knows of one that was not set, unless
// whoever damaged it made the checksums right again.
//
// The input: a byte of choices, then edits of four bytes: two for the place, the length, the value.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "blockdev/snapshot/bitmap_file.h"
#include "common/base/check.h"
#include "common/base/log.h"
#include "common/digest/checksum.h"
#include "common/io/memory_file_system.h"

namespace {

using namespace strata;
using snapshot::Bitmap;
using snapshot::BitmapFile;
using snapshot::BitmapIdentity;
using snapshot::BitmapKind;

constexpr const char* kPath = "bitmap";
constexpr size_t kEditBytes = 4;
// In pages of the file's: where the edits can reach, which is all of it and some more.
constexpr uint64_t kPages = 16;

ByteVector read_all(io::File& file) {
  ByteVector bytes(kPages * snapshot::kBitmapPageBytes);
  bytes.resize(file.read_at(0, bytes).value());
  return bytes;
}

void edit(ByteVector& bytes, const uint8_t* data, size_t size) {
  for (; size >= kEditBytes; data += kEditBytes, size -= kEditBytes) {
    // The heads, and a little behind them, are where most of the meaning is.
    const size_t page = data[0] % kPages;
    const size_t at = page * snapshot::kBitmapPageBytes + data[1] * (data[0] >= 128 ? 16U : 1U);
    for (size_t i = at; i < at + data[2] * (data[0] >= 192 ? 64U : 1U); ++i) {
      if (i >= bytes.size()) break;
      bytes[i] = std::byte{data[3]};
    }
  }
}

void seal(ByteVector& bytes) {
  for (size_t at = 0; at + snapshot::kBitmapPageBytes <= bytes.size();
       at += snapshot::kBitmapPageBytes) {
    const MutableBytes page = MutableBytes(bytes).subspan(at, snapshot::kBitmapPageBytes);
    store_little<uint64_t>(page.data(), digest::xxh3(page.subspan(8)));
  }
}

// Whether everything that is set in `part` is set in `whole`, as far as the file's pages reach.
// There is nothing to learn for the fuzzer here, and millions of steps to count.
__attribute__((no_sanitize("coverage"))) bool covers(const Bitmap& whole, const Bitmap& part) {
  uint64_t missing = 0;
  for (uint64_t word = 0; word < kPages * snapshot::kBitsPerPage / 64; ++word) {
    missing |= part.word(word) & ~whole.word(word);
  }
  return missing == 0;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  static const bool quiet = (log::start(log::Level::kOff, log::Format::kHuman), true);
  (void)quiet;
  const uint8_t choices = data[0];
  const BitmapIdentity identity{(choices & 1U) != 0 ? BitmapKind::kChanges : BitmapKind::kHydration,
                                std::string(32, 'a'), 1};
  const bool sealed = (choices & 2U) != 0;
  io::MemoryFileSystem files;
  auto made = BitmapFile::create(files, kPath, identity).value();
  // On the first two pages of bits and on the fifth: those between were never written.
  const std::vector<snapshot::ChunkRange> set{
      {0, 3},
      {snapshot::kBitsPerPage - 2, snapshot::kBitsPerPage + 2},
      {4 * snapshot::kBitsPerPage, 4 * snapshot::kBitsPerPage + 1}};
  CHECK(made->set(set).ok());

  auto file = files.open(kPath, {.write = true}).value();
  ByteVector bytes = read_all(*file);
  edit(bytes, data + 1, size - 1);
  if (sealed) seal(bytes);
  CHECK(file->write_at(0, bytes).ok());
  if ((choices & 4U) != 0) CHECK(file->truncate(bytes.size() * (choices >> 3) / 32).ok());

  const auto opened = BitmapFile::open(files, kPath, identity);
  if (!opened.ok()) {
    CHECK(identity.kind == BitmapKind::kHydration, "changes are never refused");
    return 0;
  }
  const Bitmap& bits = (*opened)->bits();
  if (!sealed) {
    // What is cut off, or zeroed, counts as never written.
    const bool shortened = (choices & 4U) != 0;
    if (identity.kind == BitmapKind::kHydration) {
      CHECK(covers(made->bits(), bits), "a chunk counts as fetched that was not");
    } else if (!shortened) {
      bool zeroed = false;
      for (size_t at = 0; at < bytes.size(); at += snapshot::kBitmapPageBytes) {
        zeroed |= chunks::is_zero(Bytes(bytes).subspan(at, snapshot::kBitmapPageBytes));
      }
      CHECK(zeroed || covers(bits, made->bits()), "a change was forgotten");
    }
  }
  // What was read can be added to, and is there again.
  CHECK((*opened)->set(std::vector<snapshot::ChunkRange>{{7, 9}}).ok());
  const auto again = BitmapFile::open(files, kPath, identity);
  CHECK(again.ok() && (*again)->bits().test(7) && (*again)->bits().test(8));
  CHECK(covers((*again)->bits(), bits), "a bit was lost by writing");
  return 0;
}
