// The worked examples of the format documents, read from the documents: the bytes there decode,
// with the decoders that the program uses, to what the text around them says.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "blockdev/chunks/manifest.h"
#include "blockdev/snapshot/tracking.h"
#include "blockdev/volume/metadata.h"
#include "common/codec/text.h"
#include "objstore/drive/blob_format.h"
#include "objstore/drive/identity.h"
#include "objstore/drive/inspect.h"
#include "objstore/object/inspect.h"
#include "objstore/object/row_keys.h"
#include "objstore/object/version_id.h"

namespace strata::roof {
namespace {

std::string read_document(const std::string& name) {
  std::ifstream file(std::string(STRATA_SOURCE_DIR) + "/docs/" + name);
  EXPECT_TRUE(file.good()) << name;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The bytes of the first run of lines behind the mark that are hex digits and spaces only.
std::string bytes_behind(const std::string& document, const std::string& mark) {
  const size_t at = document.find(mark);
  EXPECT_NE(at, std::string::npos) << mark;
  if (at == std::string::npos) return {};
  std::istringstream lines(document.substr(at + mark.size()));
  std::string hex;
  for (std::string line; std::getline(lines, line);) {
    const bool bytes =
        !line.empty() && line.find_first_not_of("0123456789abcdef ") == std::string::npos;
    if (!bytes && !hex.empty()) break;
    if (!bytes) continue;
    std::erase(line, ' ');
    hex += line;
  }
  return codec::from_hex(hex).value_or("");
}

// The fenced block that begins with this line.
std::string block_of(const std::string& document, const std::string& first_line) {
  const size_t at = document.find("```\n" + first_line + "\n");
  EXPECT_NE(at, std::string::npos) << first_line;
  if (at == std::string::npos) return {};
  const size_t begin = at + 4;
  return document.substr(begin, document.find("```", begin) - begin);
}

const drive::Id128 kCluster = drive::Id128::from_hex("000102030405060708090a0b0c0d0e0f").value();
const drive::Id128 kBlob = drive::Id128::from_hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff").value();
const drive::RecordSeed kSeed = drive::RecordSeed::of_cluster(kCluster);

TEST(FormatDocuments, the_records_of_the_drive_format_decode_as_told) {
  const std::string document = read_document("drive-format.md");
  const auto show = [&](drive::Table table, std::string_view key, const std::string& mark) {
    return drive::describe_record(kSeed, table, key, bytes_behind(document, mark));
  };
  const auto row = show(drive::Table::kRows, "k", "Row `k` = `hello`");
  EXPECT_EQ(row.row_value, "hello");
  EXPECT_EQ(*row.description.find("sequence_is"), "epoch 1, change 1");
  const auto log = show(drive::Table::kLog, drive::encode_log_key(0x10000000001),
                        "The log entry of that commit");
  EXPECT_FALSE(log.description.damaged());
  EXPECT_EQ(*log.description.find("row"), "k");
  EXPECT_EQ(*log.description.find("agreed"), std::to_string(0x10000000000));
  const auto small = show(drive::Table::kData, kBlob.key(), "in the table `data`, and");
  EXPECT_FALSE(small.description.damaged());
  EXPECT_EQ(*small.description.find("bytes"), "1");
  const auto blob = show(drive::Table::kBlobs, kBlob.key(), "fed5d7d889602628 61\n");
  EXPECT_FALSE(blob.description.damaged());
  EXPECT_EQ(*blob.description.find("bytes_are"), "in the index");
  const auto number = show(drive::Table::kMeta, "log_start", "The number `log_start`");
  EXPECT_EQ(*number.description.find("value"), "7");
  const auto note = show(drive::Table::kMeta, "n", "The note `n`");
  EXPECT_EQ(*note.description.find("number"), "7");
  EXPECT_EQ(*note.description.find("text"), "t");
}

TEST(FormatDocuments, the_blob_file_and_the_identity_of_the_drive_format_decode_as_told) {
  const std::string document = read_document("drive-format.md");
  const std::string bytes = bytes_behind(document, "of its header, its table, its footer");
  ASSERT_EQ(bytes.size(), 48u + 8 + 64);
  std::string header = bytes.substr(0, 48);
  header.resize(drive::kBlobHeaderBytes);
  EXPECT_TRUE(drive::check_blob_header(kSeed, kBlob, as_bytes(header)).ok());
  std::string tail = bytes.substr(48, 8);
  tail.resize(drive::kBlobAlignment - drive::kBlobFooterBytes);
  tail += bytes.substr(56);
  EXPECT_TRUE(drive::check_blob_tail(kSeed, kBlob, 1, as_bytes(tail)).ok());
  EXPECT_TRUE(drive::parse_identity(block_of(document, "strata drive")).ok());
}

TEST(FormatDocuments, the_rows_of_the_object_format_decode_as_told) {
  const std::string document = read_document("object-format.md");
  const auto show = [&](const std::string& name, const std::string& mark) {
    const Description shown = object::describe_row(name, bytes_behind(document, mark));
    EXPECT_FALSE(shown.damaged()) << mark;
    return shown;
  };
  const Description bucket = show(object::rows::bucket("demo"), "The bucket `demo`");
  EXPECT_EQ(*bucket.find("region"), "us-east-1");
  EXPECT_EQ(*bucket.find("created"), "1700000000123 ms since 1970");
  const std::string name = bytes_behind(document, "The object `a/b` in it has the name");
  EXPECT_EQ(name, object::rows::object("demo", "a/b"));
  const Description simple = show(name, "and a CRC32. Its value");
  EXPECT_EQ(*simple.find("bytes"), "5");
  EXPECT_EQ(*simple.find("content_type"), "text/plain");
  EXPECT_EQ(*simple.find("metadata"), "x: y");
  EXPECT_EQ(*simple.find("checksum"), "CRC32 3610a686");
  const std::string version_name = bytes_behind(document, "A version of `a/b` that is not current");
  EXPECT_EQ(version_name, object::rows::version("demo", "a/b", replica::Sequence(8)));
  const Description version = show(version_name, "one tag and a retention. Its value");
  EXPECT_EQ(*version.find("version"), "AAECAwQFBgcICQoLDA0OD4NV46b2F3DT");
  EXPECT_EQ(object::stamp_of_version_id(*version.find("version")), replica::Sequence(8));
  EXPECT_EQ(*version.find("owner"), "000000000001");
  EXPECT_EQ(*version.find("tag"), "team: blue");
  EXPECT_EQ(*version.find("retention"), "governance until 1700000000123 ms since 1970");
  const std::string upload_name = bytes_behind(document, "An upload of `big` has the name");
  const Description upload = show(upload_name, "The upload's value");
  EXPECT_EQ(*upload.find("upload"), "00000000000000050000000000000006");
  EXPECT_EQ(*upload.find("checksum_algorithm"), "CRC32C");
  const Description part =
      show(bytes_behind(document, "Its part 2 has the name"), "The part's value");
  EXPECT_EQ(*part.find("part"), "2");
  EXPECT_EQ(part.find("content")->substr(0, 7), "5 bytes");
}

TEST(FormatDocuments, the_metadata_of_the_volume_format_decodes_as_told) {
  const std::string document = read_document("volume-format.md");
  for (const char* first : {"strata-volume 1", "strata-volume 2"}) {
    const auto metadata = volume::decode_metadata(as_bytes(block_of(document, first)));
    ASSERT_TRUE(metadata.ok()) << first << ": " << metadata.error().message;
    EXPECT_EQ(metadata->name, "db");
    EXPECT_EQ(metadata->size_bytes, 10 * kGiB);
    EXPECT_EQ(metadata->provision.layers.size(), std::string(first).ends_with('2') ? 2U : 0U);
  }
  const auto on_device = volume::decode_metadata(as_bytes(block_of(document, "strata-volume 3")));
  ASSERT_TRUE(on_device.ok()) << on_device.error().message;
  EXPECT_EQ(on_device->device->identity, "wwid:naa.5000c500a1b2c3d4/start:2048");
}

TEST(FormatDocuments, the_manifest_and_the_tracking_of_the_snapshot_format_decode_as_told) {
  const std::string document = read_document("snapshot-format.md");
  const auto manifest =
      chunks::decode_manifest(as_bytes(bytes_behind(document, "512 KiB of the byte 0x01:")));
  ASSERT_TRUE(manifest.ok()) << manifest.error().message;
  EXPECT_EQ(manifest->name, "db-1");
  EXPECT_EQ(manifest->volume_name, "db");
  EXPECT_EQ(manifest->size_bytes, kMiB);
  const ByteVector ones(chunks::kChunkBytes, std::byte{1});
  ASSERT_NE(manifest->find(1), nullptr);
  EXPECT_EQ(*manifest->find(1), chunks::chunk_id(ones));
  EXPECT_EQ(manifest->find(0), nullptr);
  const auto tracking =
      snapshot::decode_tracking(as_bytes(block_of(document, "strata-tracking 1")));
  ASSERT_TRUE(tracking.ok()) << tracking.error().message;
  EXPECT_EQ(tracking->base->name, "db-1");
  EXPECT_EQ(tracking->changes, std::vector<uint64_t>{2});
}

}  // namespace
}  // namespace strata::roof
