#include "objstore/drive/blob_file.h"

#include <gtest/gtest.h>

#include "common/io/memory_file_system.h"
#include "tests/support/replica_fixture.h"

namespace strata::drive {
namespace {

using tests::random_text;

Id128 blob_id(uint8_t fill) {
  Id128 id;
  id.bytes.fill(static_cast<std::byte>(fill));
  return id;
}
const RecordSeed kBlobSeed = RecordSeed::of_cluster(blob_id(9));

void write_blob(io::FileSystem& files, const std::string& path, const Id128& id,
                const std::string& content) {
  BlobFileWriter writer = BlobFileWriter::create(files, path, kBlobSeed, id, std::nullopt).value();
  std::string padded = content;
  padded.resize(round_up(content.size(), kBlobAlignment));
  const std::vector<uint64_t> sums = checksums_of(kBlobSeed, id, 0, as_bytes(padded));
  ASSERT_TRUE(writer.write_blocks(0, as_bytes(padded)).ok());
  ASSERT_TRUE(writer.finish(content.size(), sums).ok());
}

Result<std::string> read_blob(io::FileSystem& files, const std::string& path, const Id128& id,
                              uint64_t size) {
  TRY_ASSIGN(BlobFileReader reader, BlobFileReader::open(files, path, kBlobSeed, id, size));
  std::string out;
  const BlobLayout layout{size};
  for (uint64_t block = 0; block < layout.blocks(); ++block) {
    TRY_ASSIGN(const ByteVector data, reader.read_blocks(block, 1));
    out.append(as_text(data));
  }
  return out;
}

TEST(BlobFile, content_of_any_length_comes_back) {
  io::MemoryFileSystem files;
  for (const uint64_t size : {1ul, 4095ul, 4096ul, 65'536ul, 65'537ul, 700'000ul}) {
    const std::string content = random_text(size, size);
    write_blob(files, "/b", blob_id(1), content);
    EXPECT_EQ(read_blob(files, "/b", blob_id(1), size).value(), content);
    BlobFileReader reader = BlobFileReader::open(files, "/b", kBlobSeed, blob_id(1), size).value();
    EXPECT_TRUE(reader.verify_all().ok());
    EXPECT_EQ(files.info("/b").value().size_bytes, BlobLayout{size}.file_bytes());
  }
}

TEST(BlobFile, a_changed_byte_anywhere_never_gives_wrong_data_and_a_full_check_finds_it) {
  io::MemoryFileSystem files;
  const std::string content = random_text(1, 70'000);
  write_blob(files, "/b", blob_id(1), content);
  auto file = files.open("/b", {.write = true}).value();
  const uint64_t size = file->size().value();
  for (uint64_t at = 0; at < size; at += (at > 9'000 && at < 64'000) ? 97 : 1) {
    std::array<std::byte, 1> byte;
    ASSERT_TRUE(file->read_at(at, byte).ok());
    const std::array<std::byte, 1> flipped = {byte[0] ^ std::byte{1}};
    ASSERT_TRUE(file->write_at(at, flipped).ok());
    const auto read = read_blob(files, "/b", blob_id(1), content.size());
    ASSERT_TRUE(!read.ok() || *read == content) << at;
    auto reader = BlobFileReader::open(files, "/b", kBlobSeed, blob_id(1), content.size());
    ASSERT_FALSE(reader.ok() && reader->verify_all().ok()) << at;
    ASSERT_TRUE(file->write_at(at, byte).ok());
  }
}

TEST(BlobFile, a_truncated_foreign_or_swapped_file_is_refused) {
  io::MemoryFileSystem files;
  const std::string content = random_text(1, 200'000);
  write_blob(files, "/b", blob_id(1), content);
  EXPECT_FALSE(read_blob(files, "/b", blob_id(2), content.size()).ok());
  EXPECT_FALSE(read_blob(files, "/b", blob_id(1), content.size() - 1).ok());
  const RecordSeed other = RecordSeed::of_cluster(blob_id(8));
  EXPECT_FALSE(BlobFileReader::open(files, "/b", other, blob_id(1), content.size()).ok());
  auto file = files.open("/b", {.write = true}).value();
  ASSERT_TRUE(file->truncate(file->size().value() - 4096).ok());
  EXPECT_FALSE(read_blob(files, "/b", blob_id(1), content.size()).ok());
}

TEST(BlobFile, a_block_in_the_place_of_another_is_found) {
  io::MemoryFileSystem files;
  const std::string content = random_text(1, 3 * kBlockBytes);
  write_blob(files, "/b", blob_id(1), content);
  auto file = files.open("/b", {.write = true}).value();
  ASSERT_TRUE(
      file->write_at(BlobLayout::block_offset(1), as_bytes(content).first(kBlockBytes)).ok());
  EXPECT_EQ(read_blob(files, "/b", blob_id(1), content.size()).error().code, Code::kCorrupt);
}

}  // namespace
}  // namespace strata::drive
