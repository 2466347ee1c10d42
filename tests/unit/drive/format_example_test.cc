// The worked example of docs/drive-format.md, byte for byte.
#include <gtest/gtest.h>

#include "common/codec/text.h"
#include "common/digest/checksum.h"
#include "objstore/drive/blob_format.h"
#include "objstore/drive/identity.h"
#include "objstore/drive/record_format.h"

namespace strata::drive {
namespace {

const Id128 kCluster = Id128::from_hex("000102030405060708090a0b0c0d0e0f").value();
const Id128 kBlob = Id128::from_hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff").value();
const RecordSeed kExampleSeed = RecordSeed::of_cluster(kCluster);

TEST(FormatExample, records_are_as_documented) {
  const std::string row =
      encode_row_header(kExampleSeed, "k", 0x10000000001, 2, digest::xxh3(as_bytes("hello"))) +
      "hello";
  EXPECT_EQ(codec::to_hex(row),
            "5a8c10edf31f19b4"
            "0100000000010000"
            "0200000000000000"
            "68656c6c6f");
  LogRecord entry;
  entry.sequence = 0x10000000001;
  entry.agreed = 0x10000000000;
  entry.placement = 2;
  entry.rows = {"k"};
  EXPECT_EQ(codec::to_hex(encode_log_key(entry.sequence)), "0000010000000001");
  EXPECT_EQ(codec::to_hex(encode_log(kExampleSeed, entry)),
            "b1f2ee7238949c1f"
            "0000000000010000"
            "0200000000000000"
            "00000000"
            "01000000"
            "00000000"
            "010000006b");
}

TEST(FormatExample, a_blob_file_is_as_documented) {
  EXPECT_EQ(codec::to_hex(Bytes(encode_blob_header(kExampleSeed, kBlob)).first(48)),
            "535452424c4f4231"
            "01000000"
            "00000100"
            "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
            "370aafa05808ca9b"
            "0000000000000000");
  ByteVector block(4096);
  block[0] = std::byte{'a'};
  const ByteVector tail =
      encode_blob_tail(kExampleSeed, kBlob, 1, {block_checksum(kExampleSeed, kBlob, 0, block)});
  ASSERT_EQ(tail.size(), 4096u);
  EXPECT_EQ(codec::to_hex(Bytes(tail).first(16)), "608b7b03ba4f26f10000000000000000");
  EXPECT_EQ(codec::to_hex(Bytes(tail).last(64)),
            "535452424c454e44"
            "01000000"
            "00000100"
            "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
            "0100000000000000"
            "126b4060e6d18d70"
            "971912ff197c3a6e"
            "0000000000000000");
}

TEST(FormatExample, an_identity_file_is_as_documented) {
  Identity identity;
  identity.cluster = kCluster;
  identity.drive = kBlob;
  identity.replicas = 1;
  identity.layout = 3;
  identity.members = {{kCluster, kBlob, 1024}};
  EXPECT_EQ(render_identity(identity),
            "strata drive\n"
            "format 1\n"
            "cluster 000102030405060708090a0b0c0d0e0f\n"
            "drive f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff\n"
            "replicas 1\n"
            "layout 3\n"
            "member 000102030405060708090a0b0c0d0e0f f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff 1024\n"
            "checksum 453ae06a7aad8fc6\n");
}

}  // namespace
}  // namespace strata::drive
