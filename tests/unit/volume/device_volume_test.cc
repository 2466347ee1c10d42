// Volumes on block devices of the host.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "blockdev/volume/catalog.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/io/memory_file_system.h"
#include "common/io/posix_file_system.h"
#include "tests/support/block_io.h"
#include "tests/support/fake_devices.h"
#include "tests/support/loop_device.h"
#include "tests/support/temp_folder.h"

namespace strata::volume {
namespace {

constexpr const char* kPath = "/dev/disk/by-id/one";

ByteVector filled(size_t bytes, int value) {
  return ByteVector(bytes, static_cast<std::byte>(value));
}

class DeviceVolumes : public ::testing::Test {
 protected:
  void SetUp() override { plug(kPath, "disk-one", "wwid:one", 8 * kMiB + 512); }

  // A disk of zeroes; one of this name that is there stays.
  void plug(const std::string& path, const std::string& file, const std::string& identity,
            uint64_t size) {
    auto disk = files_.open(folder_ / file, {.write = true, .create = true});
    ASSERT_TRUE(disk.ok());
    ASSERT_TRUE((*disk)->truncate(size).ok());
    devices_.disks[path] = {folder_ / file, identity};
  }
  std::unique_ptr<Catalog> open() {
    auto catalog =
        Catalog::open(files_, folder_ / "volumes", clock_, random_, {.devices = &devices_});
    CHECK(catalog.ok(), catalog.ok() ? "" : catalog.error().message);
    return std::move(catalog).value();
  }
  static Result<VolumeInfo> create(Catalog& catalog, const char* name, const std::string& path,
                                   bool adopt = false) {
    CreateOptions options;
    options.device = DeviceWish{path, adopt};
    return catalog.create(name, 0, options);
  }
  ByteVector bytes_of(const std::string& file) {
    return io::read_file(files_, folder_ / file, kGiB).value();
  }
  void put(const std::string& file, uint64_t offset, Bytes data) {
    ASSERT_TRUE((*files_.open(folder_ / file, {.write = true}))->write_at(offset, data).ok());
  }

  testing::TempFolder folder_;
  io::PosixFileSystem files_;
  io::SystemClock clock_;
  SystemRandom random_;
  testing::FakeDevices devices_{files_};
};

TEST_F(DeviceVolumes, its_bytes_are_those_of_the_device_and_it_is_there_after_reopen) {
  {
    auto catalog = open();
    const auto made = create(*catalog, "db", kPath);
    ASSERT_TRUE(made.ok()) << made.error().message;
    EXPECT_EQ(made->size_bytes, 8 * kMiB);  // whole blocks of 4096
    EXPECT_EQ(made->image_path, kPath);
    EXPECT_EQ(made->device, (DeviceReference{kPath, "wwid:one"}));
    EXPECT_FALSE(files_.info(made->folder + "/image").ok());
  }
  auto catalog = open();
  EXPECT_EQ(catalog->show("db")->device, (DeviceReference{kPath, "wwid:one"}));
  auto lease = catalog->lease("db");
  ASSERT_TRUE(lease.ok()) << lease.error().message;
  testing::BlockIo io((*lease)->device());
  EXPECT_EQ(io.write(kMiB + 3, filled(5000, 7)), 0);
  EXPECT_EQ(io.write(8 * kMiB - 4096, filled(4096, 9)), 0);
  EXPECT_EQ(io.flush(), 0);
  const ByteVector disk = bytes_of("disk-one");
  EXPECT_EQ(disk.size(), 8 * kMiB + 512);
  EXPECT_EQ(disk[kMiB + 2], std::byte{0});
  EXPECT_EQ(disk[kMiB + 3], std::byte{7});
  EXPECT_EQ(disk[8 * kMiB - 1], std::byte{9});
  EXPECT_TRUE(catalog->fsck("db", {.read_image = true})->clean());
}

TEST_F(DeviceVolumes, data_on_a_device_keeps_it_from_becoming_a_volume_unless_it_is_adopted) {
  for (const uint64_t at : {uint64_t{0}, uint64_t{1080}, 4 * kMiB + 1, 8 * kMiB - 1}) {
    put("disk-one", at, filled(1, 5));
    auto catalog = open();
    const ByteVector before = bytes_of("disk-one");
    const auto refused = create(*catalog, "db", kPath);
    ASSERT_FALSE(refused.ok()) << at;
    EXPECT_EQ(refused.error().code, Code::kConflict);
    EXPECT_NE(refused.error().message.find("at byte " + std::to_string(at)), std::string::npos)
        << refused.error().message;
    EXPECT_TRUE(catalog->list().empty());
    const auto adopted = create(*catalog, "db", kPath, true);
    ASSERT_TRUE(adopted.ok()) << adopted.error().message;
    {
      auto lease = catalog->lease("db");
      ASSERT_TRUE(lease.ok());
      testing::BlockIo io((*lease)->device());
      ByteVector found(1);
      EXPECT_EQ(io.read(at, found), 0);
      EXPECT_EQ(found[0], std::byte{5});
    }
    ASSERT_TRUE(catalog->remove("db").ok());
    EXPECT_EQ(bytes_of("disk-one"), before);
    put("disk-one", at, filled(1, 0));
  }
}

TEST_F(DeviceVolumes, a_large_device_is_looked_at_where_filesystems_have_their_marks) {
  constexpr uint64_t kSize = 4 * kGiB;
  plug("/dev/large", "large", "serial:l", kSize);
  auto device = devices_.claim("/dev/large", true);
  ASSERT_TRUE(device.ok());
  EXPECT_TRUE(check_device_blank(*device->file, kSize, "/dev/large").ok());
  // The last sector holds a partition table's copy; samples stand all over.
  for (const uint64_t at : {15 * kMiB, kGiB, kSize - 512}) {
    put("large", at, filled(1, 1));
    const auto found = check_device_blank(*device->file, kSize, "/dev/large");
    ASSERT_FALSE(found.ok()) << at;
    EXPECT_EQ(found.error().code, Code::kConflict);
    put("large", at, filled(1, 0));
  }
}

TEST_F(DeviceVolumes, a_device_in_use_or_of_another_volume_is_refused) {
  auto catalog = open();
  devices_.disks[kPath].in_use = true;
  EXPECT_EQ(create(*catalog, "db", kPath, true).error().code, Code::kConflict);
  devices_.disks[kPath].in_use = false;
  ASSERT_TRUE(create(*catalog, "db", kPath).ok());
  plug("/dev/sdz", "disk-one", "wwid:one", 8 * kMiB);
  plug("/dev/sdz1", "part", "wwid:one/start:2048", 4 * kMiB);
  plug("/dev/sdy", "other", "wwid:one2", 4 * kMiB);
  for (const char* same : {"/dev/sdz", "/dev/sdz1"}) {
    const auto refused = create(*catalog, "more", same, true);
    EXPECT_EQ(refused.error().code, Code::kConflict) << same;
    EXPECT_NE(refused.error().message.find("'db'"), std::string::npos);
  }
  EXPECT_TRUE(create(*catalog, "more", "/dev/sdy").ok());
  EXPECT_EQ(create(*catalog, "more", "/dev/sdx").error().code, Code::kNotFound);
  EXPECT_EQ(create(*catalog, "third", "relative").error().code, Code::kInvalidArgument);
  CreateOptions sized;
  sized.device = DeviceWish{"/dev/sdx", true};
  EXPECT_EQ(catalog->create("third", kMiB, sized).error().code, Code::kInvalidArgument);
}

TEST_F(DeviceVolumes, another_device_at_the_path_is_noticed_and_the_other_volumes_are_served) {
  {
    auto catalog = open();
    ASSERT_TRUE(create(*catalog, "db", kPath).ok());
    ASSERT_TRUE(catalog->create("file", kMiB).ok());
  }
  plug(kPath, "swapped", "wwid:two", 8 * kMiB);
  auto catalog = open();
  const auto refused = catalog->lease("db");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kCorrupt);
  EXPECT_NE(refused.error().message.find("wwid:two"), std::string::npos);
  EXPECT_TRUE(catalog->lease("file").ok());
  EXPECT_FALSE(catalog->fsck("db", {})->clean());
  EXPECT_EQ(catalog->resize("db", 8 * kMiB + 4096).error().code, Code::kCorrupt);
  devices_.disks.erase(kPath);
  EXPECT_EQ(open()->lease("db").error().code, Code::kNotFound);
  // Back, but smaller.
  plug(kPath, "small", "wwid:one", 4 * kMiB);
  EXPECT_EQ(open()->lease("db").error().code, Code::kCorrupt);
  EXPECT_TRUE(catalog->remove("db").ok());
}

TEST_F(DeviceVolumes, a_volume_follows_its_device_that_has_grown_only_when_it_is_told) {
  auto catalog = open();
  ASSERT_TRUE(create(*catalog, "db", kPath).ok());
  EXPECT_EQ(catalog->resize("db", 16 * kMiB).error().code, Code::kInvalidArgument);
  plug(kPath, "disk-one", "wwid:one", 16 * kMiB);
  auto lease = catalog->lease("db");
  ASSERT_TRUE(lease.ok()) << lease.error().message;
  EXPECT_EQ((*lease)->device().geometry().size_bytes, 8 * kMiB);
  ASSERT_TRUE(catalog->resize("db", 12 * kMiB).ok());
  EXPECT_EQ((*lease)->device().geometry().size_bytes, 12 * kMiB);
  EXPECT_EQ(catalog->resize("db", 20 * kMiB).error().code, Code::kInvalidArgument);
  lease->reset();
  EXPECT_EQ(open()->show("db")->size_bytes, 12 * kMiB);
  EXPECT_EQ(bytes_of("disk-one").size(), 16 * kMiB);
}

TEST_F(DeviceVolumes,
       a_power_cut_at_any_step_leaves_it_whole_or_absent_and_never_writes_to_the_device) {
  log::start(log::Level::kError, log::Format::kHuman);
  io::MemoryFileSystem disk;
  {
    auto made = disk.open("disk", {.write = true, .create = true});
    ASSERT_TRUE((*made)->truncate(kMiB).ok());
  }
  testing::FakeDevices devices(disk);
  devices.disks["/dev/x"] = {"disk", "serial:x"};
  const uint64_t device_writes = disk.mutations();
  // Whether create, rename and remove were answered.
  const auto run = [&](io::FileSystem& files) {
    std::array<bool, 3> done{};
    SeededRandom random(1);
    auto catalog = Catalog::open(files, "volumes", clock_, random, {.devices = &devices});
    if (!catalog.ok()) return done;
    done[0] = create(**catalog, "db", "/dev/x").ok();
    done[1] = (*catalog)->rename("db", "base").ok();
    done[2] = (*catalog)->remove("base").ok();
    return done;
  };
  io::MemoryFileSystem whole;
  ASSERT_TRUE(run(whole)[2]);
  for (uint64_t cut = 0; cut <= whole.mutations(); ++cut) {
    for (uint64_t seed = 0; seed < 8; ++seed) {
      io::MemoryFileSystem files;
      files.cut_after(cut);
      const auto done = run(files);
      SeededRandom random(seed);
      files.crash(random, {.survival = io::Survival::kRandom});
      auto catalog = Catalog::open(files, "volumes", clock_, random, {.devices = &devices});
      ASSERT_TRUE(catalog.ok()) << cut << ": " << catalog.error().message;
      const bool there = !(*catalog)->list().empty();
      if (done[2]) {
        EXPECT_FALSE(there) << cut;
      }
      if (done[0] && !done[1]) {
        EXPECT_TRUE(there) << cut;
      }
      if (!there) {
        EXPECT_TRUE(create(**catalog, "db", "/dev/x").ok()) << cut;
      } else {
        EXPECT_EQ((*catalog)->list()[0].device->identity, "serial:x");
      }
    }
  }
  EXPECT_EQ(disk.mutations(), device_writes);
  log::start(log::Level::kWarning, log::Format::kHuman);
}

class DeviceIdentity : public ::testing::Test {
 protected:
  void file(const std::string& path, const std::string& text) {
    const std::string whole = folder_ / path;
    std::filesystem::create_directories(std::filesystem::path(whole).parent_path());
    ASSERT_TRUE(io::write_file_atomic(files_, whole, as_bytes(text)).ok());
  }
  std::string identity(const std::string& path) { return device_identity(folder_ / path); }

  testing::TempFolder folder_;
  io::PosixFileSystem files_;
};

TEST_F(DeviceIdentity, is_what_the_kernel_says_of_a_disk_and_of_a_partition_where_it_begins) {
  file("sda/device/wwid", "naa.5000c500a1b2c3d4\n");
  file("sda/sda1/partition", "1\n");
  file("sda/sda1/start", "2048\n");
  EXPECT_EQ(identity("sda"), "wwid:naa.5000c500a1b2c3d4");
  EXPECT_EQ(identity("sda/sda1"), "wwid:naa.5000c500a1b2c3d4/start:2048");
  file("vda/serial", " two words  \n");
  EXPECT_EQ(identity("vda"), "serial:two_words");
  file("dm-0/dm/uuid", "LVM-abc\n");
  EXPECT_EQ(identity("dm-0"), "dm:LVM-abc");
  file("loop0/loop/backing_file", "/tmp/image\n");
  EXPECT_EQ(identity("loop0"), "loop:/tmp/image");
  file("loop0/loop/offset", "1048576\n");
  EXPECT_EQ(identity("loop0"), "loop:/tmp/image@1048576");
  file("loop1/loop/backing_file", "/" + std::string(2000, 'x') + "\n");
  EXPECT_LE(identity("loop1").size(), kDeviceIdentityBytesMax);
  EXPECT_TRUE(identity("loop1").starts_with("loop:xxh3-"));
}

TEST_F(DeviceIdentity, is_empty_where_the_kernel_knows_nothing) {
  file("ram0/size", "1\n");
  file("ram0/ram0p1/partition", "1\n");
  file("ram0/ram0p1/start", "8\n");
  file("vdb/serial", "\n");
  for (const char* path : {"ram0", "ram0/ram0p1", "vdb", "none"}) {
    EXPECT_EQ(identity(path), "") << path;
  }
}

TEST(DeviceRules, a_disk_overlaps_its_partitions_and_no_disk_of_a_longer_name) {
  EXPECT_TRUE(devices_overlap("wwid:a", "wwid:a"));
  EXPECT_TRUE(devices_overlap("wwid:a", "wwid:a/start:2048"));
  EXPECT_TRUE(devices_overlap("wwid:a/start:2048", "wwid:a"));
  EXPECT_FALSE(devices_overlap("wwid:a/start:2048", "wwid:a/start:20480"));
  EXPECT_FALSE(devices_overlap("wwid:a", "wwid:ab"));
}

// A real device: who has it, and that it is claimed while it is used.
TEST(RealDevice, is_claimed_while_a_client_has_the_volume) {
  testing::TempFolder folder;
  io::PosixFileSystem files;
  const std::string backing = folder / "backing";
  ASSERT_TRUE((*files.open(backing, {.write = true, .create = true}))->truncate(16 * kMiB).ok());
  const auto loop = testing::LoopDevice::over(backing);
  if (!loop.ok()) GTEST_SKIP() << "needs a loop device: " << loop.error().message;
  const std::string path = (*loop)->path();
  io::SystemClock clock;
  SystemRandom random;
  auto catalog = Catalog::open(files, folder / "volumes", clock, random);
  ASSERT_TRUE(catalog.ok());
  CreateOptions options;
  options.device = DeviceWish{path};
  const auto made = (*catalog)->create("db", 0, options);
  ASSERT_TRUE(made.ok()) << made.error().message;
  EXPECT_EQ(made->size_bytes, 16 * kMiB);
  SystemDevices devices(files);
  EXPECT_TRUE(devices.claim(path, true).ok()) << "nobody uses it";
  {
    auto lease = (*catalog)->lease("db");
    ASSERT_TRUE(lease.ok()) << lease.error().message;
    EXPECT_EQ(devices.claim(path, true).error().code, Code::kConflict);
    EXPECT_EQ(devices.look(path)->size_bytes, 16 * kMiB);
    testing::BlockIo io((*lease)->device());
    EXPECT_EQ(io.write(kMiB, filled(8192, 3), true), 0);
    EXPECT_EQ(io.range(device::Op::kTrim, kMiB, 4096), 0);
    EXPECT_EQ(io.range(device::Op::kWriteZeroes, 12 * kMiB, 2 * kMiB, false), 0);
    ByteVector back(8192);
    EXPECT_EQ(io.read(kMiB, back), 0);
    EXPECT_EQ(back[0], std::byte{0});
    EXPECT_EQ(back[4096], std::byte{3});
    EXPECT_EQ(io.flush(), 0);
  }
  EXPECT_TRUE((*catalog)->remove("db").ok());
  EXPECT_EQ((*catalog)->create("db", 0, options).error().code, Code::kConflict) << "it holds data";
  EXPECT_EQ(devices.claim(backing, true).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace strata::volume
