// What is stored under encryption comes back, and comes back to nobody else.
#include <gtest/gtest.h>

#include "common/codec/text.h"
#include "common/io/memory_file_system.h"
#include "objstore/encryption/segments.h"
#include "tests/support/object_fixture.h"

namespace strata::object {
namespace {

using encryption::Choice;
using encryption::CustomerKey;
using encryption::Method;

constexpr uint64_t kSegment = encryption::kSegmentBytes;

class EncryptionTest : public testing::ObjectFixture {
 protected:
  EncryptionTest() { EXPECT_TRUE(ring_->create("mine").ok()); }

  static CustomerKey customer(char c) {
    return {crypto::Secret(as_bytes(std::string(crypto::kKeyBytes, c))), "md5"};
  }
  static Choice choice_of(Method method) {
    Choice choice;
    choice.method = method;
    if (method == Method::kKms) choice.key_name = "mine";
    if (method == Method::kCustomer) choice.customer = customer('a');
    return choice;
  }
  static std::optional<CustomerKey> key_of(Method method) {
    if (method != Method::kCustomer) return std::nullopt;
    return customer('a');
  }
  static std::string text_of(size_t bytes) {
    std::string text(bytes, '\0');
    SeededRandom random(bytes);
    random.fill(std::as_writable_bytes(std::span(text)));
    return text;
  }

  Result<ObjectInfo> put_as(std::string key, std::string_view bytes, Method method) {
    PutRequest request;
    request.bucket = "bucket";
    request.key = std::move(key);
    request.encryption = choice_of(method);
    async::MemorySource body(as_bytes(bytes), 10'000);
    return run(sealed_.put(std::move(request), body));
  }
  Result<std::string> read_as(GetRequest request) {
    TRY_ASSIGN(OpenObject open, run(sealed_.get(std::move(request))));
    return run(testing::read_all(*open.body));
  }
  Result<std::string> read_as(std::string key, Method method,
                              std::optional<ByteRange> range = std::nullopt) {
    GetRequest request = get_request(std::move(key));
    request.customer_key = key_of(method);
    request.range = range;
    return read_as(std::move(request));
  }
  ObjectInfo put_parts(const std::string& key, const std::vector<std::string>& parts,
                       Method method) {
    CreateUploadRequest create;
    create.bucket = "bucket";
    create.key = key;
    create.encryption = choice_of(method);
    const UploadInfo upload = run(sealed_.create_upload(std::move(create))).value();
    std::vector<PartInfo> done;
    for (size_t i = 0; i < parts.size(); ++i) {
      UploadPartRequest request;
      request.bucket = "bucket";
      request.key = key;
      request.upload_id = upload.upload_id;
      request.part_number = static_cast<uint32_t>(i + 1);
      request.customer_key = key_of(method);
      async::MemorySource body(as_bytes(parts[i]), 100'000);
      done.push_back(run(sealed_.upload_part(std::move(request), body)).value());
    }
    return run(sealed_.complete_upload(completion(upload, done))).value();
  }

  io::MemoryFileSystem files_;
  std::unique_ptr<encryption::KeyRing> ring_ =
      encryption::KeyRing::open(files_, "keys", clock, random).value();
  ObjectStore sealed_{store, clock, random, ring_.get()};
};

constexpr Method kMethods[] = {Method::kS3, Method::kKms, Method::kCustomer};

TEST_F(EncryptionTest, an_object_of_any_size_comes_back) {
  for (const Method method : kMethods) {
    for (const size_t bytes : {size_t{0}, size_t{1}, size_t{kSegment - 1}, size_t{kSegment},
                               size_t{kSegment + 1}, size_t{3 * kSegment + 7}}) {
      const std::string plain = text_of(bytes);
      const auto info = put_as("key", plain, method);
      ASSERT_TRUE(info.ok()) << info.error().to_string();
      EXPECT_EQ(info->size_bytes, bytes);
      EXPECT_EQ(*read_as("key", method), plain);
    }
  }
}

TEST_F(EncryptionTest, a_range_comes_back_at_every_boundary) {
  const std::string plain = text_of(3 * kSegment + 7);
  const uint64_t edges[] = {
      0, 1, kSegment - 1, kSegment, kSegment + 1, 3 * kSegment, 3 * kSegment + 6};
  ASSERT_TRUE(put_as("key", plain, Method::kKms).ok());
  for (const uint64_t first : edges) {
    for (const uint64_t last : edges) {
      if (last < first) continue;
      EXPECT_EQ(*read_as("key", Method::kKms, ByteRange{first, last, {}}),
                plain.substr(first, last - first + 1))
          << first << " to " << last;
    }
  }
}

TEST_F(EncryptionTest, parts_become_an_object_and_ranges_go_across_them) {
  const std::string one = text_of(kPartBytesMin + 3);
  const std::string two = text_of(kSegment + 1);
  const std::string plain = one + two;
  for (const Method method : kMethods) {
    const ObjectInfo info = put_parts("key", {one, two}, method);
    EXPECT_EQ(info.size_bytes, plain.size());
    EXPECT_EQ(*read_as("key", method), plain);
    EXPECT_EQ(*read_as("key", method, ByteRange{one.size() - 5, one.size() + 5, {}}),
              plain.substr(one.size() - 5, 11));
    GetRequest part = get_request("key");
    part.part_number = 2;
    part.customer_key = key_of(method);
    EXPECT_EQ(*read_as(std::move(part)), two);
  }
}

TEST_F(EncryptionTest, the_etag_is_an_md5_only_where_the_server_holds_the_key) {
  const std::string plain = "hello";
  const std::string md5 = codec::to_hex(std::string_view(digest::md5(as_bytes(plain))));
  EXPECT_EQ(put_as("key", plain, Method::kS3)->etag, md5);
  for (const Method method : {Method::kKms, Method::kCustomer}) {
    const std::string etag = put_as("key", plain, method)->etag;
    EXPECT_NE(etag, md5);
    EXPECT_EQ(etag.size(), md5.size());
    EXPECT_NE(etag, put_as("key", plain, method)->etag) << "it tells nothing of the bytes";
  }
}

TEST_F(EncryptionTest, a_customers_object_needs_its_key_and_no_other) {
  ASSERT_TRUE(put_as("key", "secret", Method::kCustomer).ok());
  EXPECT_FAILS(read_as(get_request("key")), Code::kInvalidArgument, encryption::kKeyNeededReason);
  GetRequest wrong = get_request("key");
  wrong.customer_key = customer('b');
  EXPECT_FAILS(read_as(wrong), Code::kPermissionDenied, encryption::kWrongKeyReason);
  EXPECT_FAILS(run(sealed_.head(wrong)), Code::kPermissionDenied, encryption::kWrongKeyReason);
  ASSERT_TRUE(put_as("plain", "x", Method::kS3).ok());
  GetRequest needless = get_request("plain");
  needless.customer_key = customer('a');
  EXPECT_FAILS(read_as(needless), Code::kInvalidArgument, encryption::kKeyNotApplicableReason);
}

TEST_F(EncryptionTest, a_part_needs_the_key_that_its_upload_was_begun_with) {
  CreateUploadRequest create;
  create.bucket = "bucket";
  create.key = "key";
  create.encryption = choice_of(Method::kCustomer);
  const UploadInfo upload = run(sealed_.create_upload(std::move(create))).value();
  UploadPartRequest request;
  request.bucket = "bucket";
  request.key = "key";
  request.upload_id = upload.upload_id;
  request.part_number = 1;
  async::MemorySource body(as_bytes("x"));
  EXPECT_FAILS(run(sealed_.upload_part(request, body)), Code::kInvalidArgument,
               encryption::kKeyNeededReason);
  request.customer_key = customer('b');
  EXPECT_FAILS(run(sealed_.upload_part(request, body)), Code::kInvalidArgument,
               encryption::kKeyNotApplicableReason);
}

TEST_F(EncryptionTest, a_copy_is_encrypted_anew_or_not_at_all) {
  const std::string plain = text_of(2 * kSegment);
  ASSERT_TRUE(put_as("source", plain, Method::kCustomer).ok());
  CopyRequest copy;
  copy.source_bucket = copy.bucket = "bucket";
  copy.source_key = "source";
  copy.key = "copy";
  EXPECT_FAILS(run(sealed_.copy(copy)), Code::kInvalidArgument, encryption::kKeyNeededReason);
  copy.source_customer_key = customer('a');
  copy.encryption = choice_of(Method::kKms);
  ASSERT_TRUE(run(sealed_.copy(copy)).ok());
  EXPECT_EQ(*read_as("copy", Method::kKms), plain);
  copy.encryption.reset();
  ASSERT_TRUE(run(sealed_.copy(copy)).ok());
  EXPECT_EQ(*read("copy"), plain) << "the store without keys reads it: it is in the clear";
}

TEST_F(EncryptionTest, an_object_outlives_the_rotation_of_its_key) {
  ASSERT_TRUE(put_as("old", "before", Method::kKms).ok());
  ASSERT_TRUE(ring_->rotate("mine").ok());
  ASSERT_TRUE(put_as("new", "after", Method::kKms).ok());
  EXPECT_EQ(*read_as("old", Method::kKms), "before");
  EXPECT_EQ(*read_as("new", Method::kKms), "after");
}

TEST_F(EncryptionTest, a_store_without_keys_refuses_instead_of_giving_sealed_bytes) {
  ASSERT_TRUE(put_as("key", "secret", Method::kS3).ok());
  EXPECT_EQ(get(get_request("key")).error().code, Code::kUnsupported);
}

}  // namespace
}  // namespace strata::object
