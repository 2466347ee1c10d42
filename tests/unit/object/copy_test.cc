#include <gtest/gtest.h>

#include "common/digest/checksum.h"
#include "tests/support/object_fixture.h"

namespace strata::object {
namespace {

class Copy : public testing::ObjectFixture {
 protected:
  CopyRequest request(std::string from, std::string to) {
    CopyRequest copy;
    copy.source_bucket = "bucket";
    copy.source_key = std::move(from);
    copy.bucket = "bucket";
    copy.key = std::move(to);
    return copy;
  }
  Result<ObjectInfo> copy(CopyRequest request) {
    TRY_ASSIGN(CopyResult done, run(objects.copy(std::move(request))));
    return std::move(done.info);
  }
};

TEST_F(Copy, has_the_bytes_and_attributes_of_its_source_and_a_life_of_its_own) {
  Attributes attributes;
  attributes.content_type = "text/plain";
  attributes.storage_class = "STANDARD_IA";
  const ObjectInfo source = put("a", "bytes", {}, attributes).value();
  const ObjectInfo info = copy(request("a", "b")).value();
  EXPECT_EQ(info.etag, source.etag);
  EXPECT_EQ(info.attributes.content_type, "text/plain");
  EXPECT_EQ(info.attributes.storage_class, "");
  ASSERT_TRUE(run(objects.remove("bucket", "a", {})).ok());
  EXPECT_EQ(read("b").value(), "bytes");
}

TEST_F(Copy, takes_other_attributes_when_given) {
  ASSERT_TRUE(put("a", "bytes").ok());
  CopyRequest replaced = request("a", "b");
  replaced.attributes.emplace();
  replaced.attributes->content_type = "x/y";
  EXPECT_EQ(copy(replaced).value().attributes.content_type, "x/y");
}

TEST_F(Copy, onto_itself_must_change_something) {
  ASSERT_TRUE(put("a", "bytes").ok());
  EXPECT_FAILS(copy(request("a", "a")), Code::kInvalidArgument, reason::kCopyToItself);
  CopyRequest replaced = request("a", "a");
  replaced.attributes.emplace();
  replaced.attributes->user_metadata = {{"n", "v"}};
  EXPECT_TRUE(copy(replaced).ok());
  EXPECT_EQ(read("a").value(), "bytes");
  EXPECT_EQ(store.all_blobs(), 1u);
  CopyRequest checksum = request("a", "a");
  checksum.checksum_algorithm = digest::ChecksumAlgorithm::kCrc32c;
  EXPECT_TRUE(copy(checksum).ok());
  EXPECT_FAILS(copy(checksum), Code::kInvalidArgument, reason::kCopyToItself);
}

TEST_F(Copy, computes_the_checksum_that_is_asked_for) {
  ASSERT_TRUE(put("a", "bytes").ok());
  CopyRequest checksum = request("a", "b");
  checksum.checksum_algorithm = digest::ChecksumAlgorithm::kSha256;
  const ObjectInfo info = copy(checksum).value();
  ASSERT_EQ(info.checksums.size(), 1u);
  EXPECT_EQ(info.checksums[0].value, digest::sha256(as_bytes("bytes")));
}

TEST_F(Copy, of_an_object_without_a_checksum_gets_the_default_one) {
  ASSERT_TRUE(put("a", "bytes").ok());
  const ObjectInfo info = copy(request("a", "b")).value();
  ASSERT_EQ(info.checksums.size(), 1u);
  EXPECT_EQ(info.checksums[0].value,
            digest::checksum(digest::ChecksumAlgorithm::kCrc64Nvme, as_bytes("bytes")));
}

TEST_F(Copy, of_parts_is_a_simple_object_with_the_md5_of_its_bytes) {
  CreateUploadRequest create;
  create.checksum_algorithm = digest::ChecksumAlgorithm::kCrc32;
  const UploadInfo upload = begin("a", create).value();
  const std::string first(kPartBytesMin, 'x');
  const auto sum = [](std::string_view bytes) {
    const auto crc32 = digest::ChecksumAlgorithm::kCrc32;
    return std::vector<StoredChecksum>{{crc32, digest::checksum(crc32, as_bytes(bytes)), false, 0}};
  };
  const PartInfo one = part(upload, 1, first, sum(first)).value();
  const PartInfo two = part(upload, 2, "tail", sum("tail")).value();
  CompleteRequest completed = completion(upload, {one, two});
  completed.parts[0].checksums = sum(first);
  completed.parts[1].checksums = sum("tail");
  ASSERT_TRUE(complete(completed).ok());
  const ObjectInfo info = copy(request("a", "b")).value();
  EXPECT_EQ(info.etag.find('-'), std::string::npos);
  EXPECT_EQ(info.parts, 0u);
  ASSERT_EQ(info.checksums.size(), 1u);
  EXPECT_FALSE(info.checksums[0].composite);
  EXPECT_EQ(info.checksums[0].value,
            digest::checksum(digest::ChecksumAlgorithm::kCrc32, as_bytes(first + "tail")));
  EXPECT_EQ(read("b").value(), first + "tail");
}

TEST_F(Copy, obeys_conditions_on_both_ends) {
  const ObjectInfo source = put("a", "bytes").value();
  CopyRequest conditional = request("a", "b");
  conditional.source_conditions.if_none_match = source.etag;
  EXPECT_FAILS(copy(conditional), Code::kPreconditionFailed, "");
  conditional.source_conditions = {};
  conditional.source_conditions.if_match = "other";
  EXPECT_FAILS(copy(conditional), Code::kPreconditionFailed, "");
  conditional.source_conditions = {};
  conditional.conditions.if_none_match = "*";
  EXPECT_TRUE(copy(conditional).ok());
  EXPECT_FAILS(copy(conditional), Code::kPreconditionFailed, "");
}

TEST_F(Copy, needs_source_and_both_buckets) {
  EXPECT_FAILS(copy(request("a", "b")), Code::kNotFound, reason::kNoSuchKey);
  ASSERT_TRUE(put("a", "bytes").ok());
  CopyRequest elsewhere = request("a", "b");
  elsewhere.bucket = "nowhere";
  EXPECT_FAILS(copy(elsewhere), Code::kNotFound, reason::kNoSuchBucket);
  elsewhere = request("a", "b");
  elsewhere.source_bucket = "nowhere";
  EXPECT_FAILS(copy(elsewhere), Code::kNotFound, reason::kNoSuchBucket);
}

}  // namespace
}  // namespace strata::object
