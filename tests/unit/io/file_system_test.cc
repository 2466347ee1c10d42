// What every FileSystem does alike: the same tests run against the real one and the simulated one.
#include "common/io/file_system.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "common/io/memory_file_system.h"
#include "common/io/posix_file_system.h"

namespace strata::io {
namespace {

struct Kind {
  const char* name;
  bool real;
};

class AnyFileSystem : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (GetParam().real) {
      std::string pattern = (std::filesystem::temp_directory_path() / "strata_io_XXXXXX").string();
      ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
      root_ = pattern;
      files_ = std::make_unique<PosixFileSystem>();
    } else {
      root_ = "/disk";
      files_ = std::make_unique<MemoryFileSystem>();
      ASSERT_TRUE(files_->create_directory(root_).ok());
    }
  }
  void TearDown() override {
    if (GetParam().real) std::filesystem::remove_all(root_);
  }

  std::string at(std::string_view name) const { return join_path(root_, name); }
  std::unique_ptr<File> create(std::string_view name, std::string_view content) {
    auto file = files_->open(at(name), {.write = true, .create = true}).value();
    CHECK(file->write_at(0, as_bytes(content)).ok());
    return file;
  }
  std::string content(std::string_view name) {
    Result<ByteVector> bytes = read_file(*files_, at(name), kMiB);
    return bytes.ok() ? to_string(*bytes) : bytes.error().to_string();
  }
  Code open_error(std::string_view name, OpenOptions options) {
    auto file = files_->open(at(name), options);
    return file.ok() ? Code::kInternal : file.error().code;
  }

  std::string root_;
  std::unique_ptr<FileSystem> files_;
};

INSTANTIATE_TEST_SUITE_P(All, AnyFileSystem,
                         testing::Values(Kind{"posix", true}, Kind{"memory", false}),
                         [](const auto& kind) { return std::string(kind.param.name); });

TEST_P(AnyFileSystem, what_is_written_is_read) {
  auto file = create("a", "hello world");
  ASSERT_TRUE(file->write_at(6, as_bytes("there")).ok());
  std::byte buffer[64];
  EXPECT_EQ(file->read_at(0, buffer).value(), 11u);
  EXPECT_EQ(as_text(Bytes(buffer, 11)), "hello there");
  EXPECT_EQ(file->read_at(6, MutableBytes(buffer, 2)).value(), 2u);
  EXPECT_EQ(file->read_at(11, buffer).value(), 0u);
  EXPECT_EQ(file->read_at(1000, buffer).value(), 0u);
  EXPECT_TRUE(file->sync().ok());
  EXPECT_TRUE(file->sync_data().ok());
  EXPECT_EQ(file->size().value(), 11u);
}

TEST_P(AnyFileSystem, a_write_past_the_end_leaves_zeroes_before_it) {
  auto file = create("a", "x");
  ASSERT_TRUE(file->write_at(10'000, as_bytes("end")).ok());
  ByteVector all = read_file(*files_, at("a"), kMiB).value();
  ASSERT_EQ(all.size(), 10'003u);
  EXPECT_EQ(all[0], std::byte{'x'});
  for (size_t i = 1; i < 10'000; ++i) ASSERT_EQ(all[i], std::byte{0}) << i;
  EXPECT_EQ(as_text(Bytes(all).subspan(10'000)), "end");
}

TEST_P(AnyFileSystem, what_is_cut_off_reads_as_zeroes_when_the_file_grows_again) {
  auto file = create("a", "abcdefgh");
  ASSERT_TRUE(file->truncate(3).ok());
  EXPECT_EQ(file->size().value(), 3u);
  ASSERT_TRUE(file->truncate(6).ok());
  EXPECT_EQ(content("a"), std::string("abc\0\0\0", 6));
}

TEST_P(AnyFileSystem, allocated_space_is_counted_and_a_hole_is_not) {
  auto file = create("a", "");
  ASSERT_TRUE(file->truncate(8 * kMiB).ok());
  EXPECT_LT(files_->info(at("a"))->allocated_bytes, kMiB);
  ASSERT_TRUE(file->allocate(0, 2 * kMiB).ok());
  EXPECT_GE(files_->info(at("a"))->allocated_bytes, 2 * kMiB);
  EXPECT_EQ(file->size().value(), 8 * kMiB);
  ASSERT_TRUE(file->allocate(8 * kMiB, kMiB).ok());
  EXPECT_EQ(file->size().value(), 9 * kMiB);
}

TEST_P(AnyFileSystem, a_file_opened_for_reading_is_not_written) {
  create("a", "old");
  auto file = files_->open(at("a"), {}).value();
  EXPECT_FALSE(file->write_at(0, as_bytes("new")).ok());
  EXPECT_FALSE(file->truncate(0).ok());
  EXPECT_EQ(content("a"), "old");
}

TEST_P(AnyFileSystem, open_says_why_it_fails) {
  EXPECT_EQ(open_error("missing", {}), Code::kNotFound);
  EXPECT_EQ(open_error("missing", {.write = true}), Code::kNotFound);
  EXPECT_EQ(open_error("no/folder", {.write = true, .create = true}), Code::kNotFound);
  create("a", "");
  EXPECT_EQ(open_error("a", {.write = true, .create = true, .exclusive = true}),
            Code::kAlreadyExists);
  EXPECT_EQ(open_error("a/b", {}), Code::kInvalidArgument);
  EXPECT_EQ(open_error("a/b", {.write = true, .create = true}), Code::kInvalidArgument);
  EXPECT_EQ(open_error("", {}), Code::kInvalidArgument);  // the folder itself
  EXPECT_EQ(open_error(std::string(300, 'n'), {}), Code::kInvalidArgument);
}

TEST_P(AnyFileSystem, truncate_on_open_empties_the_file) {
  create("a", "old");
  auto file = files_->open(at("a"), {.write = true, .truncate = true}).value();
  EXPECT_EQ(file->size().value(), 0u);
}

TEST_P(AnyFileSystem, a_direct_file_reads_and_writes_blocks) {
  auto file = files_->open(at("a"), {.write = true, .create = true, .direct = true}).value();
  alignas(4096) static std::byte out[8192];
  alignas(4096) static std::byte in[8192];
  std::memset(out, 'd', sizeof out);
  ASSERT_TRUE(file->write_at(0, out).ok());
  ASSERT_TRUE(file->truncate(5000).ok());
  EXPECT_EQ(file->read_at(0, in).value(), 5000u);
  EXPECT_EQ(std::memcmp(in, out, 5000), 0);
}

TEST_P(AnyFileSystem, ranges_past_the_largest_file_are_refused) {
  auto file = create("a", "");
  std::byte one[1] = {};
  EXPECT_EQ(file->write_at(UINT64_MAX, one).error().code, Code::kOutOfRange);
  EXPECT_EQ(file->write_at(INT64_MAX, one).error().code, Code::kOutOfRange);
  EXPECT_EQ(file->read_at(UINT64_MAX, one).error().code, Code::kOutOfRange);
  EXPECT_EQ(file->truncate(UINT64_MAX).error().code, Code::kOutOfRange);
  EXPECT_EQ(file->allocate(UINT64_MAX, 2).error().code, Code::kOutOfRange);
}

TEST_P(AnyFileSystem, rename_replaces_and_keeps_open_files) {
  create("a", "new");
  auto old = create("b", "old");
  ASSERT_TRUE(files_->rename(at("a"), at("b")).ok());
  EXPECT_EQ(content("b"), "new");
  EXPECT_EQ(files_->info(at("a")).error().code, Code::kNotFound);
  std::byte buffer[3];
  EXPECT_EQ(old->read_at(0, buffer).value(), 3u);
  EXPECT_EQ(as_text(buffer), "old");
}

TEST_P(AnyFileSystem, rename_moves_folders_with_what_is_in_them) {
  ASSERT_TRUE(files_->create_directory(at("d")).ok());
  ASSERT_TRUE(files_->create_directory(at("e")).ok());
  create("d/f", "inside");
  ASSERT_TRUE(files_->rename(at("d"), at("e/d")).ok());
  EXPECT_EQ(content("e/d/f"), "inside");
  EXPECT_EQ(files_->rename(at("e"), at("e/d/e")).error().code, Code::kInvalidArgument);
  ASSERT_TRUE(files_->create_directory(at("g")).ok());
  EXPECT_EQ(files_->rename(at("g"), at("e")).error().code, Code::kConflict);
  EXPECT_EQ(files_->rename(at("e/d/f"), at("g")).error().code, Code::kInvalidArgument);
  EXPECT_EQ(files_->rename(at("none"), at("h")).error().code, Code::kNotFound);
}

TEST_P(AnyFileSystem, a_link_is_a_second_name) {
  auto file = create("a", "one");
  ASSERT_TRUE(files_->link(at("a"), at("b")).ok());
  EXPECT_EQ(files_->info(at("a"))->inode, files_->info(at("b"))->inode);
  EXPECT_EQ(files_->link(at("a"), at("b")).error().code, Code::kAlreadyExists);
  EXPECT_EQ(files_->link(at("none"), at("c")).error().code, Code::kNotFound);
  ASSERT_TRUE(files_->remove_file(at("a")).ok());
  EXPECT_EQ(content("b"), "one");
}

TEST_P(AnyFileSystem, folders_are_listed_in_order_and_removed_when_empty) {
  ASSERT_TRUE(files_->create_directory(at("d")).ok());
  EXPECT_EQ(files_->create_directory(at("d")).error().code, Code::kAlreadyExists);
  create("d/c", "");
  create("d/a", "");
  ASSERT_TRUE(files_->create_directory(at("d/b")).ok());
  EXPECT_EQ(files_->list(at("d")).value(), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(files_->remove_directory(at("d")).error().code, Code::kConflict);
  EXPECT_EQ(files_->remove_file(at("d/b")).error().code, Code::kInvalidArgument);
  EXPECT_EQ(files_->remove_directory(at("d/a")).error().code, Code::kInvalidArgument);
  EXPECT_EQ(files_->list(at("d/a")).error().code, Code::kInvalidArgument);
  ASSERT_TRUE(files_->remove_file(at("d/a")).ok());
  ASSERT_TRUE(files_->remove_file(at("d/c")).ok());
  ASSERT_TRUE(files_->remove_directory(at("d/b")).ok());
  ASSERT_TRUE(files_->remove_directory(at("d")).ok());
  EXPECT_EQ(files_->list(at("d")).error().code, Code::kNotFound);
  EXPECT_EQ(files_->remove_file(at("d")).error().code, Code::kNotFound);
  EXPECT_EQ(files_->remove_directory(at("d")).error().code, Code::kNotFound);
}

TEST_P(AnyFileSystem, info_tells_files_from_folders) {
  create("a", "12345");
  const FileInfo file = files_->info(at("a")).value();
  EXPECT_EQ(file.size_bytes, 5u);
  EXPECT_FALSE(file.is_directory);
  EXPECT_TRUE(files_->info(root_)->is_directory);
}

TEST_P(AnyFileSystem, a_lock_is_held_by_one) {
  auto held = files_->lock(at("lock"));
  ASSERT_TRUE(held.ok());
  EXPECT_EQ(files_->lock(at("lock")).error().code, Code::kConflict);
  *held = nullptr;
  EXPECT_TRUE(files_->lock(at("lock")).ok());
}

TEST_P(AnyFileSystem, folders_are_flushed_and_files_are_not_folders) {
  create("a", "");
  EXPECT_TRUE(files_->sync_directory(root_).ok());
  EXPECT_EQ(files_->sync_directory(at("a")).error().code, Code::kInvalidArgument);
  EXPECT_EQ(files_->sync_directory(at("none")).error().code, Code::kNotFound);
}

TEST_P(AnyFileSystem, space_is_known) {
  const Space space = files_->space(root_).value();
  EXPECT_GT(space.capacity_bytes, 0u);
  EXPECT_LE(space.available_bytes, space.capacity_bytes);
}

TEST_P(AnyFileSystem, create_directories_makes_what_is_missing) {
  EXPECT_TRUE(create_directories(*files_, at("x/y/z/")).ok());
  EXPECT_TRUE(create_directories(*files_, at("x//y/z")).ok());
  EXPECT_TRUE(files_->info(at("x/y/z"))->is_directory);
  create("file", "");
  EXPECT_EQ(create_directories(*files_, at("file")).error().code, Code::kAlreadyExists);
  EXPECT_FALSE(create_directories(*files_, at("file/below")).ok());
  EXPECT_EQ(create_directories(*files_, "").error().code, Code::kInvalidArgument);
}

TEST_P(AnyFileSystem, read_file_refuses_what_is_too_large) {
  create("a", "12345");
  EXPECT_EQ(read_file(*files_, at("a"), 5)->size(), 5u);
  EXPECT_EQ(read_file(*files_, at("a"), 4).error().code, Code::kTooLarge);
  EXPECT_EQ(read_file(*files_, at("b"), 4).error().code, Code::kNotFound);
}

TEST_P(AnyFileSystem, write_file_atomic_replaces_and_leaves_nothing_behind) {
  create("a.tmp", "left behind by a crash, and longer than what follows");
  ASSERT_TRUE(write_file_atomic(*files_, at("a"), as_bytes("one")).ok());
  EXPECT_EQ(content("a"), "one");
  ASSERT_TRUE(write_file_atomic(*files_, at("a"), as_bytes("")).ok());
  EXPECT_EQ(content("a"), "");
  EXPECT_EQ(files_->list(root_).value(), (std::vector<std::string>{"a"}));
  ASSERT_TRUE(files_->create_directory(at("d")).ok());
  EXPECT_FALSE(write_file_atomic(*files_, at("d"), as_bytes("x")).ok());
  EXPECT_EQ(files_->list(root_).value(), (std::vector<std::string>{"a", "d"}));
}

TEST(Paths, are_joined_and_taken_apart) {
  EXPECT_EQ(join_path("a", "b"), "a/b");
  EXPECT_EQ(join_path("a/", "b"), "a/b");
  EXPECT_EQ(join_path("/", "b"), "/b");
  EXPECT_EQ(join_path("", "b"), "b");
  EXPECT_EQ(parent_path("a/b"), "a");
  EXPECT_EQ(parent_path("a/b/"), "a");
  EXPECT_EQ(parent_path("a//b"), "a");
  EXPECT_EQ(parent_path("/a"), "/");
  EXPECT_EQ(parent_path("//a"), "/");
  EXPECT_EQ(parent_path("/"), "/");
  EXPECT_EQ(parent_path("a"), ".");
  EXPECT_EQ(parent_path(""), ".");
}

}  // namespace
}  // namespace strata::io
