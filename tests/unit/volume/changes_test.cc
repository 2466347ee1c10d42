#include <gtest/gtest.h>

#include "blockdev/volume/catalog.h"
#include "blockdev/volume/export_name.h"
#include "common/base/random.h"
#include "common/io/posix_file_system.h"
#include "tests/support/block_io.h"
#include "tests/support/manual_timekeeper.h"
#include "tests/support/temp_folder.h"

namespace strata::volume {
namespace {

constexpr std::string_view kToken = "00112233445566778899aabbccddeeff";
constexpr std::string_view kOtherToken = "ff112233445566778899aabbccddeeff";

class VolumeChanges : public ::testing::Test {
 protected:
  std::unique_ptr<Catalog> open() {
    auto catalog =
        Catalog::open(files_, folder_ / "volumes", clock_, random_, {.timekeeper = &time_});
    CHECK(catalog.ok(), catalog.ok() ? "" : catalog.error().message);
    return std::move(catalog).value();
  }

  testing::TempFolder folder_;
  io::PosixFileSystem files_;
  io::SystemClock clock_;
  SystemRandom random_;
  testing::ManualTimekeeper time_;
  SystemDevices devices_{files_};
};

TEST_F(VolumeChanges, a_volume_grows_while_a_client_uses_it) {
  auto catalog = open();
  ASSERT_TRUE(catalog->create("db", kMiB).ok());
  auto lease = catalog->lease("db");
  testing::BlockIo io((*lease)->device());
  ASSERT_EQ(io.write(kMiB - 4096, ByteVector(4096, std::byte{1})), 0);
  const auto grown = catalog->resize("db", 4 * kMiB);
  ASSERT_TRUE(grown.ok()) << grown.error().message;
  EXPECT_EQ((*lease)->device().geometry().size_bytes, 4 * kMiB);
  EXPECT_EQ(io.write(3 * kMiB, ByteVector(4096, std::byte{2})), 0);
  ByteVector back(8192);
  EXPECT_EQ(io.read(kMiB - 4096, back), 0);
  EXPECT_EQ(back[0], std::byte{1});
  EXPECT_EQ(back[4096], std::byte{0});
  EXPECT_EQ(catalog->resize("db", kMiB).error().code, Code::kInvalidArgument);
  EXPECT_EQ(catalog->resize("db", 4 * kMiB + 1).error().code, Code::kInvalidArgument);
  EXPECT_EQ(catalog->resize("none", kMiB).error().code, Code::kNotFound);
}

TEST_F(VolumeChanges, size_limits_and_name_are_there_after_reopen) {
  {
    auto catalog = open();
    ASSERT_TRUE(catalog->create("db", kMiB, {.provision = {.profile = "gp2"}}).ok());
    ASSERT_TRUE(catalog->resize("db", 2 * kMiB).ok());
    ASSERT_TRUE(catalog->set("db", {.profile = "local", .iops = 500, .latency = "2ms"}).ok());
    ASSERT_TRUE(catalog->set("db", {.layers = {{"meter", "fault:on=read"}}}).ok());
    ASSERT_TRUE(catalog->rename("db", "base").ok());
    EXPECT_EQ(catalog->show("db").error().code, Code::kNotFound);
  }
  const auto info = open()->show("base");
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->size_bytes, 2 * kMiB);
  EXPECT_EQ(info->provision.profile, "local");
  EXPECT_EQ(info->provision.iops, 500U);
  EXPECT_EQ(info->provision.latency, (layers::LatencySettings{2000, 0}));
  EXPECT_EQ(info->provision.layers.size(), 2U);
}

TEST_F(VolumeChanges, limits_hold_at_once_for_a_connected_client_and_not_for_the_server) {
  auto catalog = open();
  ASSERT_TRUE(catalog->create("db", kMiB).ok());
  auto lease = catalog->lease("db");
  auto held = catalog->hold("db");
  testing::BlockIo io((*lease)->device());
  testing::BlockIo own((*held)->device());
  ByteVector block(4096);
  ASSERT_EQ(io.read(0, block), 0);
  ASSERT_TRUE(catalog->set("db", {.layers = {{"read-only"}}}).ok());
  EXPECT_EQ(io.write(0, block), -EPERM);
  EXPECT_EQ(own.write(0, block), 0);
  ASSERT_TRUE(catalog->set("db", {.latency = "5s", .layers = {{}}}).ok());
  testing::BlockIo::Pending slow;
  slow.buffer = block;
  io.start(slow);
  ASSERT_EQ(own.read(0, block), 0);
  EXPECT_FALSE(slow.done);
  catalog->release_layers();
  for (int i = 0; i < 100 && !slow.done; ++i) {
    (void)io.range(device::Op::kFlush, 0, 0);  // the disk's completion has been heard by then
    time_.advance(std::chrono::milliseconds(50));
  }
  EXPECT_TRUE(slow.done);
}

TEST_F(VolumeChanges, profiles_have_their_bounds) {
  auto catalog = open();
  const auto refused = [&](const ProvisionChange& change) {
    const auto set = catalog->set("db", change);
    return set.ok() ? std::string() : set.error().message;
  };
  ASSERT_TRUE(catalog->create("db", kMiB).ok());
  EXPECT_NE(refused({.profile = "gp9"}).find("gp2, gp3, io2, st1, local"), std::string::npos);
  EXPECT_NE(refused({.profile = "gp3", .iops = 100}).find("3000"), std::string::npos);
  EXPECT_NE(refused({.profile = "gp2", .iops = 100}).find("size"), std::string::npos);
  EXPECT_NE(refused({.profile = "io2"}).find("--iops"), std::string::npos);
  EXPECT_NE(refused({.bytes_per_second = 1}), "");
  EXPECT_NE(refused({.latency = "soon"}), "");
  EXPECT_NE(refused({.layers = {std::vector<std::string>(9, "meter")}}), "");
  EXPECT_EQ(catalog->show("db")->provision, Provision{});
  EXPECT_EQ(refused({.profile = "io2", .iops = 1000}), "");
  EXPECT_EQ(refused({.profile = "st1"}), "");
  EXPECT_EQ(catalog->show("db")->provision.iops, 0U) << "a new profile forgets the numbers";
}

TEST(VolumeProfiles, follow_the_volume_types_of_ebs) {
  const auto of = [](const char* profile, uint64_t size, uint64_t iops = 0) {
    return stack_settings({.profile = profile, .iops = iops}, size).rate;
  };
  EXPECT_EQ(of("gp2", kGiB).iops_credit, (layers::Rate{100, 5'400'000}));
  EXPECT_EQ(of("gp2", kGiB).iops.per_second, 3000U);
  EXPECT_EQ(of("gp2", 500 * kGiB).iops_credit.per_second, 1500U);
  EXPECT_EQ(of("gp2", 1000 * kGiB).iops_credit, layers::Rate{});
  EXPECT_EQ(of("gp2", 4000 * kGiB).iops.per_second, 12'000U);
  EXPECT_EQ(of("gp2", 16 * kTiB).iops.per_second, 16'000U);
  EXPECT_EQ(of("gp3", kGiB).iops.per_second, 3000U);
  EXPECT_EQ(of("gp3", kGiB).bytes.per_second, 125 * kMiB);
  EXPECT_EQ(of("io2", kGiB, 1000).bytes.per_second, 250 * kMiB);
  EXPECT_EQ(of("st1", kTiB).bytes_credit, (layers::Rate{40 * kMiB, kTiB}));
  EXPECT_EQ(of("st1", kTiB).bytes.per_second, 250 * kMiB);
  EXPECT_EQ(of("st1", 16 * kTiB).bytes_credit, layers::Rate{});
  EXPECT_EQ(of("local", kGiB), layers::RateSettings{});
}

TEST_F(VolumeChanges, one_host_writes_and_others_read) {
  auto catalog = open();
  ASSERT_TRUE(catalog->create("db", kMiB).ok());
  const auto read_only = [](const Result<std::unique_ptr<device::ExportLease>>& lease) {
    return (*lease)->device().capabilities().read_only;
  };
  auto first = catalog->lease_for("db", "10.0.0.1");
  auto same_host = catalog->lease_for("db", "10.0.0.1");
  auto other_host = catalog->lease_for("db", "10.0.0.2");
  EXPECT_FALSE(read_only(first));
  EXPECT_FALSE(read_only(same_host));
  EXPECT_TRUE(read_only(other_host));
  EXPECT_EQ(catalog->show("db")->writer, "10.0.0.1");
  testing::BlockIo writer((*first)->device());
  testing::BlockIo reader((*other_host)->device());
  ByteVector block(4096, std::byte{5});
  EXPECT_EQ(writer.write(0, block), 0);
  EXPECT_EQ(reader.write(0, block), -EPERM);
  ByteVector back(4096);
  EXPECT_EQ(reader.read(0, back), 0);
  EXPECT_EQ(back, block);
}

TEST_F(VolumeChanges, a_second_attachment_is_refused_and_says_who_writes) {
  auto catalog = open();
  ASSERT_TRUE(catalog->create("db", kMiB).ok());
  auto attached = catalog->lease(attachment_export("db", kToken, false));
  ASSERT_TRUE(attached.ok()) << attached.error().message;
  const auto second = catalog->lease(attachment_export("db", kOtherToken, false));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::kConflict);
  EXPECT_NE(second.error().message.find("attachment 00112233"), std::string::npos);
  EXPECT_TRUE(catalog->lease(attachment_export("db", kOtherToken, true)).ok());
  EXPECT_TRUE(catalog->lease(attachment_export("db", kToken, false)).ok()) << "its own again";
  const auto bare = catalog->lease("db");
  EXPECT_TRUE((*bare)->device().capabilities().read_only);
  EXPECT_EQ(catalog->show("db")->attachments, std::vector<std::string>{"00112233"});
  attached->reset();
  EXPECT_TRUE(catalog->show("db")->attachments.empty());
  EXPECT_TRUE(catalog->lease(attachment_export("db", kOtherToken, false)).ok());
}

TEST_F(VolumeChanges, a_volume_in_use_is_neither_renamed_nor_removed_nor_repaired) {
  auto catalog = open();
  ASSERT_TRUE(catalog->create("db", kMiB).ok());
  ASSERT_TRUE(catalog->create("other", kMiB).ok());
  {
    const auto lease = catalog->lease("db:ro");
    EXPECT_EQ(catalog->rename("db", "new").error().code, Code::kConflict);
    EXPECT_EQ(catalog->remove("db").error().code, Code::kConflict);
    EXPECT_EQ(catalog->fsck("db", {.repair = true}).error().code, Code::kConflict);
    EXPECT_TRUE(catalog->fsck("db", {.read_image = true})->clean());
  }
  EXPECT_EQ(catalog->rename("db", "other").error().code, Code::kAlreadyExists);
  EXPECT_EQ(catalog->rename("db", "../x").error().code, Code::kInvalidArgument);
  EXPECT_TRUE(catalog->rename("db", "new").ok());
  EXPECT_TRUE(catalog->lease("new").ok());
}

TEST(ExportName, asks_for_a_volume_a_view_or_an_attachment) {
  const std::string attach = "db:attach-" + std::string(kToken);
  EXPECT_EQ(parse_export_name("db")->volume, "db");
  EXPECT_EQ(parse_export_name("")->volume, "");
  EXPECT_TRUE(parse_export_name("db:ro")->read_only);
  EXPECT_EQ(parse_export_name(attach)->token, kToken);
  EXPECT_FALSE(parse_export_name(attach)->read_only);
  EXPECT_TRUE(parse_export_name(attach + ":ro")->read_only);
  for (const std::string& bad :
       {std::string("db:"), std::string("db:rw"), std::string("db:ro:ro"),
        std::string("db:attach-"), std::string("db:attach-xyz"), attach + ":", attach + ":rw",
        "db:ro:attach-" + std::string(kToken)}) {
    EXPECT_FALSE(parse_export_name(bad).has_value()) << bad;
  }
}

class Fsck : public VolumeChanges {
 protected:
  void SetUp() override { ASSERT_TRUE(open()->create("db", kMiB).ok()); }
  FsckReport check(bool repair = false) {
    auto report = fsck_volume(files_, devices_, folder_ / "volumes", "db",
                              {.repair = repair, .read_image = true});
    CHECK(report.ok(), report.ok() ? "" : report.error().message);
    return std::move(report).value();
  }
  void set_image_size(uint64_t size) {
    auto image = files_.open(folder_ / "volumes/db/image", {.write = true});
    ASSERT_TRUE((*image)->truncate(size).ok());
  }
};

TEST_F(Fsck, a_good_volume_has_no_findings) {
  EXPECT_TRUE(check().findings.empty());
  EXPECT_EQ(check().bytes_read, kMiB);
}

TEST_F(Fsck, leftovers_and_zeroes_behind_the_end_are_repaired) {
  ASSERT_TRUE(
      files_.open(folder_ / "volumes/db/metadata.tmp", {.write = true, .create = true}).ok());
  set_image_size(kMiB + 4096);
  EXPECT_EQ(check().findings.size(), 2U);
  EXPECT_FALSE(check().clean());
  EXPECT_TRUE(check(true).clean());
  EXPECT_TRUE(check().findings.empty());
  EXPECT_TRUE(open()->show("db").ok());
}

TEST_F(Fsck, data_behind_the_end_and_a_short_image_are_told_and_left_alone) {
  {
    auto image = files_.open(folder_ / "volumes/db/image", {.write = true});
    ASSERT_TRUE((*image)->write_at(kMiB + 8192, as_bytes("x")).ok());
  }
  EXPECT_FALSE(check(true).clean());
  EXPECT_EQ(files_.info(folder_ / "volumes/db/image")->size_bytes, kMiB + 8193);
  set_image_size(kMiB / 2);
  EXPECT_FALSE(check(true).clean());
  EXPECT_EQ(files_.info(folder_ / "volumes/db/image")->size_bytes, kMiB / 2);
}

TEST_F(Fsck, damaged_metadata_is_told_and_left_alone) {
  ASSERT_TRUE(
      io::write_file_atomic(files_, folder_ / "volumes/db/metadata", as_bytes("strata-volume 2\n"))
          .ok());
  EXPECT_FALSE(check(true).clean());
  EXPECT_EQ(fsck_volume(files_, devices_, folder_ / "volumes", "none", {}).error().code,
            Code::kNotFound);
}

}  // namespace
}  // namespace strata::volume
