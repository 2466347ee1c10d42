// put, get, head and remove.
#include <gtest/gtest.h>

#include "tests/support/object_fixture.h"

namespace strata::object {
namespace {

using testing::read_all;
using testing::StoreCall;

class Objects : public testing::ObjectFixture {};

TEST_F(Objects, come_back_as_they_were_put) {
  Attributes attributes;
  attributes.content_type = "text/plain";
  attributes.user_metadata = {{"colour", "blue"}};
  const ObjectInfo info = put("a/b", "hello", {}, attributes).value();
  EXPECT_EQ(info.etag, "5d41402abc4b2a76b9719d911017c592");
  EXPECT_EQ(info.modified, clock.now);
  OpenObject open = get(get_request("a/b")).value();
  EXPECT_EQ(run(read_all(*open.body)).value(), "hello");
  EXPECT_EQ(open.info.key, "a/b");
  EXPECT_EQ(open.info.attributes.user_metadata, attributes.user_metadata);
  EXPECT_EQ(open.info.size_bytes, 5u);
  EXPECT_FALSE(open.partial);
  EXPECT_EQ(run(objects.head(get_request("a/b"))).value().body, nullptr);
}

TEST_F(Objects, without_bytes_have_no_blob) {
  EXPECT_EQ(put("empty", "").value().etag, "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(read("empty").value(), "");
  EXPECT_EQ(store.all_blobs(), 0u);
}

TEST_F(Objects, replaced_or_removed_leave_no_blob_behind) {
  ASSERT_TRUE(put("k", "one").ok());
  ASSERT_TRUE(put("k", "two").ok());
  EXPECT_EQ(read("k").value(), "two");
  EXPECT_EQ(store.all_blobs(), 1u);
  ASSERT_TRUE(run(objects.remove("bucket", "k", {})).ok());
  EXPECT_FAILS(read("k"), Code::kNotFound, reason::kNoSuchKey);
  EXPECT_EQ(store.all_blobs(), 0u);
  EXPECT_TRUE(run(objects.remove("bucket", "k", {})).ok());
}

TEST_F(Objects, stay_readable_while_somebody_reads_them) {
  store.piece_bytes = 2;
  ASSERT_TRUE(put("k", "first").ok());
  {
    OpenObject open = get(get_request("k")).value();
    ASSERT_TRUE(put("k", "second").ok());
    ASSERT_TRUE(run(objects.remove("bucket", "k", {})).ok());
    EXPECT_EQ(run(read_all(*open.body)).value(), "first");
    EXPECT_EQ(store.live_pins(), 1u);
  }
  EXPECT_EQ(store.live_pins(), 0u);
  EXPECT_EQ(store.all_blobs(), 0u);
}

TEST_F(Objects, need_their_bucket) {
  PutRequest request;
  request.bucket = "nowhere";
  request.key = "k";
  EXPECT_FAILS(put(request, "x"), Code::kNotFound, reason::kNoSuchBucket);
  GetRequest get_it = get_request("k");
  get_it.bucket = "nowhere";
  EXPECT_FAILS(get(get_it), Code::kNotFound, reason::kNoSuchBucket);
  EXPECT_FAILS(run(objects.remove("nowhere", "k", {})), Code::kNotFound, reason::kNoSuchBucket);
  get_it.bucket = "No";
  EXPECT_FAILS(get(get_it), Code::kInvalidArgument, reason::kInvalidBucketName);
}

TEST_F(Objects, with_bad_names_or_metadata_are_refused) {
  EXPECT_FAILS(put("", "x"), Code::kInvalidArgument, reason::kInvalidKey);
  EXPECT_FAILS(put(std::string(1025, 'k'), "x"), Code::kInvalidArgument, reason::kKeyTooLong);
  Attributes attributes;
  attributes.user_metadata = {{"n", std::string(kUserMetadataBytesMax, 'v')}};
  EXPECT_FAILS(put("k", "x", {}, attributes), Code::kTooLarge, reason::kMetadataTooLarge);
}

TEST_F(Objects, of_another_length_than_stated_are_refused) {
  for (const uint64_t stated : {0u, 4u, 6u}) {
    PutRequest request;
    request.bucket = "bucket";
    request.key = "k";
    request.size_bytes = stated;
    EXPECT_FAILS(put(request, "hello"), Code::kInvalidArgument, reason::kIncompleteBody);
  }
  EXPECT_EQ(store.all_blobs(), 0u);
  EXPECT_FAILS(read("k"), Code::kNotFound, reason::kNoSuchKey);
}

TEST_F(Objects, stated_larger_than_one_put_may_be_are_refused_before_the_body) {
  PutRequest request;
  request.bucket = "bucket";
  request.key = "k";
  request.size_bytes = kSinglePutBytesMax + 1;
  store.fail = [](StoreCall call) -> std::optional<Error> {
    if (call == StoreCall::kCreateBlob) return Error(Code::kIo, "the body was read");
    return std::nullopt;
  };
  EXPECT_FAILS(put(request, "hello"), Code::kTooLarge, reason::kEntityTooLarge);
}

// Yields the same zero bytes until `left` of them have gone by.
class Zeroes final : public async::ByteSource {
 public:
  explicit Zeroes(uint64_t left) : left_(left) {}
  async::Task<Result<Bytes>> next() override {
    const size_t piece = std::min<uint64_t>(left_, bytes_.size());
    left_ -= piece;
    co_return Bytes(bytes_).first(piece);
  }

 private:
  uint64_t left_;
  ByteVector bytes_ = ByteVector(8 * kMiB);
};

TEST_F(Objects, a_body_that_fails_leaves_nothing_behind) {
  class Failing final : public async::ByteSource {
   public:
    async::Task<Result<Bytes>> next() override {
      if (calls_++ == 0) co_return as_bytes("some");
      co_return Error(Code::kInvalidArgument, reason::kBadDigest, "altered on the way");
    }

   private:
    int calls_ = 0;
  };
  ASSERT_TRUE(put("k", "before").ok());
  Failing body;
  PutRequest request;
  request.bucket = "bucket";
  request.key = "k";
  EXPECT_FAILS(run(objects.put(request, body)), Code::kInvalidArgument, reason::kBadDigest);
  EXPECT_EQ(read("k").value(), "before");
  EXPECT_EQ(store.all_blobs(), 1u);
}

TEST_F(Objects, whose_checksums_turn_out_bad_at_the_end_leave_nothing_behind) {
  PutRequest request;
  request.bucket = "bucket";
  request.key = "k";
  request.checksums = []() -> Result<std::vector<StoredChecksum>> {
    return Error(Code::kInvalidArgument, reason::kBadDigest, "the trailer says otherwise");
  };
  EXPECT_FAILS(put(request, "x"), Code::kInvalidArgument, reason::kBadDigest);
  EXPECT_EQ(store.all_blobs(), 0u);
  request.checksums = []() -> Result<std::vector<StoredChecksum>> {
    return std::vector<StoredChecksum>{{digest::ChecksumAlgorithm::kCrc32, "1234", false, 0}};
  };
  EXPECT_EQ(put(request, "x").value().checksums.at(0).value, "1234");
  EXPECT_EQ(get(get_request("k")).value().info.checksums.at(0).value, "1234");
  request.checksums = []() -> Result<std::vector<StoredChecksum>> {
    return std::vector<StoredChecksum>{{digest::ChecksumAlgorithm::kCrc32, "12345", false, 0}};
  };
  EXPECT_FAILS(put(request, "x"), Code::kInvalidArgument, "");
}

TEST_F(Objects, a_store_that_fails_at_any_call_leaves_the_old_version) {
  ASSERT_TRUE(put("k", "before").ok());
  for (const StoreCall failing : {StoreCall::kGet, StoreCall::kCreateBlob, StoreCall::kAppend,
                                  StoreCall::kFinish, StoreCall::kCommit}) {
    store.fail = [failing](StoreCall call) -> std::optional<Error> {
      if (call == failing) return Error(Code::kNoSpace, "full");
      return std::nullopt;
    };
    const Result<ObjectInfo> failed = put("k", "after");
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().code, Code::kNoSpace);
    store.fail = nullptr;
    EXPECT_EQ(read("k").value(), "before");
    EXPECT_EQ(store.all_blobs(), 1u);
  }
}

TEST_F(Objects, a_damaged_record_is_an_error_never_data) {
  ASSERT_TRUE(put("k", "bytes").ok());
  store.change_rows([](replica::Row& row) {
    if (row.key.front() == 'o') row.value.pop_back();
  });
  EXPECT_FAILS(read("k"), Code::kCorrupt, "");
}

TEST_F(Objects, are_created_only_if_absent_when_asked_so) {
  Conditions absent;
  absent.if_none_match = "*";
  EXPECT_TRUE(put("k", "one", absent).ok());
  EXPECT_FAILS(put("k", "two", absent), Code::kPreconditionFailed, "");
  EXPECT_EQ(read("k").value(), "one");
}

TEST_F(Objects, are_replaced_only_if_they_match_when_asked_so) {
  Conditions match;
  match.if_match = "*";
  EXPECT_FAILS(put("k", "one", match), Code::kNotFound, reason::kNoSuchKey);
  const ObjectInfo one = put("k", "one").value();
  match.if_match = "\"" + one.etag + "\"";
  EXPECT_TRUE(put("k", "two", match).ok());
  EXPECT_FAILS(put("k", "three", match), Code::kPreconditionFailed, "");
  EXPECT_FAILS(run(objects.remove("bucket", "k", match)), Code::kPreconditionFailed, "");
  match.if_match = "*";
  EXPECT_TRUE(run(objects.remove("bucket", "k", match)).ok());
  EXPECT_FAILS(run(objects.remove("bucket", "k", match)), Code::kNotFound, reason::kNoSuchKey);
}

TEST_F(Objects, failing_conditions_are_told_before_the_body_is_read) {
  ASSERT_TRUE(put("k", "one").ok());
  Zeroes endless(UINT64_MAX);
  PutRequest request;
  request.bucket = "bucket";
  request.key = "k";
  request.conditions.if_none_match = "*";
  EXPECT_FAILS(run(objects.put(request, endless)), Code::kPreconditionFailed, "");
}

TEST_F(Objects, conditional_reads_answer_as_http_has_it) {
  const ObjectInfo info = put("k", "one").value();
  GetRequest request = get_request("k");
  request.conditions.if_none_match = "\"" + info.etag + "\"";
  EXPECT_FAILS(get(request), Code::kNotModified, "");
  EXPECT_FAILS(run(objects.head(request)), Code::kNotModified, "");
  request.conditions = {};
  request.conditions.if_match = "\"other\"";
  EXPECT_FAILS(get(request), Code::kPreconditionFailed, "");
  EXPECT_EQ(store.live_pins(), 0u);
}

struct RangeCase {
  ByteRange range;
  std::string bytes;  // empty: not satisfiable
};

TEST_F(Objects, ranges_select_bytes) {
  store.piece_bytes = 3;
  ASSERT_TRUE(put("k", "0123456789").ok());
  const std::vector<RangeCase> cases = {{{0, 0, {}}, "0"},
                                        {{2, 5, {}}, "2345"},
                                        {{9, 9, {}}, "9"},
                                        {{7, {}, {}}, "789"},
                                        {{0, {}, {}}, "0123456789"},
                                        {{5, 100, {}}, "56789"},
                                        {{{}, {}, 3}, "789"},
                                        {{{}, {}, 100}, "0123456789"},
                                        {{10, {}, {}}, ""},
                                        {{10, 20, {}}, ""},
                                        {{{}, {}, 0}, ""},
                                        {{UINT64_MAX, UINT64_MAX, {}}, ""},
                                        {{1, UINT64_MAX, {}}, "123456789"}};
  for (const RangeCase& one : cases) {
    GetRequest request = get_request("k");
    request.range = one.range;
    Result<OpenObject> open = get(request);
    if (one.bytes.empty()) {
      EXPECT_FAILS(open, Code::kOutOfRange, reason::kInvalidRange);
      EXPECT_NE(open.error().message.find("10 bytes"), std::string::npos);
      continue;
    }
    ASSERT_TRUE(open.ok());
    EXPECT_TRUE(open->partial);
    EXPECT_EQ(open->length, one.bytes.size());
    EXPECT_EQ(open->info.size_bytes, 10u);
    EXPECT_EQ(run(read_all(*open->body)).value(), one.bytes);
  }
}

TEST_F(Objects, no_range_of_an_empty_object_can_be_satisfied) {
  ASSERT_TRUE(put("k", "").ok());
  GetRequest request = get_request("k");
  request.range = ByteRange{0, {}, {}};
  EXPECT_FAILS(get(request), Code::kOutOfRange, reason::kInvalidRange);
  request.range = ByteRange{{}, {}, 5};
  EXPECT_FAILS(get(request), Code::kOutOfRange, reason::kInvalidRange);
}

TEST_F(Objects, what_is_no_range_is_refused) {
  ASSERT_TRUE(put("k", "0123").ok());
  GetRequest request = get_request("k");
  for (const ByteRange& range : {ByteRange{2, 1, {}}, ByteRange{}, ByteRange{1, {}, 2}}) {
    request.range = range;
    EXPECT_FAILS(get(request), Code::kInvalidArgument, "");
  }
  request.range = ByteRange{0, 1, {}};
  request.part_number = 1;
  EXPECT_FAILS(get(request), Code::kInvalidArgument, "");
}

TEST_F(Objects, a_simple_object_is_its_own_only_part) {
  ASSERT_TRUE(put("k", "0123").ok());
  GetRequest request = get_request("k");
  request.part_number = 1;
  EXPECT_TRUE(get(request).value().partial);
  EXPECT_EQ(read(request).value(), "0123");
  request.part_number = 2;
  EXPECT_FAILS(get(request), Code::kOutOfRange, reason::kInvalidPartNumber);
}

}  // namespace
}  // namespace strata::object
