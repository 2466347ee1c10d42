#include "objstore/drive/inspect.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/digest/checksum.h"
#include "common/io/memory_file_system.h"
#include "objstore/drive/blob_file.h"
#include "objstore/drive/identity.h"
#include "objstore/drive/inspect_drive.h"
#include "tests/support/replica_fixture.h"

namespace strata::drive {
namespace {

using tests::random_text;
using tests::ReplicaFixture;

Id128 id_of(uint8_t fill) {
  Id128 id;
  id.bytes.fill(static_cast<std::byte>(fill));
  return id;
}
const RecordSeed kSeed = RecordSeed::of_cluster(id_of(9));

void flip(io::FileSystem& files, const std::string& path, uint64_t at) {
  const auto file = files.open(path, {.write = true}).value();
  std::array<std::byte, 1> byte;
  ASSERT_EQ(file->read_at(at, byte).value(), 1u);
  byte[0] ^= std::byte{1};
  ASSERT_TRUE(file->write_at(at, byte).ok());
}

class BlobInspection : public ::testing::Test {
 protected:
  BlobInspection() {
    const std::string content = random_text(1, kSize);
    std::string padded = content;
    padded.resize(round_up(content.size(), kBlobAlignment));
    BlobFileWriter writer =
        BlobFileWriter::create(files, path, kSeed, id_of(1), content.size()).value();
    EXPECT_TRUE(writer.write_blocks(0, as_bytes(padded)).ok());
    EXPECT_TRUE(
        writer.finish(content.size(), checksums_of(kSeed, id_of(1), 0, as_bytes(padded))).ok());
  }
  Description look(std::optional<RecordSeed> seed = kSeed) {
    return describe_blob_file(files, path, seed, std::nullopt).value();
  }
  static constexpr uint64_t kSize = 70'000;
  io::MemoryFileSystem files;
  const std::string path = "/" + id_of(1).to_hex();
};

TEST_F(BlobInspection, a_good_file_is_described_and_has_no_damage) {
  const Description good = look();
  EXPECT_FALSE(good.damaged());
  EXPECT_EQ(*good.find("bytes"), "70000");
  EXPECT_EQ(*good.find("good_blocks"), "2");
  EXPECT_FALSE(look(std::nullopt).damaged());
  EXPECT_TRUE(look(RecordSeed::of_cluster(id_of(8))).damaged());
}

TEST_F(BlobInspection, a_changed_byte_anywhere_is_reported_with_a_place_that_holds_it) {
  const uint64_t bytes = files.info(path).value().size_bytes;
  for (uint64_t at = 0; at < bytes; at += (at > 200 && at < bytes - 4200) ? 997 : 1) {
    flip(files, path, at);
    const Description bad = look();
    const bool found = std::ranges::any_of(bad.damage, [&](const Description::Damage& damage) {
      return damage.offset <= at && (damage.length == 0 || at < damage.offset + damage.length);
    });
    ASSERT_TRUE(found) << at << " of " << bytes;
    flip(files, path, at);
  }
}

TEST_F(BlobInspection, a_file_cut_anywhere_is_damaged_and_its_blocks_are_still_judged) {
  const auto file = files.open(path, {.write = true}).value();
  const uint64_t bytes = file->size().value();
  for (const uint64_t length :
       {bytes - 1, bytes - 4096, uint64_t{8192}, uint64_t{4096}, uint64_t{100}, uint64_t{0}}) {
    ASSERT_TRUE(file->truncate(length).ok());
    EXPECT_TRUE(look().damaged()) << length;
  }
}

TEST_F(BlobInspection, without_a_footer_the_length_of_the_file_tells_where_the_blocks_are) {
  const uint64_t bytes = files.info(path).value().size_bytes;
  flip(files, path, bytes - kBlobFooterBytes);  // its first letter
  const Description bad = look();
  EXPECT_TRUE(bad.damaged());
  EXPECT_EQ(*bad.find("good_blocks"), "2");
}

TEST(DescribeRecord, nonsense_in_any_table_is_damage_and_never_more) {
  for (size_t i = 0; i < kTables; ++i) {
    for (const std::string& key : {std::string(), std::string(16, 'k'), std::string(8, '\0')}) {
      for (const size_t length : {0, 1, 8, 24, 200}) {
        const auto table = static_cast<Table>(i);
        const auto out = describe_record(kSeed, table, key, random_text(length, length));
        EXPECT_FALSE(out.row_value.has_value());
        if (table == Table::kRows || table == Table::kLog || table == Table::kBlobs) {
          EXPECT_TRUE(out.description.damaged()) << table_name(table) << " " << length;
        }
      }
    }
  }
}

TEST(DescribeIdentity, lines_are_shown_also_of_a_damaged_one) {
  Identity identity;
  identity.cluster = id_of(1);
  identity.drive = id_of(2);
  identity.replicas = 1;
  identity.members = {{id_of(3), id_of(2), 1}};
  std::string text = render_identity(identity);
  EXPECT_FALSE(describe_identity(text).damaged());
  EXPECT_EQ(*describe_identity(text).find("cluster"), id_of(1).to_hex());
  text[text.find("replicas") + 9] = '7';
  EXPECT_TRUE(describe_identity(text).damaged());
  EXPECT_EQ(*describe_identity(text).find("replicas"), "7");
  EXPECT_TRUE(describe_identity(std::string(20'000, '\xff')).damaged());
}

class DriveInspectionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(fixture.start().ok());
    ASSERT_TRUE(fixture.put("a", "1").ok());
    ASSERT_TRUE(fixture.put_blob("small", "hello").ok());
    big = fixture.put_blob("big", random_text(1, 300'000)).value();
  }
  std::string blob_path() const {
    const std::string hex = big.id.to_hex();
    return "/d0/blobs/" + hex.substr(30) + "/" + hex;
  }
  Description look(bool verify) {
    bad.clear();
    return DriveInspection::open(disk, "/d0")
        .value()
        ->summary(verify, [&](const Description& one) { bad.push_back(one); })
        .value();
  }
  io::MemoryFileSystem disk;
  ReplicaFixture fixture{{&disk}, 1};
  replica::BlobRef big;
  std::vector<Description> bad;
};

TEST_F(DriveInspectionTest, counts_and_position_are_seen_beside_the_one_who_has_it_open) {
  const uint64_t changes = disk.mutations();
  const Description drive = look(true);
  EXPECT_EQ(disk.mutations(), changes) << "looking changes nothing";
  EXPECT_FALSE(drive.damaged());
  EXPECT_EQ(*drive.find("rows_records"), "3");
  EXPECT_EQ(*drive.find("data_records"), "1");
  EXPECT_EQ(*drive.find("blobs_records"), "2");
  EXPECT_EQ(*drive.find("bytes_in_files"), "300000");
  EXPECT_EQ(*drive.find("blob_files"), "1");
  // And the one who has it open goes on.
  EXPECT_TRUE(fixture.put("b", "2").ok());
  EXPECT_EQ(*look(false).find("rows_records"), "4");
}

TEST_F(DriveInspectionTest, a_damaged_and_a_missing_blob_file_are_found) {
  flip(disk, blob_path(), 10'000);
  EXPECT_FALSE(look(false).damaged());
  EXPECT_TRUE(look(true).damaged());
  ASSERT_EQ(bad.size(), 1u);
  EXPECT_EQ(bad[0].damage[0].offset, 4096u);
  ASSERT_TRUE(disk.remove_file(blob_path()).ok());
  EXPECT_TRUE(look(false).damaged());
  ASSERT_EQ(bad.size(), 1u);
  EXPECT_EQ(*bad[0].find("id"), big.id.to_hex());
}

TEST_F(DriveInspectionTest, damage_to_the_index_itself_is_found) {
  fixture.stop();
  for (const std::string& name : std::vector<std::string>(disk.list("/d0/index").value())) {
    if (!name.ends_with(".log")) continue;
    const std::string log = "/d0/index/" + name;
    // Behind the end of a log there are zeros.
    ByteVector written = io::read_file(disk, log, kGiB).value();
    while (!written.empty() && written.back() == std::byte{0}) written.pop_back();
    flip(disk, log, written.size() / 2);
    EXPECT_FALSE(DriveInspection::open(disk, "/d0").ok());
    flip(disk, log, written.size() / 2);
  }
  EXPECT_FALSE(look(true).damaged());
  ASSERT_TRUE(io::write_file_atomic(disk, "/d0/index.damaged", as_bytes("why")).ok());
  EXPECT_TRUE(look(false).damaged());
}

TEST_F(DriveInspectionTest, tables_are_walked_by_name) {
  const auto drive = DriveInspection::open(disk, "/d0").value();
  EXPECT_EQ(table_of_name("meta"), Table::kMeta);
  EXPECT_EQ(table_of_name("nothing"), std::nullopt);
  std::vector<std::string> keys;
  ASSERT_TRUE(drive
                  ->for_each(*table_of_name("rows"),
                             [&](std::string_view key, std::string_view record) {
                               EXPECT_TRUE(describe_record(drive->seed(), Table::kRows, key, record)
                                               .row_value.has_value());
                               keys.emplace_back(key);
                               return true;
                             })
                  .ok());
  EXPECT_EQ(keys, (std::vector<std::string>{"a", "big", "small"}));
}

TEST_F(DriveInspectionTest, a_folder_without_an_index_or_identity_is_refused) {
  ASSERT_TRUE(disk.create_directory("/e").ok());
  EXPECT_EQ(DriveInspection::open(disk, "/e").error().code, Code::kNotFound);
  fixture.stop();
  const std::vector<std::string> names = disk.list("/d0/index").value();
  for (const std::string& name : names) {
    ASSERT_TRUE(disk.remove_file("/d0/index/" + name).ok());
  }
  const uint64_t changes = disk.mutations();
  EXPECT_FALSE(DriveInspection::open(disk, "/d0").ok());
  EXPECT_EQ(disk.mutations(), changes);
}

TEST(IndexFiles, are_told_by_their_names) {
  for (const char* name : {"000012.sst", "000004.log", "000009.blob", "CURRENT", "MANIFEST-000005",
                           "OPTIONS-000007", "IDENTITY", "LOCK", "spare-3"}) {
    EXPECT_TRUE(index_file_kind(name).has_value()) << name;
  }
  for (const char* name : {"", ".", "x.sst", "000012.txt", "000012", "identity"}) {
    EXPECT_FALSE(index_file_kind(name).has_value()) << name;
  }
}

}  // namespace
}  // namespace strata::drive
