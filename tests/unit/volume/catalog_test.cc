#include "blockdev/volume/catalog.h"

#include <gtest/gtest.h>

#include "common/base/random.h"
#include "common/io/posix_file_system.h"
#include "tests/support/block_io.h"
#include "tests/support/temp_folder.h"

namespace strata::volume {
namespace {

class CatalogTest : public ::testing::Test {
 protected:
  std::unique_ptr<Catalog> open() {
    auto catalog = Catalog::open(files_, folder_ / "volumes", clock_, random_);
    EXPECT_TRUE(catalog.ok()) << (catalog.ok() ? "" : catalog.error().message);
    return std::move(catalog).value();
  }
  void overwrite(const std::string& path, std::string_view text) {
    ASSERT_TRUE(io::write_file_atomic(files_, path, as_bytes(text)).ok());
  }

  testing::TempFolder folder_;
  io::PosixFileSystem files_;
  io::SystemClock clock_;
  SystemRandom random_;
};

TEST_F(CatalogTest, a_volume_is_there_after_reopen_as_it_was_made) {
  VolumeInfo made;
  {
    auto catalog = open();
    auto info = catalog->create("db", 64 * kMiB);
    ASSERT_TRUE(info.ok());
    made = *info;
    EXPECT_EQ(made.size_bytes, 64 * kMiB);
    EXPECT_LT(made.allocated_bytes, kMiB);
  }
  auto catalog = open();
  auto info = catalog->show("db");
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->id, made.id);
  EXPECT_EQ(info->created_ms, made.created_ms);
  EXPECT_EQ(info->size_bytes, 64 * kMiB);
  EXPECT_EQ(catalog->list().size(), 1U);
}

TEST_F(CatalogTest, a_deleted_volume_is_gone_at_once_and_after_reopen) {
  {
    auto catalog = open();
    ASSERT_TRUE(catalog->create("db", kMiB).ok());
    ASSERT_TRUE(catalog->remove("db").ok());
    EXPECT_EQ(catalog->show("db").error().code, Code::kNotFound);
    EXPECT_EQ(catalog->remove("db").error().code, Code::kNotFound);
  }
  EXPECT_TRUE(open()->list().empty());
  EXPECT_TRUE(files_.list(folder_ / "volumes")->empty());
}

TEST_F(CatalogTest, a_name_is_taken_until_its_volume_is_removed) {
  auto catalog = open();
  ASSERT_TRUE(catalog->create("db", kMiB).ok());
  EXPECT_EQ(catalog->create("db", kMiB).error().code, Code::kAlreadyExists);
  ASSERT_TRUE(catalog->remove("db").ok());
  EXPECT_TRUE(catalog->create("db", 2 * kMiB).ok());
}

TEST_F(CatalogTest, bad_names_and_sizes_are_refused) {
  auto catalog = open();
  EXPECT_EQ(catalog->create("../x", kMiB).error().code, Code::kInvalidArgument);
  EXPECT_EQ(catalog->create("x", 1000).error().code, Code::kInvalidArgument);
  EXPECT_TRUE(catalog->list().empty());
}

TEST_F(CatalogTest, a_leased_volume_serves_io_and_is_not_removed) {
  auto catalog = open();
  ASSERT_TRUE(catalog->create("db", kMiB).ok());
  {
    auto first = catalog->lease("db");
    ASSERT_TRUE(first.ok()) << first.error().message;
    auto second = catalog->lease("db");
    ASSERT_TRUE(second.ok());
    EXPECT_EQ(&(*first)->device(), &(*second)->device());
    EXPECT_EQ(catalog->show("db")->clients, 2U);
    const auto refused = catalog->remove("db");
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, Code::kConflict);
    testing::BlockIo io((*first)->device());
    ByteVector data(5000, std::byte{3});
    EXPECT_EQ(io.write(777, data), 0);
    EXPECT_EQ(io.flush(), 0);
  }
  EXPECT_EQ(catalog->show("db")->clients, 0U);
  auto again = catalog->lease("db");
  ASSERT_TRUE(again.ok());
  {
    testing::BlockIo io((*again)->device());
    ByteVector got(5000);
    EXPECT_EQ(io.read(777, got), 0);
    EXPECT_EQ(got, ByteVector(5000, std::byte{3}));
  }
  again->reset();
  EXPECT_TRUE(catalog->remove("db").ok());
}

TEST_F(CatalogTest, the_empty_name_is_the_only_volume_if_there_is_just_one) {
  auto catalog = open();
  EXPECT_FALSE(catalog->lease("").ok());
  ASSERT_TRUE(catalog->create("a", kMiB).ok());
  EXPECT_TRUE(catalog->lease("").ok());
  ASSERT_TRUE(catalog->create("b", kMiB).ok());
  EXPECT_EQ(catalog->lease("").error().code, Code::kNotFound);
  EXPECT_EQ(catalog->exports().size(), 2U);
}

TEST_F(CatalogTest, damaged_metadata_stops_the_start_and_names_the_file) {
  ASSERT_TRUE(open()->create("db", kMiB).ok());
  const std::string path = folder_ / "volumes/db/metadata";
  overwrite(path, "strata-volume 1\nname db\n");
  auto catalog = Catalog::open(files_, folder_ / "volumes", clock_, random_);
  ASSERT_FALSE(catalog.ok());
  EXPECT_EQ(catalog.error().code, Code::kCorrupt);
  EXPECT_NE(catalog.error().message.find(path), std::string::npos);
}

TEST_F(CatalogTest, a_folder_renamed_by_hand_is_noticed) {
  ASSERT_TRUE(open()->create("db", kMiB).ok());
  ASSERT_TRUE(files_.rename(folder_ / "volumes/db", folder_ / "volumes/other").ok());
  auto catalog = Catalog::open(files_, folder_ / "volumes", clock_, random_);
  ASSERT_FALSE(catalog.ok());
  EXPECT_EQ(catalog.error().code, Code::kCorrupt);
}

TEST_F(CatalogTest, an_image_of_another_size_is_noticed) {
  ASSERT_TRUE(open()->create("db", kMiB).ok());
  {
    auto image = files_.open(folder_ / "volumes/db/image", {.write = true});
    ASSERT_TRUE((*image)->truncate(kMiB / 2).ok());
  }
  auto catalog = Catalog::open(files_, folder_ / "volumes", clock_, random_);
  ASSERT_FALSE(catalog.ok());
  EXPECT_EQ(catalog.error().code, Code::kCorrupt);
}

TEST_F(CatalogTest, what_is_not_a_volume_is_left_alone) {
  ASSERT_TRUE(open()->create("db", kMiB).ok());
  overwrite(folder_ / "volumes/notes.txt", "hello");
  ASSERT_TRUE(files_.create_directory(folder_ / "volumes/lost+found").ok());
  EXPECT_EQ(open()->list().size(), 1U);
  EXPECT_TRUE(files_.info(folder_ / "volumes/notes.txt").ok());
}

// Hooks that put nothing over an image and count what they were asked.
class CountingHooks final : public VolumeHooks {
 public:
  Result<std::unique_ptr<device::BlockDevice>> wrap(
      const OpenVolume& volume, std::unique_ptr<device::BlockDevice> image) override {
    opened.push_back(volume);
    return image;
  }
  void let_go(const std::string& volume_id) override {
    asked.push_back(volume_id);
    background.reset();
  }
  std::vector<OpenVolume> opened;
  std::vector<std::string> asked;
  std::unique_ptr<device::ExportLease> background;
};

TEST_F(CatalogTest, a_volume_is_opened_through_the_hooks_once_for_all_who_use_it) {
  CountingHooks hooks;
  auto catalog = open();
  catalog->set_hooks(&hooks);
  const auto made = catalog->create("db", kMiB);
  ASSERT_TRUE(made.ok());
  auto held = catalog->hold("db").value();
  auto leased = catalog->lease("db").value();
  EXPECT_NE(&held->device(), &leased->device()) << "a hold has none of the limits";
  EXPECT_EQ(catalog->show("db")->clients, 1U);
  ASSERT_EQ(hooks.opened.size(), 1U);
  EXPECT_EQ(hooks.opened[0].id, made->id);
  EXPECT_EQ(hooks.opened[0].folder, folder_ / "volumes/db");
}

TEST_F(CatalogTest, a_held_volume_is_removed_only_if_the_hold_is_let_go) {
  CountingHooks hooks;
  auto catalog = open();
  catalog->set_hooks(&hooks);
  ASSERT_TRUE(catalog->create("db", kMiB).ok());
  auto stubborn = catalog->hold("db").value();
  EXPECT_EQ(catalog->remove("db").error().code, Code::kConflict);
  hooks.background = std::move(stubborn);
  EXPECT_TRUE(catalog->remove("db").ok());
  EXPECT_EQ(hooks.asked.size(), 2U);
}

TEST_F(CatalogTest, a_new_volume_has_its_seeds_and_the_id_that_was_chosen) {
  const std::string id = "00112233445566778899aabbccddeeff";
  auto catalog = open();
  CreateOptions options{.id = id, .seeds = {{"origin", ByteVector(5, std::byte{7})}}};
  const auto made = catalog->create("db", kMiB, options);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->id, id);
  EXPECT_EQ(io::read_file(files_, folder_ / "volumes/db/origin", 100)->size(), 5U);
  EXPECT_TRUE(catalog->remove("db").ok());
}

}  // namespace
}  // namespace strata::volume
