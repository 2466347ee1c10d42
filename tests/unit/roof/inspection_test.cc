#include "strata/inspection.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "blockdev/volume/metadata.h"
#include "common/io/memory_file_system.h"
#include "strata/verbs.h"
#include "tests/support/temp_folder.h"

namespace strata::roof {
namespace {

void write(io::FileSystem& files, const std::string& path, std::string_view text) {
  ASSERT_TRUE(io::create_directories(files, io::parent_path(path)).ok());
  const auto file = files.open(path, {.write = true, .create = true, .truncate = true}).value();
  ASSERT_TRUE(file->write_at(0, as_bytes(text)).ok());
}

const std::string kMetadata = volume::encode_metadata(
    {.name = "db", .id = std::string(32, 'a'), .size_bytes = 4096, .created_ms = 1});

TEST(Inspection, a_data_folder_and_its_volumes_are_described) {
  io::MemoryFileSystem files;
  write(files, "/data/server.lock", "");
  write(files, "/data/workers", "strata workers 1\nscrub paused\n");
  write(files, "/data/volumes/db/metadata", kMetadata);
  write(files, "/data/volumes/db/image", std::string(4096, '\0'));
  const uint64_t changes = files.mutations();
  const Inspection folder = inspect(files, {.path = "/data/"}).value();
  EXPECT_FALSE(folder.damaged());
  ASSERT_EQ(folder.details.size(), 1u);
  EXPECT_EQ(*folder.details[0].find("name"), "db");
  EXPECT_EQ(inspect(files, {.path = "/data/workers"}).value().subject.find("scrub")->substr(0, 6),
            "paused");
  EXPECT_EQ(files.mutations(), changes);
}

TEST(Inspection, a_volume_that_does_not_fit_its_folder_or_image_is_damaged) {
  io::MemoryFileSystem files;
  write(files, "/v/dc/metadata", kMetadata);
  write(files, "/v/dc/image", "short");
  const Inspection volume = inspect(files, {.path = "/v/dc"}).value();
  EXPECT_EQ(volume.subject.damage.size(), 2u);
  ASSERT_TRUE(files.remove_file("/v/dc/image").ok());
  EXPECT_TRUE(inspect(files, {.path = "/v/dc"}).value().damaged());
}

TEST(Inspection, a_drive_whose_identity_is_damaged_is_shown_as_far_as_it_goes) {
  io::MemoryFileSystem files;
  write(files, "/d/identity", "strata drive\nformat 1\ncluster zz\n");
  const Inspection drive = inspect(files, {.path = "/d"}).value();
  EXPECT_TRUE(drive.damaged());
  EXPECT_EQ(*drive.subject.find("cluster"), "zz");
}

TEST(Inspection, what_is_not_ours_is_refused_with_what_would_be) {
  io::MemoryFileSystem files;
  write(files, "/x/note", "hello");
  for (const char* path : {"/x/note", "/x"}) {
    const auto refused = inspect(files, {.path = path});
    ASSERT_FALSE(refused.ok()) << path;
    EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
  }
  EXPECT_EQ(inspect(files, {.path = "/nothing"}).error().code, Code::kNotFound);
  EXPECT_FALSE(inspect(files, {.path = "/x", .table = "rows"}).ok());
  EXPECT_FALSE(inspect(files, {.path = "/x/note", .limit = 0}).ok());
}

TEST(Inspection, json_gathers_repeated_names_and_numbers_are_numbers) {
  Inspection inspection;
  inspection.subject.what = "thing";
  inspection.subject.add("member", "a");
  inspection.subject.add("member", "b");
  inspection.subject.add_number("bytes", 5);
  inspection.subject.add_damage(1, 2, "torn");
  const nlohmann::json json = inspection_json(inspection);
  EXPECT_EQ(json["fields"]["member"], (nlohmann::json{"a", "b"}));
  EXPECT_EQ(json["fields"]["bytes"], 5);
  EXPECT_EQ(json["damage"][0]["offset"], 1);
  EXPECT_TRUE(json["damaged"].get<bool>());
  EXPECT_NE(inspection_text(inspection).find("DAMAGED at offset 1"), std::string::npos);
}

TEST(InspectVerb, its_exit_status_says_whether_something_is_damaged) {
  testing::TempFolder folder;
  std::ofstream(folder / "metadata") << kMetadata;
  std::ofstream(folder / "bad") << kMetadata.substr(0, 40);
  EXPECT_EQ(run_command_line({"inspect", folder / "metadata"}), ExitCode::kOk);
  EXPECT_EQ(run_command_line({"inspect", folder / "bad", "--json"}), ExitCode::kFailed);
  EXPECT_EQ(run_command_line({"inspect", folder / "missing"}), ExitCode::kFailed);
  EXPECT_EQ(run_command_line({"inspect", "/dev/null"}), ExitCode::kUsage);
}

TEST(Printable, keeps_text_and_escapes_the_rest) {
  EXPECT_EQ(printable("a/\xc3\xa4"), "a/\xc3\xa4");
  EXPECT_EQ(printable(std::string_view("\0\x1b[\\", 4)), "\\x00\\x1b[\\x5c");
  EXPECT_EQ(printable("\xc0\x80\xed\xa0\x80"), "\\xc0\\x80\\xed\\xa0\\x80");
  EXPECT_EQ(printable("\xc2\x85"), "\\xc2\\x85");  // a control character
}

}  // namespace
}  // namespace strata::roof
