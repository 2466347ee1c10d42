// An ObjectStore over a MemoryStore with a loop of its own: calls as plain functions.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/async/byte_source.h"
#include "common/async/event_loop.h"
#include "common/base/random.h"
#include "objstore/object/object_store.h"
#include "tests/support/memory_store.h"

namespace strata::testing {

// Wall time that stands still until a test moves it.
class StillClock final : public io::Clock {
 public:
  [[nodiscard]] SteadyTime steady_now() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] io::WallTime wall_now() const override { return now; }
  io::WallTime now{std::chrono::milliseconds(1'700'000'000'123)};
};

// Everything a source still has to say, and the error that ended it, if any.
inline async::Task<Result<std::string>> read_all(async::ByteSource& source) {
  std::string bytes;
  while (true) {
    CO_TRY_ASSIGN(const Bytes piece, co_await source.next());
    if (piece.empty()) co_return std::move(bytes);
    bytes += as_text(piece);
  }
}

class ObjectFixture : public ::testing::Test {
 protected:
  ObjectFixture() {
    EXPECT_TRUE(run(objects.create_bucket({.name = "bucket", .region = "us-east-1"})).ok());
  }

  template <typename T>
  T run(async::Task<T> task) {
    Result<T> done = async::run_until_complete(*loop, std::move(task));
    CHECK(done.ok());
    return std::move(done).value();
  }

  Result<object::ObjectInfo> put(std::string key, std::string_view bytes,
                                 object::Conditions conditions = {},
                                 object::Attributes attributes = {}) {
    object::PutRequest request;
    request.bucket = "bucket";
    request.key = std::move(key);
    request.conditions = std::move(conditions);
    request.attributes = std::move(attributes);
    return put(std::move(request), bytes);
  }
  Result<object::ObjectInfo> put(object::PutRequest request, std::string_view bytes) {
    async::MemorySource body(as_bytes(bytes));
    return run(objects.put(std::move(request), body));
  }

  object::GetRequest get_request(std::string key) {
    object::GetRequest request;
    request.bucket = "bucket";
    request.key = std::move(key);
    return request;
  }
  Result<object::OpenObject> get(object::GetRequest request) {
    return run(objects.get(std::move(request)));
  }
  // The bytes of an object, or the error.
  Result<std::string> read(object::GetRequest request) {
    TRY_ASSIGN(object::OpenObject open, get(std::move(request)));
    return run(read_all(*open.body));
  }
  Result<std::string> read(std::string key) { return read(get_request(std::move(key))); }

  Result<object::UploadInfo> begin(std::string key, object::CreateUploadRequest request = {}) {
    request.bucket = "bucket";
    request.key = std::move(key);
    return run(objects.create_upload(std::move(request)));
  }
  Result<object::PartInfo> part(const object::UploadInfo& upload, uint32_t number,
                                std::string_view bytes,
                                std::vector<object::StoredChecksum> checksums = {}) {
    object::UploadPartRequest request;
    request.bucket = "bucket";
    request.key = upload.key;
    request.upload_id = upload.upload_id;
    request.part_number = number;
    request.checksums = [checksums]() -> Result<std::vector<object::StoredChecksum>> {
      return checksums;
    };
    async::MemorySource body(as_bytes(bytes));
    return run(objects.upload_part(std::move(request), body));
  }
  object::CompleteRequest completion(const object::UploadInfo& upload,
                                     const std::vector<object::PartInfo>& parts) {
    object::CompleteRequest request;
    request.bucket = "bucket";
    request.key = upload.key;
    request.upload_id = upload.upload_id;
    for (const object::PartInfo& info : parts)
      request.parts.push_back({info.number, info.etag, {}});
    return request;
  }
  Result<object::ObjectInfo> complete(object::CompleteRequest request) {
    return run(objects.complete_upload(std::move(request)));
  }

  std::unique_ptr<async::EventLoop> loop = async::EventLoop::create().value();
  MemoryStore store;
  StillClock clock;
  SeededRandom random{1};
  object::ObjectStore objects{store, clock, random};
};

// Says both when they differ.
#define EXPECT_FAILS(result, expected_code, expected_reason)                           \
  do {                                                                                 \
    auto&& failing = (result);                                                         \
    ASSERT_FALSE(failing.ok());                                                        \
    EXPECT_EQ(failing.error().code, expected_code) << failing.error().to_string();     \
    EXPECT_EQ(failing.error().reason, expected_reason) << failing.error().to_string(); \
  } while (false)

}  // namespace strata::testing
