#include "blockdev/chunks/manifest.h"

#include <gtest/gtest.h>

namespace strata::chunks {
namespace {

ChunkId some_id(uint8_t fill) {
  ChunkId id;
  id.hash.fill(std::byte{fill});
  return id;
}

Manifest some_manifest() {
  Manifest out;
  out.name = "db-1";
  out.id = "000102030405060708090a0b0c0d0e0f";
  out.volume_name = "db";
  out.volume_id = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";
  out.size_bytes = 4 * kChunkBytes + 4096;
  out.created_ms = 1'764'000'000'000;
  out.new_bytes = 2 * kChunkBytes;
  out.chunks = {{1, some_id(0x11)}, {4, some_id(0x44)}};
  return out;
}

TEST(Manifest, decodes_to_what_was_encoded) {
  Manifest manifest = some_manifest();
  const auto plain = decode_manifest(encode_manifest(manifest));
  ASSERT_TRUE(plain.ok()) << plain.error().message;
  EXPECT_EQ(*plain, manifest);
  manifest.parent_id = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
  manifest.chunks.clear();
  EXPECT_EQ(decode_manifest(encode_manifest(manifest)).value(), manifest);
}

TEST(Manifest, every_flipped_bit_and_every_cut_is_refused) {
  const ByteVector good = encode_manifest(some_manifest());
  for (size_t at = 0; at < good.size(); ++at) {
    ByteVector bad = good;
    bad[at] ^= std::byte{0x10};
    EXPECT_FALSE(decode_manifest(bad).ok()) << at;
    EXPECT_FALSE(decode_manifest(Bytes(good).first(at)).ok()) << at;
  }
}

TEST(Manifest, a_newer_version_is_unsupported_and_not_corrupt) {
  ByteVector newer = encode_manifest(some_manifest());
  newer[8] = std::byte{2};
  EXPECT_EQ(decode_manifest(newer).error().code, Code::kUnsupported);
}

TEST(Manifest, chunks_out_of_order_or_past_the_end_are_refused) {
  Manifest manifest = some_manifest();
  std::swap(manifest.chunks[0], manifest.chunks[1]);
  EXPECT_EQ(decode_manifest(encode_manifest(manifest)).error().code, Code::kCorrupt);
  manifest = some_manifest();
  manifest.chunks[1].index = 5;
  EXPECT_EQ(decode_manifest(encode_manifest(manifest)).error().code, Code::kCorrupt);
}

TEST(Manifest, finds_chunks_by_their_index_and_none_for_zeroes) {
  const Manifest manifest = some_manifest();
  ASSERT_NE(manifest.find(4), nullptr);
  EXPECT_EQ(*manifest.find(4), some_id(0x44));
  EXPECT_EQ(manifest.find(0), nullptr);
  EXPECT_EQ(manifest.find(2), nullptr);
}

TEST(Manifest, changed_ranges_join_neighbours_and_end_with_the_greater_volume) {
  Manifest from = some_manifest();
  Manifest to = from;
  EXPECT_TRUE(changed_ranges(from, to).empty());
  to.chunks = {{0, some_id(1)}, {1, some_id(2)}, {3, some_id(3)}};
  const std::vector<ChangedRange> wanted = {{0, 2 * kChunkBytes},
                                            {3 * kChunkBytes, kChunkBytes + 4096}};
  EXPECT_EQ(changed_ranges(from, to), wanted);
  EXPECT_EQ(changed_ranges(to, from), wanted);
}

TEST(Manifest, names_are_checked) {
  EXPECT_TRUE(check_snapshot_name("db-2026.11_1").ok());
  for (const char* bad : {"", "-a", "a/b", "a b", "..", "snap:x"}) {
    EXPECT_FALSE(check_snapshot_name(bad).ok()) << bad;
  }
  EXPECT_FALSE(check_snapshot_name(std::string(kSnapshotNameBytesMax + 1, 'a')).ok());
}

TEST(Chunk, ids_are_64_lower_case_digits_and_nothing_else) {
  const ByteVector bytes(kChunkBytes, std::byte{5});
  const ChunkId id = chunk_id(bytes);
  EXPECT_EQ(parse_chunk_id(id.to_hex()), id);
  EXPECT_FALSE(parse_chunk_id(id.to_hex() + "0").has_value());
  EXPECT_FALSE(parse_chunk_id(std::string(64, 'A')).has_value());
  EXPECT_FALSE(is_zero(bytes));
  EXPECT_TRUE(is_zero(ByteVector(kChunkBytes)));
  ByteVector last(kChunkBytes);
  last.back() = std::byte{1};
  EXPECT_FALSE(is_zero(last));
}

}  // namespace
}  // namespace strata::chunks
