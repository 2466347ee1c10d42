// A blob's file, looked at block by block.
#include <fmt/format.h>

#include <algorithm>

#include "objstore/drive/blob_file.h"
#include "objstore/drive/inspect.h"

namespace strata::drive {
namespace {

// The bytes of [offset, offset + bytes) that are there.
Result<ByteVector> read_there(io::File& file, uint64_t offset, uint64_t bytes) {
  ByteVector out(bytes);
  TRY_ASSIGN(const size_t got, file.read_at(offset, out));
  out.resize(got);
  return out;
}

// The padded length of the data in a file of so many bytes; nullopt: no blob has such a file. For
// files whose footer cannot be believed: there is at most one answer, as the table grows with the
// data.
std::optional<uint64_t> padded_length(uint64_t file_bytes) {
  if (file_bytes % kBlobAlignment != 0) return std::nullopt;
  uint64_t low = 0;
  uint64_t high = kBlobBytesMax / kBlobAlignment;
  while (low < high) {
    const uint64_t middle = (low + high) / 2;
    if (BlobLayout{middle * kBlobAlignment}.file_bytes() < file_bytes) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const uint64_t padded = low * kBlobAlignment;
  if (BlobLayout{padded}.file_bytes() != file_bytes) return std::nullopt;
  return padded;
}

std::optional<Id128> id_of_name(const std::string& path) {
  std::string_view name = path;
  name.remove_prefix(std::min(name.size(), name.rfind('/') + 1));
  if (name.ends_with(".new")) name.remove_suffix(4);
  return Id128::from_hex(name);
}

class BlobInspection {
 public:
  BlobInspection(io::File& file, std::optional<RecordSeed> seed, Description& out)
      : file_(file), seed_(seed), out_(out) {}

  Status run(uint64_t file_bytes, std::optional<Id128> named, std::optional<BlobName> expected) {
    file_bytes_ = file_bytes;
    TRY_ASSIGN(header_, read_there(file_, 0, kBlobHeaderBytes));
    const uint64_t footer_at = file_bytes < kBlobFooterBytes ? 0 : file_bytes - kBlobFooterBytes;
    TRY_ASSIGN(footer_, read_there(file_, footer_at, kBlobFooterBytes));
    const auto begin = claim_of_header(header_);
    const auto end = claim_of_footer(footer_);
    if (!begin && !end && !named) {
      return Error(Code::kInvalidArgument, "it neither begins nor ends like the file of a blob");
    }
    id_ = expected ? expected->id : named ? *named : begin ? begin->id : end->id;
    out_.add("id", id_.to_hex());
    out_.add_number("file_bytes", file_bytes);
    check_names(begin, end);
    const uint64_t size = choose_size(end, expected);
    check_ends(size, footer_at, end.has_value());
    if (!length_known_) return {};
    out_.add_number("bytes", size);
    out_.add_number("blocks", BlobLayout{size}.blocks());
    if (!seed_) {
      out_.add("checksums", "not verified: they depend on the cluster, which is not known");
      return {};
    }
    return check_blocks(BlobLayout{size});
  }

 private:
  void check_names(const std::optional<BlobClaim>& begin, const std::optional<BlobClaim>& end) {
    if (begin && begin->id != id_) {
      out_.add_damage(16, 16, fmt::format("the header is that of blob {}", begin->id.to_hex()));
    }
    if (end && end->id != id_) {
      out_.add_damage(file_bytes_ - kBlobFooterBytes + 16, 16,
                      fmt::format("the footer is that of blob {}", end->id.to_hex()));
    }
  }

  // The blob's size: the index's word, else the footer's if it fits the file, else what fits.
  uint64_t choose_size(const std::optional<BlobClaim>& end,
                       const std::optional<BlobName>& expected) {
    const auto fits = [&](uint64_t size) {
      return size <= kBlobBytesMax && BlobLayout{size}.file_bytes() == file_bytes_;
    };
    length_known_ = true;
    if (expected && fits(expected->size_bytes)) return expected->size_bytes;
    if (expected) {
      out_.add_damage(
          file_bytes_, 0,
          fmt::format("the file has {} bytes, {} are right for a blob of {}", file_bytes_,
                      BlobLayout{expected->size_bytes}.file_bytes(), expected->size_bytes));
    }
    if (end && fits(end->size_bytes)) return end->size_bytes;
    if (end && !expected) {
      out_.add_damage(file_bytes_ - kBlobFooterBytes + 32, 8,
                      fmt::format("the footer says {} bytes, which does not fit a file of {}",
                                  end->size_bytes, file_bytes_));
    }
    const auto padded = padded_length(file_bytes_);
    if (padded) return *padded;
    length_known_ = false;
    out_.add_damage(file_bytes_, 0, "no blob has a file of this length: it was cut or grew");
    return 0;
  }

  void check_ends(uint64_t size, uint64_t footer_at, bool footer_there) {
    const auto report = [&](uint64_t offset, uint64_t length, const Status& status) {
      if (!status.ok()) out_.add_damage(offset, length, status.error().message);
    };
    if (seed_) {
      report(0, kBlobHeaderBytes, check_blob_header(*seed_, id_, header_));
      report(footer_at, kBlobFooterBytes, check_blob_footer(*seed_, id_, size, footer_));
      return;
    }
    if (!claim_of_header(header_)) out_.add_damage(0, kBlobHeaderBytes, "no header of a blob");
    if (!footer_there) out_.add_damage(footer_at, kBlobFooterBytes, "no footer of a blob");
  }

  Status check_blocks(const BlobLayout& layout) {
    TRY_ASSIGN(const ByteVector tail,
               read_there(file_, layout.table_offset(), file_bytes_ - layout.table_offset()));
    if (tail.size() != file_bytes_ - layout.table_offset()) {
      return Error(Code::kConflict, "the file became shorter while it was read");
    }
    const Status whole = check_blob_tail(*seed_, id_, layout.size_bytes, tail);
    const bool footer_good = check_blob_footer(*seed_, id_, layout.size_bytes, footer_).ok();
    if (!whole.ok() && footer_good) {
      out_.add_damage(layout.table_offset(), tail.size() - kBlobFooterBytes, whole.error().message);
    }
    uint64_t good = 0;
    for (uint64_t block = 0; block < layout.blocks(); ++block) {
      const uint64_t offset = BlobLayout::block_offset(block);
      const uint64_t length = round_up(layout.block_bytes(block), kBlobAlignment);
      TRY_ASSIGN(const ByteVector data, read_there(file_, offset, length));
      const auto stored = load_little<uint64_t>(tail.data() + block * 8);
      const uint64_t computed = block_checksum(*seed_, id_, block, data);
      if (data.size() == length && stored == computed) {
        ++good;
        continue;
      }
      out_.add_damage(offset, length,
                      fmt::format("block {}: checksum {:016x} stored (at offset {}), {:016x} "
                                  "computed",
                                  block, stored, layout.table_offset() + block * 8, computed));
    }
    out_.add_number("good_blocks", good);
    return {};
  }

  io::File& file_;
  std::optional<RecordSeed> seed_;
  Description& out_;
  uint64_t file_bytes_ = 0;
  Id128 id_;
  ByteVector header_;
  ByteVector footer_;
  bool length_known_ = false;
};

}  // namespace

Result<Description> describe_blob_file(io::FileSystem& files, const std::string& path,
                                       std::optional<RecordSeed> seed,
                                       std::optional<BlobName> expected) {
  Description out{.what = "blob file"};
  TRY_ASSIGN(const auto file, files.open(path, io::OpenOptions{}));
  TRY_ASSIGN(const uint64_t file_bytes, file->size());
  TRY(BlobInspection(*file, seed, out).run(file_bytes, id_of_name(path), expected));
  return out;
}

}  // namespace strata::drive
