#include <gtest/gtest.h>

#include <algorithm>

#include "common/codec/text.h"
#include "common/digest/checksum.h"
#include "objstore/object/checksums.h"
#include "tests/support/object_fixture.h"

namespace strata::object {
namespace {

using digest::ChecksumAlgorithm;

class Uploads : public testing::ObjectFixture {
 protected:
  const std::string big = std::string(kPartBytesMin, 'b');

  Status abort(const UploadInfo& upload) {
    return run(objects.abort_upload("bucket", upload.key, upload.upload_id));
  }
  Result<ListPartsPage> parts(const UploadInfo& upload, uint32_t after = 0, size_t max = 1000) {
    return run(objects.list_parts("bucket", upload.key, upload.upload_id, after, max));
  }
};

TEST_F(Uploads, become_an_object_whose_etag_is_the_md5_of_md5s) {
  CreateUploadRequest create;
  create.attributes.content_type = "video/mp4";
  const UploadInfo upload = begin("k", create).value();
  EXPECT_FAILS(read("k"), Code::kNotFound, reason::kNoSuchKey);
  const PartInfo one = part(upload, 3, big).value();
  const PartInfo two = part(upload, 7, "end").value();
  const ObjectInfo info = complete(completion(upload, {one, two})).value();
  EXPECT_EQ(info.etag, codec::to_hex(std::string_view(digest::md5(
                           as_bytes(digest::md5(as_bytes(big)) + digest::md5(as_bytes("end")))))) +
                           "-2");
  EXPECT_EQ(info.parts, 2u);
  EXPECT_EQ(info.size_bytes, big.size() + 3);
  EXPECT_EQ(info.attributes.content_type, "video/mp4");
  EXPECT_EQ(read("k").value(), big + "end");
  EXPECT_EQ(store.rows(), 2u);  // bucket and object
}

TEST_F(Uploads, ranges_and_parts_of_the_object_cross_its_parts) {
  const UploadInfo upload = begin("k").value();
  const PartInfo one = part(upload, 1, big).value();
  const PartInfo two = part(upload, 2, std::string(kPartBytesMin, 'c')).value();
  const PartInfo three = part(upload, 9, "tail").value();
  ASSERT_TRUE(complete(completion(upload, {one, two, three})).ok());
  GetRequest request = get_request("k");
  request.range = ByteRange{kPartBytesMin - 1, 2 * kPartBytesMin + 1, {}};
  const std::string crossing = read(request).value();
  EXPECT_EQ(crossing, "b" + std::string(kPartBytesMin, 'c') + "ta");
  request.range.reset();
  request.part_number = 3;
  EXPECT_EQ(read(request).value(), "tail");
  EXPECT_EQ(get(request).value().first, 2 * kPartBytesMin);
  request.part_number = 4;
  EXPECT_FAILS(get(request), Code::kOutOfRange, reason::kInvalidPartNumber);
}

TEST_F(Uploads, a_part_sent_again_replaces_the_first) {
  const UploadInfo upload = begin("k").value();
  ASSERT_TRUE(part(upload, 1, "first").ok());
  const PartInfo second = part(upload, 1, "second").value();
  EXPECT_EQ(store.all_blobs(), 1u);
  ASSERT_TRUE(complete(completion(upload, {second})).ok());
  EXPECT_EQ(read("k").value(), "second");
}

TEST_F(Uploads, parts_left_out_and_the_version_before_are_dropped) {
  ASSERT_TRUE(put("k", "before").ok());
  const UploadInfo upload = begin("k").value();
  ASSERT_TRUE(part(upload, 1, "unused").ok());
  const PartInfo two = part(upload, 2, "used").value();
  ASSERT_TRUE(part(upload, 3, "unused too").ok());
  EXPECT_EQ(store.all_blobs(), 4u);
  ASSERT_TRUE(complete(completion(upload, {two})).ok());
  EXPECT_EQ(store.all_blobs(), 1u);
  EXPECT_EQ(store.rows(), 2u);
  EXPECT_EQ(read("k").value(), "used");
}

TEST_F(Uploads, an_empty_last_part_is_a_part) {
  const UploadInfo upload = begin("k").value();
  const PartInfo only = part(upload, 1, "").value();
  const ObjectInfo info = complete(completion(upload, {only})).value();
  EXPECT_EQ(info.parts, 1u);
  EXPECT_TRUE(info.etag.ends_with("-1"));
  EXPECT_EQ(read("k").value(), "");
}

TEST_F(Uploads, completion_refuses_wrong_parts) {
  const UploadInfo upload = begin("k").value();
  const PartInfo one = part(upload, 1, big).value();
  const PartInfo two = part(upload, 2, "small").value();
  const PartInfo three = part(upload, 3, "end").value();
  EXPECT_FAILS(complete(completion(upload, {two, one})), Code::kInvalidArgument,
               reason::kInvalidPartOrder);
  EXPECT_FAILS(complete(completion(upload, {one, one})), Code::kInvalidArgument,
               reason::kInvalidPartOrder);
  EXPECT_FAILS(complete(completion(upload, {one, two, three})), Code::kInvalidArgument,
               reason::kEntityTooSmall);
  EXPECT_FAILS(complete(completion(upload, {})), Code::kInvalidArgument, "");
  CompleteRequest request = completion(upload, {one, two});
  request.parts[1].etag = one.etag;
  EXPECT_FAILS(complete(request), Code::kInvalidArgument, reason::kInvalidPart);
  request = completion(upload, {one, two});
  request.parts[1].number = 4;
  EXPECT_FAILS(complete(request), Code::kInvalidArgument, reason::kInvalidPart);
  request.parts[1].number = kPartNumberMax + 1;
  EXPECT_FAILS(complete(request), Code::kInvalidArgument, reason::kInvalidPartNumber);
  request = completion(upload, {one, two});
  request.size_bytes = 5;
  EXPECT_FAILS(complete(request), Code::kInvalidArgument, "");
  request.size_bytes = big.size() + 5;
  EXPECT_TRUE(complete(request).ok());
}

TEST_F(Uploads, the_same_completion_again_succeeds_while_its_object_is_there) {
  const UploadInfo upload = begin("k").value();
  const PartInfo one = part(upload, 1, "one").value();
  CompleteRequest request = completion(upload, {one});
  request.conditions.if_none_match = "*";
  const ObjectInfo first = complete(request).value();
  EXPECT_EQ(complete(request).value().etag, first.etag);
  CompleteRequest other = request;
  other.parts[0].number = 2;
  EXPECT_FAILS(complete(other), Code::kNotFound, reason::kNoSuchUpload);
  ASSERT_TRUE(put("k", "something else").ok());
  EXPECT_FAILS(complete(request), Code::kNotFound, reason::kNoSuchUpload);
}

TEST_F(Uploads, completion_obeys_conditions) {
  const ObjectInfo before = put("k", "before").value();
  const UploadInfo upload = begin("k").value();
  const PartInfo one = part(upload, 1, "one").value();
  CompleteRequest request = completion(upload, {one});
  request.conditions.if_none_match = "*";
  EXPECT_FAILS(complete(request), Code::kPreconditionFailed, "");
  request.conditions = {};
  request.conditions.if_match = before.etag;
  EXPECT_TRUE(complete(request).ok());
}

TEST_F(Uploads, that_ended_are_gone) {
  const UploadInfo upload = begin("k").value();
  ASSERT_TRUE(part(upload, 1, "one").ok());
  ASSERT_TRUE(part(upload, 2, "two").ok());
  ASSERT_TRUE(abort(upload).ok());
  EXPECT_EQ(store.all_blobs(), 0u);
  EXPECT_EQ(store.rows(), 1u);
  EXPECT_FAILS(abort(upload), Code::kNotFound, reason::kNoSuchUpload);
  EXPECT_FAILS(part(upload, 1, "one"), Code::kNotFound, reason::kNoSuchUpload);
  EXPECT_FAILS(parts(upload), Code::kNotFound, reason::kNoSuchUpload);
  UploadInfo forged = upload;
  forged.upload_id = "not an id";
  EXPECT_FAILS(part(forged, 1, "one"), Code::kNotFound, reason::kNoSuchUpload);
}

TEST_F(Uploads, belong_to_their_key) {
  UploadInfo upload = begin("k").value();
  upload.key = "other";
  EXPECT_FAILS(part(upload, 1, "one"), Code::kNotFound, reason::kNoSuchUpload);
}

TEST_F(Uploads, part_numbers_go_from_1_to_10000) {
  const UploadInfo upload = begin("k").value();
  EXPECT_FAILS(part(upload, 0, "x"), Code::kInvalidArgument, reason::kInvalidPartNumber);
  EXPECT_FAILS(part(upload, 10'001, "x"), Code::kInvalidArgument, reason::kInvalidPartNumber);
  EXPECT_TRUE(part(upload, 10'000, "x").ok());
}

TEST_F(Uploads, parts_are_listed_by_number_in_pages) {
  const UploadInfo upload = begin("k").value();
  for (const uint32_t number : {300, 2, 256, 1, 10}) ASSERT_TRUE(part(upload, number, "x").ok());
  std::vector<uint32_t> numbers;
  uint32_t after = 0;
  while (true) {
    const ListPartsPage page = parts(upload, after, 2).value();
    for (const PartInfo& info : page.parts) numbers.push_back(info.number);
    EXPECT_EQ(page.upload.upload_id, upload.upload_id);
    if (!page.truncated) break;
    after = page.next_part_number;
  }
  EXPECT_EQ(numbers, (std::vector<uint32_t>{1, 2, 10, 256, 300}));
  EXPECT_TRUE(parts(upload, 10'000).value().parts.empty());
  EXPECT_FALSE(parts(upload, 0, 0).value().truncated);
}

TEST_F(Uploads, composite_checksums_are_of_the_parts_checksums) {
  CreateUploadRequest create;
  create.checksum_algorithm = ChecksumAlgorithm::kSha256;
  const UploadInfo upload = begin("k", create).value();
  const std::string sum_one = digest::sha256(as_bytes(big));
  const std::string sum_two = digest::sha256(as_bytes("two"));
  EXPECT_FAILS(part(upload, 1, big), Code::kInvalidArgument, kReasonChecksumType);
  const PartInfo one =
      part(upload, 1, big, {{ChecksumAlgorithm::kSha256, sum_one, false, 0}}).value();
  const PartInfo two =
      part(upload, 2, "two", {{ChecksumAlgorithm::kSha256, sum_two, false, 0}}).value();
  const std::string whole = digest::sha256(as_bytes(sum_one + sum_two));
  CompleteRequest request = completion(upload, {one, two});
  EXPECT_FAILS(complete(request), Code::kInvalidArgument, kReasonChecksumType);
  request.parts[1].checksums = {{ChecksumAlgorithm::kSha256, sum_two, false, 0}};
  request.parts[0].checksums = {{ChecksumAlgorithm::kSha256, sum_two, false, 0}};
  EXPECT_FAILS(complete(request), Code::kInvalidArgument, reason::kInvalidPart);
  request.parts[0].checksums[0].value = sum_one;
  request.checksums = {{ChecksumAlgorithm::kSha256, sum_one, true, 2}};
  EXPECT_FAILS(complete(request), Code::kInvalidArgument, reason::kBadDigest);
  request.checksums[0].value = whole;
  const ObjectInfo info = complete(request).value();
  ASSERT_EQ(info.checksums.size(), 1u);
  EXPECT_EQ(info.checksums[0].value, whole);
  EXPECT_TRUE(info.checksums[0].composite);
  EXPECT_EQ(info.checksums[0].parts, 2u);
}

TEST_F(Uploads, full_object_checksums_are_of_the_bytes) {
  for (const ChecksumAlgorithm algorithm :
       {ChecksumAlgorithm::kCrc32, ChecksumAlgorithm::kCrc32c, ChecksumAlgorithm::kCrc64Nvme}) {
    CreateUploadRequest create;
    create.checksum_algorithm = algorithm;
    create.checksum_full_object = algorithm != ChecksumAlgorithm::kCrc64Nvme;  // implied there
    const UploadInfo upload = begin("k", create).value();
    EXPECT_TRUE(upload.checksum_full_object);
    const PartInfo one = part(upload, 1, big).value();
    const PartInfo two = part(upload, 2, "").value();
    EXPECT_EQ(one.checksums.at(0).value, digest::checksum(algorithm, as_bytes(big)));
    CompleteRequest request = completion(upload, {one});
    const PartInfo last = part(upload, 2, "tail").value();
    request = completion(upload, {one, last});
    request.checksums = {
        {algorithm, digest::checksum(algorithm, as_bytes(big + "tail")), false, 0}};
    const ObjectInfo info = complete(request).value();
    EXPECT_FALSE(info.checksums.at(0).composite);
    EXPECT_EQ(info.checksums.at(0).value, request.checksums[0].value);
  }
}

TEST_F(Uploads, checksums_of_parts_are_those_the_upload_was_begun_with) {
  CreateUploadRequest create;
  create.checksum_algorithm = ChecksumAlgorithm::kCrc32;
  const UploadInfo upload = begin("k", create).value();
  EXPECT_FAILS(part(upload, 1, "x", {{ChecksumAlgorithm::kCrc32, "none", false, 0}}),
               Code::kInvalidArgument, reason::kBadDigest);
  EXPECT_FAILS(part(upload, 1, "x", {{ChecksumAlgorithm::kCrc32c, "none", false, 0}}),
               Code::kInvalidArgument, kReasonChecksumType);
  EXPECT_EQ(store.all_blobs(), 0u);
  create.checksum_algorithm = ChecksumAlgorithm::kSha1;
  create.checksum_full_object = true;
  EXPECT_FAILS(begin("k", create), Code::kInvalidArgument, "");
}

TEST_F(Uploads, without_an_algorithm_the_whole_gets_a_crc64nvme) {
  const UploadInfo upload = begin("k").value();
  const auto crc = [](std::string_view bytes) {
    return digest::checksum(ChecksumAlgorithm::kCrc64Nvme, as_bytes(bytes));
  };
  const PartInfo one = part(upload, 1, big).value();
  ASSERT_EQ(one.checksums.size(), 1u);
  EXPECT_EQ(one.checksums[0].algorithm, ChecksumAlgorithm::kCrc64Nvme);
  EXPECT_EQ(one.checksums[0].value, crc(big));
  // What the client sends of a part is verified and kept beside it.
  const std::string sent = digest::checksum(ChecksumAlgorithm::kCrc32, as_bytes("tail"));
  const PartInfo two =
      part(upload, 2, "tail", {{ChecksumAlgorithm::kCrc32, sent, false, 0}}).value();
  EXPECT_EQ(two.checksums.size(), 2u);
  const ObjectInfo info = complete(completion(upload, {one, two})).value();
  ASSERT_EQ(info.checksums.size(), 1u);
  EXPECT_EQ(info.checksums[0].value, crc(big + "tail"));
  EXPECT_FALSE(info.checksums[0].composite);
}

TEST_F(Uploads, only_the_crc_family_has_full_object_checksums) {
  for (const ChecksumAlgorithm algorithm : digest::kChecksumAlgorithms) {
    CreateUploadRequest create;
    create.checksum_algorithm = algorithm;
    create.checksum_full_object = true;
    EXPECT_EQ(begin("k", create).ok(), digest::checksum_combines(algorithm));
  }
}

TEST_F(Uploads, a_stated_checksum_that_nothing_can_verify_is_refused) {
  const UploadInfo upload = begin("k").value();
  const PartInfo one = part(upload, 1, "x").value();
  CompleteRequest request = completion(upload, {one});
  request.checksums = {{ChecksumAlgorithm::kCrc32,
                        digest::checksum(ChecksumAlgorithm::kCrc32, as_bytes("x")), false, 0}};
  EXPECT_FAILS(complete(request), Code::kInvalidArgument, "");
}

TEST_F(Uploads, are_listed_by_key_and_start_in_pages) {
  std::vector<std::pair<std::string, std::string>> expected;
  for (const std::string key : {"b", "a", "b", "dir/x", "dir/y", "c", "b"}) {
    const UploadInfo upload = begin(key).value();
    if (!key.starts_with("dir/")) expected.emplace_back(key, upload.upload_id);
  }
  std::sort(expected.begin(), expected.end());
  for (size_t page_size = 1; page_size <= 7; ++page_size) {
    std::vector<std::pair<std::string, std::string>> found;
    std::vector<std::string> prefixes;
    ListUploadsRequest request;
    request.bucket = "bucket";
    request.delimiter = "/";
    request.uploads_max = page_size;
    while (true) {
      const ListUploadsPage page = run(objects.list_uploads(request)).value();
      for (const UploadInfo& info : page.uploads) found.emplace_back(info.key, info.upload_id);
      prefixes.insert(prefixes.end(), page.common_prefixes.begin(), page.common_prefixes.end());
      ASSERT_LE(page.uploads.size() + page.common_prefixes.size(), page_size);
      if (!page.truncated) break;
      request.key_marker = page.next_key_marker;
      request.upload_id_marker = page.next_upload_id_marker;
    }
    EXPECT_EQ(found, expected) << page_size;
    EXPECT_EQ(prefixes, std::vector<std::string>{"dir/"}) << page_size;
  }
}

TEST_F(Uploads, markers_are_exclusive) {
  const UploadInfo first = begin("k").value();
  const UploadInfo second = begin("k").value();
  ListUploadsRequest request;
  request.bucket = "bucket";
  request.key_marker = "k";
  EXPECT_TRUE(run(objects.list_uploads(request)).value().uploads.empty());
  request.upload_id_marker = first.upload_id;
  const ListUploadsPage page = run(objects.list_uploads(request)).value();
  ASSERT_EQ(page.uploads.size(), 1u);
  EXPECT_EQ(page.uploads[0].upload_id, second.upload_id);
  request.upload_id_marker = "garbage";
  EXPECT_FAILS(run(objects.list_uploads(request)), Code::kInvalidArgument, "");
  request.key_marker.clear();
  EXPECT_EQ(run(objects.list_uploads(request)).value().uploads.size(), 2u);
}

TEST_F(Uploads, need_their_bucket) {
  ASSERT_TRUE(run(objects.delete_bucket("bucket")).ok());
  EXPECT_FAILS(begin("k"), Code::kNotFound, reason::kNoSuchBucket);
  ListUploadsRequest request;
  request.bucket = "bucket";
  EXPECT_FAILS(run(objects.list_uploads(request)), Code::kNotFound, reason::kNoSuchBucket);
  EXPECT_FAILS(run(objects.abort_upload("bucket", "k", "x")), Code::kNotFound,
               reason::kNoSuchBucket);
}

}  // namespace
}  // namespace strata::object
