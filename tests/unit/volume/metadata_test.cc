#include "blockdev/volume/metadata.h"

#include <gtest/gtest.h>

#include "blockdev/volume/catalog.h"

namespace strata::volume {
namespace {

Metadata example() {
  return {.name = "db",
          .id = "00112233445566778899aabbccddeeff",
          .size_bytes = 10 * kGiB,
          .created_ms = 1732291200000};
}

constexpr std::string_view kVersion1 =
    "strata-volume 1\n"
    "name db\n"
    "id 00112233445566778899aabbccddeeff\n"
    "size 10737418240\n"
    "created 1732291200000\n"
    "xxh3 8c5be5b9b500dc75\n";

Metadata with_everything() {
  Metadata metadata = example();
  metadata.provision.profile = "gp3";
  metadata.provision.iops = 4000;
  metadata.provision.latency = layers::LatencySettings{500, 4000};
  metadata.provision.layers = {layers::parse_layer("meter").value(),
                               layers::parse_layer("fault:on=write,effect=torn").value()};
  metadata.growing_to = 20 * kGiB;
  return metadata;
}

TEST(VolumeMetadata, the_text_is_the_one_in_the_documentation) {
  const std::string text = encode_metadata(with_everything());
  EXPECT_EQ(text.substr(0, text.rfind("xxh3")),
            "strata-volume 2\n"
            "name db\n"
            "id 00112233445566778899aabbccddeeff\n"
            "size 10737418240\n"
            "created 1732291200000\n"
            "profile gp3\n"
            "iops 4000\n"
            "throughput 0\n"
            "latency 500us/4ms\n"
            "layer meter\n"
            "layer fault:on=write,effect=torn\n"
            "growing 21474836480\n");
}

TEST(VolumeMetadata, version_1_is_read) {
  const auto decoded = decode_metadata(as_bytes(kVersion1));
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ(decoded->name, "db");
  EXPECT_EQ(decoded->size_bytes, 10 * kGiB);
  EXPECT_EQ(decoded->provision, Provision{});
}

TEST(VolumeMetadata, limits_layers_and_changes_come_back) {
  const auto decoded = decode_metadata(as_bytes(encode_metadata(with_everything())));
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ(decoded->provision, with_everything().provision);
  EXPECT_EQ(decoded->growing_to, 20 * kGiB);
  Metadata renaming = example();
  renaming.renaming_to = "other";
  EXPECT_EQ(decode_metadata(as_bytes(encode_metadata(renaming)))->renaming_to, "other");
}

TEST(VolumeMetadata, the_longest_metadata_fits_its_file) {
  Metadata metadata = example();
  metadata.name = std::string(kNameBytesMax, 'n');
  metadata.renaming_to = std::string(kNameBytesMax, 'm');
  const auto layer = layers::parse_layer(
      "fault:on=flush,effect=lost,probability=0.123456,"
      "seed=18446744073709551615,after=18446744073709551615,"
      "times=18446744073709551615,from=1152921504606846975,"
      "to=1152921504606846976");
  ASSERT_TRUE(layer.ok()) << layer.error().message;
  metadata.provision.layers.assign(layers::kLayersMax, *layer);
  metadata.device = DeviceReference{"/" + std::string(kDevicePathBytesMax - 1, 'p'),
                                    std::string(kDeviceIdentityBytesMax, 'i')};
  const std::string text = encode_metadata(metadata);
  EXPECT_LE(text.size(), kMetadataBytesMax);
  EXPECT_TRUE(decode_metadata(as_bytes(text)).ok());
}

Metadata on_device() {
  Metadata metadata = example();
  metadata.device = DeviceReference{"/dev/sdb", "wwid:naa.1/start:2048"};
  return metadata;
}

TEST(VolumeMetadata, a_device_comes_back_and_only_it_needs_version_3) {
  const std::string text = encode_metadata(on_device());
  EXPECT_TRUE(text.starts_with("strata-volume 3\n"));
  const auto decoded = decode_metadata(as_bytes(text));
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ(decoded->device, on_device().device);
  EXPECT_TRUE(encode_metadata(example()).starts_with("strata-volume 2\n"));
}

TEST(VolumeMetadata, a_device_that_no_volume_has_is_refused_even_with_a_good_checksum) {
  const auto refused = [](const DeviceReference& device, uint64_t growing_to = 0) {
    Metadata metadata = on_device();
    metadata.device = device;
    metadata.growing_to = growing_to;
    return !decode_metadata(as_bytes(encode_metadata(metadata))).ok();
  };
  const DeviceReference good = *on_device().device;
  EXPECT_FALSE(refused(good));
  EXPECT_TRUE(refused({"sdb", good.identity}));
  EXPECT_TRUE(refused({"/dev/a b", good.identity}));
  EXPECT_TRUE(refused({"/" + std::string(kDevicePathBytesMax, 'x'), good.identity}));
  EXPECT_TRUE(refused({good.path, ""}));
  EXPECT_TRUE(refused({good.path, "wwid:\n"}));
  EXPECT_TRUE(refused({good.path, std::string(kDeviceIdentityBytesMax + 1, 'x')}));
  EXPECT_TRUE(refused(good, 20 * kGiB));
}

TEST(VolumeMetadata, decodes_what_it_encodes) {
  const auto decoded = decode_metadata(as_bytes(encode_metadata(example())));
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->name, "db");
  EXPECT_EQ(decoded->id, example().id);
  EXPECT_EQ(decoded->size_bytes, 10 * kGiB);
  EXPECT_EQ(decoded->created_ms, 1732291200000);
}

TEST(VolumeMetadata, a_change_of_any_bit_is_noticed) {
  const std::string good = encode_metadata(with_everything());
  for (size_t at = 0; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
      ASSERT_FALSE(decode_metadata(as_bytes(bad)).ok()) << "byte " << at << " bit " << bit;
    }
  }
}

TEST(VolumeMetadata, a_file_cut_anywhere_or_with_more_behind_it_is_noticed) {
  const std::string good = encode_metadata(example());
  for (size_t length = 0; length < good.size(); ++length) {
    ASSERT_FALSE(decode_metadata(as_bytes(good.substr(0, length))).ok()) << length;
  }
  EXPECT_FALSE(decode_metadata(as_bytes(good + "\n")).ok());
  EXPECT_FALSE(decode_metadata(as_bytes(good + good)).ok());
  EXPECT_FALSE(decode_metadata(as_bytes(good + std::string(10000, 'x'))).ok());
}

TEST(VolumeMetadata, a_newer_version_is_told_from_damage) {
  const auto decoded = decode_metadata(as_bytes("strata-volume 4\nanything\n"));
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().code, Code::kUnsupported);
  EXPECT_NE(decoded.error().message.find("newer"), std::string::npos);
}

TEST(VolumeMetadata, values_that_no_volume_has_are_refused_even_with_a_good_checksum) {
  Metadata metadata = example();
  metadata.size_bytes = 4097;
  EXPECT_FALSE(decode_metadata(as_bytes(encode_metadata(metadata))).ok());
  metadata = example();
  metadata.name = "../up";
  EXPECT_FALSE(decode_metadata(as_bytes(encode_metadata(metadata))).ok());
  metadata = example();
  metadata.id = "short";
  EXPECT_FALSE(decode_metadata(as_bytes(encode_metadata(metadata))).ok());
  metadata = example();
  metadata.provision.profile = "gp9";
  EXPECT_FALSE(decode_metadata(as_bytes(encode_metadata(metadata))).ok());
  metadata = example();
  metadata.provision = {.profile = "gp3", .iops = 1};
  EXPECT_FALSE(decode_metadata(as_bytes(encode_metadata(metadata))).ok());
  metadata = example();
  metadata.growing_to = metadata.size_bytes;
  EXPECT_FALSE(decode_metadata(as_bytes(encode_metadata(metadata))).ok());
  metadata = example();
  metadata.renaming_to = "../up";
  EXPECT_FALSE(decode_metadata(as_bytes(encode_metadata(metadata))).ok());
}

TEST(VolumeRules, names_are_safe_as_folders_and_in_uris) {
  for (const char* good : {"a", "db", "9", "vm-1.disk_0", "A.B"}) {
    EXPECT_TRUE(check_volume_name(good).ok()) << good;
  }
  const std::string longest(kNameBytesMax, 'x');
  EXPECT_TRUE(check_volume_name(longest).ok());
  for (const std::string& bad :
       {std::string(), std::string("."), std::string(".."), std::string(".hidden"),
        std::string("-rf"), std::string("a/b"), std::string("a b"), std::string("a\0b", 3),
        std::string("\xc3\xa4"), std::string("a\n"), longest + "x"}) {
    EXPECT_FALSE(check_volume_name(bad).ok()) << bad;
  }
}

TEST(VolumeRules, sizes_are_whole_blocks_within_the_limits) {
  EXPECT_TRUE(check_volume_size(4096).ok());
  EXPECT_TRUE(check_volume_size(64 * kTiB).ok());
  for (const uint64_t bad :
       {uint64_t{0}, uint64_t{1}, uint64_t{4097}, 64 * kTiB + 4096, ~uint64_t{0}}) {
    EXPECT_FALSE(check_volume_size(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace strata::volume
