// BitmapFile: a bitmap of chunks on disk, of which bits are only ever set. The format is
// docs/snapshot-format.md.
//
// Two kinds, after what a page that does not match its checksum means:
//   changes    chunks that may have changed. One copy: a damaged page counts as all changed, which
//   is
//              always right and costs a longer snapshot.
//   hydration  chunks whose bytes are in the image. Two copies, written one after the other: of a
//              page that a crash tore the other copy is whole. Both damaged: kCorrupt, since
//              neither guess would be safe.
//
// Thread rule: one thread at a time.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "blockdev/snapshot/bitmap.h"
#include "common/io/file_system.h"

namespace strata::snapshot {

enum class BitmapKind : uint32_t { kChanges = 1, kHydration = 2 };

struct BitmapIdentity {
  BitmapKind kind = BitmapKind::kChanges;
  std::string volume_id;  // 32 hexadecimal digits
  uint64_t generation = 0;
};

inline constexpr size_t kBitmapPageBytes = 4096;
inline constexpr size_t kBitmapPageHeadBytes = 64;
inline constexpr uint64_t kBitsPerPage = (kBitmapPageBytes - kBitmapPageHeadBytes) * 8;
inline constexpr uint64_t kBitmapPagesMax = (Bitmap::kBits + kBitsPerPage - 1) / kBitsPerPage;

// A file without a bit set, for a volume that is about to be made.
[[nodiscard]] ByteVector empty_bitmap_file(const BitmapIdentity& identity);

class BitmapFile {
 public:
  // Makes it, without a bit set; what a crash left at the path is overwritten. Durable with its
  // entry in the folder.
  [[nodiscard]] static Result<std::unique_ptr<BitmapFile>> create(io::FileSystem& files,
                                                                  const std::string& path,
                                                                  const BitmapIdentity& identity);
  // Reads it. A file of changes that is missing or none of this identity's has all bits set.
  [[nodiscard]] static Result<std::unique_ptr<BitmapFile>> open(io::FileSystem& files,
                                                                const std::string& path,
                                                                const BitmapIdentity& identity);

  // Sets the bits; they are durable when it returns. After a failure every further call fails: what
  // of them is on disk is not known.
  [[nodiscard]] Status set(std::span<const ChunkRange> ranges);
  // What is durable.
  [[nodiscard]] const Bitmap& bits() const noexcept { return *bits_; }

 private:
  BitmapFile(std::unique_ptr<io::File> file, BitmapIdentity identity, std::unique_ptr<Bitmap> bits)
      : file_(std::move(file)), identity_(std::move(identity)), bits_(std::move(bits)) {}
  [[nodiscard]] Status load();
  [[nodiscard]] Status load_page(uint64_t page, Bytes copies);
  [[nodiscard]] Status write_pages(const std::vector<uint64_t>& pages, uint32_t copy);

  std::unique_ptr<io::File> file_;
  const BitmapIdentity identity_;
  std::unique_ptr<Bitmap> bits_;
  bool broken_ = false;
};

// Whether the page's bytes are a page of that identity and place; its bits are then ORed into
// `into`. For the fuzzer, and for looking at a file.
[[nodiscard]] bool decode_bitmap_page(Bytes page, const BitmapIdentity& identity, uint64_t index,
                                      Bitmap& into);
[[nodiscard]] ByteVector encode_bitmap_page(const BitmapIdentity& identity, uint64_t index,
                                            const Bitmap& bits);

}  // namespace strata::snapshot
