#include "objstore/drive/blob_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "common/digest/checksum.h"

namespace strata::drive {

namespace {

constexpr std::string_view kHeaderMagic = "STRBLOB1";
constexpr std::string_view kFooterMagic = "STRBLEND";
constexpr uint32_t kBlobFormat = 1;

// Fields of the header: magic 8, format 4, block bytes 4, blob id 16, checksum of the 4 KiB with
// this field zero 8.
constexpr size_t kHeaderSumAt = 32;
// Fields of the footer: magic 8, format 4, block bytes 4, blob id 16, size 8, checksum of table and
// padding 8, checksum of the footer's first 48 bytes 8, zeros 8.
constexpr size_t kFooterSumAt = 48;

uint64_t seed_of(RecordSeed seed, const Id128& id) {
  return digest::xxh3(Bytes(id.bytes), seed.value);
}

void put_text(MutableBytes out, std::string_view text) {
  std::memcpy(out.data(), text.data(), text.size());
}

void put_name(MutableBytes out, std::string_view magic, const Id128& id) {
  put_text(out, magic);
  store_little<uint32_t>(out.data() + 8, kBlobFormat);
  store_little<uint32_t>(out.data() + 12, static_cast<uint32_t>(kBlockBytes));
  put_text(out.subspan(16), id.key());
}

Error corrupt_part(std::string_view part, std::string_view why) {
  return Error(Code::kCorrupt, fmt::format("blob {}: {}", part, why));
}

Status check_name(Bytes in, std::string_view part, std::string_view magic, const Id128& id) {
  if (as_text(in.first(8)) != magic) return corrupt_part(part, "not the file of a blob");
  if (load_little<uint32_t>(in.data() + 8) != kBlobFormat ||
      load_little<uint32_t>(in.data() + 12) != kBlockBytes) {
    return corrupt_part(part, "of an unknown format");
  }
  if (as_text(in.subspan(16, 16)) != id.key()) return corrupt_part(part, "of another blob");
  return {};
}

Status check_sum(std::string_view part, uint64_t stored, uint64_t computed) {
  if (stored == computed) return {};
  return corrupt_part(part,
                      fmt::format("checksum {:016x} stored, {:016x} computed", stored, computed));
}

}  // namespace

uint64_t block_checksum(RecordSeed seed, const Id128& id, uint64_t block, Bytes padded) {
  return digest::xxh3(padded, seed_of(seed, id) + block);
}

ByteVector encode_blob_header(RecordSeed seed, const Id128& id) {
  ByteVector header(kBlobHeaderBytes);
  put_name(header, kHeaderMagic, id);
  store_little<uint64_t>(header.data() + kHeaderSumAt, digest::xxh3(header, seed.value));
  return header;
}

Status check_blob_header(RecordSeed seed, const Id128& id, Bytes header) {
  if (header.size() != kBlobHeaderBytes) return corrupt_part("header", "the file is too short");
  TRY(check_name(header, "header", kHeaderMagic, id));
  ByteVector copy(header.begin(), header.end());
  const uint64_t stored = load_little<uint64_t>(header.data() + kHeaderSumAt);
  store_little<uint64_t>(copy.data() + kHeaderSumAt, 0);
  return check_sum("header", stored, digest::xxh3(copy, seed.value));
}

std::optional<BlobClaim> claim_of_header(Bytes header) {
  if (header.size() != kBlobHeaderBytes || as_text(header.first(8)) != kHeaderMagic) return {};
  const auto id = Id128::from_key(as_text(header.subspan(16, 16)));
  return id ? std::optional(BlobClaim{.id = *id}) : std::nullopt;
}

std::optional<BlobClaim> claim_of_footer(Bytes footer) {
  if (footer.size() != kBlobFooterBytes || as_text(footer.first(8)) != kFooterMagic) return {};
  const auto id = Id128::from_key(as_text(footer.subspan(16, 16)));
  const auto size = load_little<uint64_t>(footer.data() + 32);
  return id ? std::optional(BlobClaim{.id = *id, .size_bytes = size}) : std::nullopt;
}

ByteVector encode_blob_tail(RecordSeed seed, const Id128& id, uint64_t size_bytes,
                            const std::vector<uint64_t>& checksums) {
  const BlobLayout layout{size_bytes};
  CHECK(checksums.size() == layout.blocks());
  ByteVector tail(layout.file_bytes() - layout.table_offset());
  for (size_t i = 0; i < checksums.size(); ++i) store_little(tail.data() + i * 8, checksums[i]);
  const MutableBytes footer = MutableBytes(tail).last(kBlobFooterBytes);
  put_name(footer, kFooterMagic, id);
  store_little<uint64_t>(footer.data() + 32, size_bytes);
  const Bytes table = Bytes(tail).first(tail.size() - kBlobFooterBytes);
  store_little<uint64_t>(footer.data() + 40, digest::xxh3(table, seed_of(seed, id)));
  store_little<uint64_t>(footer.data() + kFooterSumAt,
                         digest::xxh3(footer.first(kFooterSumAt), seed.value));
  return tail;
}

Status check_blob_footer(RecordSeed seed, const Id128& id, uint64_t size_bytes, Bytes footer) {
  if (footer.size() != kBlobFooterBytes) return corrupt_part("footer", "the file is too short");
  TRY(check_name(footer, "footer", kFooterMagic, id));
  TRY(check_sum("footer", load_little<uint64_t>(footer.data() + kFooterSumAt),
                digest::xxh3(footer.first(kFooterSumAt), seed.value)));
  const uint64_t stored = load_little<uint64_t>(footer.data() + 32);
  if (stored != size_bytes || load_little<uint64_t>(footer.data() + 56) != 0) {
    return corrupt_part("footer", fmt::format("{} bytes stored, {} expected", stored, size_bytes));
  }
  return {};
}

Status check_blob_tail(RecordSeed seed, const Id128& id, uint64_t size_bytes, Bytes tail) {
  const BlobLayout layout{size_bytes};
  if (tail.size() != layout.file_bytes() - layout.table_offset()) {
    return corrupt_part("table", "the file is too short");
  }
  const Bytes footer = tail.last(kBlobFooterBytes);
  TRY(check_blob_footer(seed, id, size_bytes, footer));
  const Bytes table = tail.first(tail.size() - kBlobFooterBytes);
  return check_sum("table", load_little<uint64_t>(footer.data() + 40),
                   digest::xxh3(table, seed_of(seed, id)));
}

}  // namespace strata::drive
