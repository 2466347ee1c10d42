// Parts made of other objects' bytes, and what is told of an object's parts.
#include "tests/support/object_fixture.h"

namespace strata::object {
namespace {

class CopyPart : public testing::ObjectFixture {
 protected:
  CopyPartRequest from(const UploadInfo& upload, uint32_t number) {
    CopyPartRequest request;
    request.source_bucket = request.bucket = "bucket";
    request.source_key = "source";
    request.key = upload.key;
    request.upload_id = upload.upload_id;
    request.part_number = number;
    return request;
  }
  Result<CopyPartResult> copy(CopyPartRequest request) {
    return run(objects.copy_part(std::move(request)));
  }
};

TEST_F(CopyPart, takes_all_of_the_source_or_a_range_inside_it) {
  ASSERT_TRUE(put("source", "0123456789").ok());
  const UploadInfo upload = begin("k").value();
  CopyPartRequest request = from(upload, 1);
  const PartInfo whole = copy(request)->part;
  EXPECT_EQ(whole.size_bytes, 10u);
  request.range = ByteRange{2, 4, {}};
  const PartInfo some = copy(request)->part;
  EXPECT_EQ(some.size_bytes, 3u);
  EXPECT_TRUE(complete(completion(upload, {some})).ok());
  EXPECT_EQ(read("k").value(), "234");
  EXPECT_EQ(store.owned_blobs(), store.all_blobs());
}

TEST_F(CopyPart, refuses_a_range_that_is_not_inside_and_conditions_that_do_not_hold) {
  ASSERT_TRUE(put("source", "0123456789").ok());
  const UploadInfo upload = begin("k").value();
  CopyPartRequest request = from(upload, 1);
  for (const ByteRange& bad :
       {ByteRange{0, 10, {}}, ByteRange{5, 4, {}}, ByteRange{5, {}, {}}, ByteRange{{}, {}, 5}}) {
    request.range = bad;
    EXPECT_FAILS(copy(request), Code::kInvalidArgument, reason::kInvalidCopyRange);
  }
  request.range.reset();
  request.source_conditions.if_none_match = "*";
  EXPECT_FAILS(copy(request), Code::kPreconditionFailed, "");
  request.source_conditions = {};
  request.source_key = "none";
  EXPECT_FAILS(copy(request), Code::kNotFound, reason::kNoSuchKey);
  request.upload_id = std::string(32, '0');
  EXPECT_FAILS(copy(request), Code::kNotFound, reason::kNoSuchUpload);
}

TEST_F(CopyPart, reads_the_version_it_names) {
  ASSERT_TRUE(run(objects.set_versioning("bucket", Versioning::kEnabled)).ok());
  const std::string old = put("source", "old").value().version_id;
  ASSERT_TRUE(put("source", "newer").ok());
  const UploadInfo upload = begin("k").value();
  CopyPartRequest request = from(upload, 1);
  request.source_version_id = old;
  const CopyPartResult done = copy(request).value();
  EXPECT_EQ(done.source_version_id, old);
  EXPECT_EQ(done.part.size_bytes, 3u);
}

TEST_F(CopyPart, computes_the_checksum_that_the_upload_was_begun_with) {
  ASSERT_TRUE(put("source", "abc").ok());
  CreateUploadRequest begun;
  begun.checksum_algorithm = digest::ChecksumAlgorithm::kSha256;
  const UploadInfo upload = begin("k", begun).value();
  const PartInfo part = copy(from(upload, 1))->part;
  ASSERT_EQ(part.checksums.size(), 1u);
  EXPECT_EQ(part.checksums[0].value, digest::checksum(digest::ChecksumAlgorithm::kSha256,
                                                      as_bytes(std::string_view("abc"))));
  CompleteRequest named = completion(upload, {part});
  named.parts[0].checksums = part.checksums;  // a composite checksum wants each part's
  ASSERT_TRUE(complete(std::move(named)).ok());
  ObjectPartsRequest request;
  request.name = {"bucket", "k", {}};
  const ObjectPartsPage page = run(objects.object_parts(request)).value();
  EXPECT_EQ(page.info.parts, 1u);
  ASSERT_EQ(page.parts.size(), 1u);
  EXPECT_EQ(page.parts[0].checksum->value, part.checksums[0].value);
}

TEST_F(CopyPart, parts_of_an_object_come_in_pages) {
  ASSERT_TRUE(put("source", std::string(kPartBytesMin, 'x')).ok());
  const UploadInfo upload = begin("k").value();
  std::vector<PartInfo> parts;
  for (const uint32_t number : {2u, 5u, 9u}) parts.push_back(copy(from(upload, number))->part);
  ASSERT_TRUE(complete(completion(upload, parts)).ok());
  ObjectPartsRequest request;
  request.name = {"bucket", "k", {}};
  request.parts_max = 2;
  ObjectPartsPage page = run(objects.object_parts(request)).value();
  EXPECT_EQ(page.parts.size(), 2u);
  EXPECT_TRUE(page.truncated);
  EXPECT_EQ(page.next_part_number, 5u);
  request.after_number = page.next_part_number;
  page = run(objects.object_parts(request)).value();
  ASSERT_EQ(page.parts.size(), 1u);
  EXPECT_EQ(page.parts[0].number, 9u);
  EXPECT_FALSE(page.truncated);
}

}  // namespace
}  // namespace strata::object
