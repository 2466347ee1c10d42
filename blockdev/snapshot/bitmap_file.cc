#include "blockdev/snapshot/bitmap_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "common/base/check.h"
#include "common/base/log.h"
#include "common/codec/text.h"
#include "common/digest/checksum.h"

namespace strata::snapshot {
namespace {

constexpr std::string_view kMagic = "STRABMAP";
constexpr uint32_t kVersion = 1;
constexpr size_t kIdBytes = 16;
constexpr uint64_t kWordsPerPage = kBitsPerPage / 64;
static_assert(kBitsPerPage % 64 == 0);

uint32_t copies_of(BitmapKind kind) {
  return kind == BitmapKind::kHydration ? 2 : 1;
}

uint64_t page_offset(BitmapKind kind, uint64_t page, uint32_t copy) {
  return kBitmapPageBytes * (1 + page * copies_of(kind) + copy);
}

// The first 64 bytes of a page, and of the file with another magic number: the checksum of all that
// follows it, and what the page is.
void put_head(MutableBytes page, const BitmapIdentity& identity, uint64_t index) {
  const std::string id = codec::from_hex(identity.volume_id).value_or("");
  CHECK(id.size() == kIdBytes, "not the id of a volume");
  store_little<uint64_t>(&page[8], index);
  store_little<uint64_t>(&page[16], identity.generation);
  std::memcpy(&page[24], id.data(), kIdBytes);
  store_little<uint32_t>(&page[40], static_cast<uint32_t>(identity.kind));
  store_little<uint32_t>(&page[44], kVersion);
}

void seal(MutableBytes page) {
  store_little<uint64_t>(page.data(), digest::xxh3(page.subspan(8)));
}

// The file's own page: as one of an index that no page of bits has, with the magic after its head.
constexpr uint64_t kFileHeadIndex = UINT64_MAX;

ByteVector file_head(const BitmapIdentity& identity) {
  ByteVector page(kBitmapPageBytes);
  put_head(page, identity, kFileHeadIndex);
  std::memcpy(&page[kBitmapPageHeadBytes], kMagic.data(), kMagic.size());
  seal(page);
  return page;
}

}  // namespace

ByteVector empty_bitmap_file(const BitmapIdentity& identity) {
  return file_head(identity);
}

ByteVector encode_bitmap_page(const BitmapIdentity& identity, uint64_t index, const Bitmap& bits) {
  ByteVector page(kBitmapPageBytes);
  put_head(page, identity, index);
  for (uint64_t i = 0; i < kWordsPerPage; ++i) {
    const uint64_t word = index * kWordsPerPage + i;
    if (word >= Bitmap::kBits / 64) break;
    store_little<uint64_t>(&page[kBitmapPageHeadBytes + i * 8], bits.word(word));
  }
  seal(page);
  return page;
}

bool decode_bitmap_page(Bytes page, const BitmapIdentity& identity, uint64_t index, Bitmap& into) {
  if (page.size() != kBitmapPageBytes || index >= kBitmapPagesMax) return false;
  ByteVector head(kBitmapPageHeadBytes);
  put_head(head, identity, index);
  if (!std::equal(head.begin() + 8, head.end(), page.begin() + 8)) return false;
  if (load_little<uint64_t>(page.data()) != digest::xxh3(page.subspan(8))) return false;
  for (uint64_t i = 0; i < kWordsPerPage; ++i) {
    const uint64_t word = index * kWordsPerPage + i;
    if (word >= Bitmap::kBits / 64) break;
    into.or_word(word, load_little<uint64_t>(&page[kBitmapPageHeadBytes + i * 8]));
  }
  return true;
}

Result<std::unique_ptr<BitmapFile>> BitmapFile::create(io::FileSystem& files,
                                                       const std::string& path,
                                                       const BitmapIdentity& identity) {
  TRY_ASSIGN(auto bits, Bitmap::create());
  TRY_ASSIGN(auto file, files.open(path, {.write = true, .create = true, .truncate = true}));
  TRY(file->write_at(0, file_head(identity)));
  TRY(file->sync());
  TRY(files.sync_directory(io::parent_path(path)));
  return std::unique_ptr<BitmapFile>(new BitmapFile(std::move(file), identity, std::move(bits)));
}

Result<std::unique_ptr<BitmapFile>> BitmapFile::open(io::FileSystem& files, const std::string& path,
                                                     const BitmapIdentity& identity) {
  TRY_ASSIGN(auto bits, Bitmap::create());
  auto file = files.open(path, {.write = true});
  const bool changes = identity.kind == BitmapKind::kChanges;
  if (!file.ok()) {
    if (!changes || file.error().code != Code::kNotFound) return std::move(file).error();
    log::warning("snapshot.bitmap_missing",
                 {{"path", path}, {"effect", "the next snapshot reads the whole volume"}});
    TRY_ASSIGN(auto made, create(files, path, identity));
    made->bits_->set_range({0, Bitmap::kBits});
    return made;
  }
  std::unique_ptr<BitmapFile> self(
      new BitmapFile(std::move(file).value(), identity, std::move(bits)));
  const Status loaded = self->load();
  if (!loaded.ok()) return loaded.error().with_context(path);
  return self;
}

Status BitmapFile::load() {
  const bool changes = identity_.kind == BitmapKind::kChanges;
  ByteVector head(kBitmapPageBytes);
  TRY_ASSIGN(const size_t got, file_->read_at(0, head));
  if (got != head.size() || head != file_head(identity_)) {
    if (!changes) {
      return Error(Code::kCorrupt, "snapshot_bitmap",
                   "it is not this volume's: restore the volume from its snapshot again");
    }
    log::warning(
        "snapshot.bitmap_damaged",
        {{"volume", identity_.volume_id}, {"effect", "the next snapshot reads the whole volume"}});
    bits_->set_range({0, Bitmap::kBits});
    return {};
  }
  TRY_ASSIGN(const uint64_t size, file_->size());
  const uint64_t page_bytes = kBitmapPageBytes * copies_of(identity_.kind);
  ByteVector copies(page_bytes);
  for (uint64_t page = 0; page < kBitmapPagesMax; ++page) {
    const uint64_t offset = page_offset(identity_.kind, page, 0);
    if (offset >= size) break;
    std::fill(copies.begin(), copies.end(), std::byte{0});
    TRY_ASSIGN(const size_t read, file_->read_at(offset, copies));
    (void)read;  // past the end there are zeroes: a page that was never written
    TRY(load_page(page, copies));
  }
  return {};
}

Status BitmapFile::load_page(uint64_t page, Bytes copies) {
  uint32_t good = 0;
  uint32_t never_written = 0;
  const uint32_t count = copies_of(identity_.kind);
  for (uint32_t copy = 0; copy < count; ++copy) {
    const Bytes one = copies.subspan(copy * kBitmapPageBytes, kBitmapPageBytes);
    if (chunks::is_zero(one)) {
      ++never_written;
    } else if (decode_bitmap_page(one, identity_, page, *bits_)) {
      ++good;
    }
  }
  if (good + never_written > 0 && identity_.kind == BitmapKind::kHydration) return {};
  if (good + never_written == count) return {};
  if (identity_.kind == BitmapKind::kHydration) {
    return Error(Code::kCorrupt, "snapshot_bitmap",
                 "both copies of a page are damaged, so nobody knows what the volume holds: "
                 "restore it from its snapshot again");
  }
  log::warning("snapshot.bitmap_damaged",
               {{"volume", identity_.volume_id}, {"page", page}, {"effect", "counts as changed"}});
  bits_->set_range({page * kBitsPerPage, std::min(Bitmap::kBits, (page + 1) * kBitsPerPage)});
  return {};
}

Status BitmapFile::set(std::span<const ChunkRange> ranges) {
  if (broken_) {
    return Error(Code::kIo,
                 "an earlier write of the volume's bitmap failed; check the disk, then "
                 "detach and attach again");
  }
  std::vector<uint64_t> pages;
  for (const ChunkRange& range : ranges) {
    CHECK(range.end <= Bitmap::kBits);
    if (range.count() == 0 || bits_->all(range)) continue;
    bits_->set_range(range);
    for (uint64_t page = range.first / kBitsPerPage; page <= (range.end - 1) / kBitsPerPage;
         ++page) {
      pages.push_back(page);
    }
  }
  std::sort(pages.begin(), pages.end());
  pages.erase(std::unique(pages.begin(), pages.end()), pages.end());
  if (pages.empty()) return {};
  for (uint32_t copy = 0; copy < copies_of(identity_.kind); ++copy) {
    Status written = write_pages(pages, copy);
    if (!written.ok()) {
      broken_ = true;
      return written;
    }
  }
  return {};
}

Status BitmapFile::write_pages(const std::vector<uint64_t>& pages, uint32_t copy) {
  for (const uint64_t page : pages) {
    TRY(file_->write_at(page_offset(identity_.kind, page, copy),
                        encode_bitmap_page(identity_, page, *bits_)));
  }
  return file_->sync_data();
}

}  // namespace strata::snapshot
