#include "strata/own_place.h"

#include <fmt/format.h>

#include <atomic>

#include "objstore/object/object_store.h"

namespace strata::roof {
namespace {

using object::ObjectStore;

async::Task<Status> put_object(ObjectStore& objects, object::PutRequest request, Bytes bytes) {
  async::MemorySource body(bytes);
  auto put = co_await objects.put(std::move(request), body);
  if (!put.ok()) co_return std::move(put).error();
  co_return Status();
}

async::Task<Result<ByteVector>> get_object(ObjectStore& objects, object::GetRequest request,
                                           uint64_t bytes_max) {
  auto opened = co_await objects.get(std::move(request));
  if (!opened.ok()) co_return std::move(opened).error();
  if (opened->length > bytes_max) {
    co_return Error(Code::kTooLarge, fmt::format("the object is longer than {} bytes", bytes_max));
  }
  ByteVector out;
  out.reserve(opened->length);
  for (;;) {
    auto piece = co_await opened->body->next();
    if (!piece.ok()) co_return std::move(piece).error();
    if (piece->empty()) co_return out;
    out.insert(out.end(), piece->begin(), piece->end());
  }
}

async::Task<Result<bool>> head_object(ObjectStore& objects, object::GetRequest request) {
  auto opened = co_await objects.head(std::move(request));
  if (opened.ok()) co_return true;
  if (opened.error().code == Code::kNotFound) co_return false;
  co_return std::move(opened).error();
}

async::Task<Result<object::ListPage>> list_objects(ObjectStore& objects,
                                                   object::ListRequest request) {
  co_return co_await objects.list(std::move(request));
}

async::Task<Status> remove_object(ObjectStore& objects, std::string bucket, std::string key) {
  object::Conditions none;
  co_return co_await objects.remove(std::move(bucket), std::move(key), std::move(none));
}

async::Task<Status> make_bucket(ObjectStore& objects, std::string bucket, std::string region) {
  object::CreateBucketRequest request;
  request.name = std::move(bucket);
  request.region = std::move(region);
  Status made = co_await objects.create_bucket(std::move(request));
  if (!made.ok() && made.error().code == Code::kAlreadyExists) co_return Status();
  co_return made;
}

class OwnPlace final : public chunks::ObjectPlace {
 public:
  OwnPlace(ObjectStore& objects, LoopThreads& loops, std::string bucket, std::string prefix,
           std::string region)
      : objects_(objects),
        loops_(loops),
        bucket_(std::move(bucket)),
        prefix_(std::move(prefix)),
        region_(std::move(region)) {}

  Status put(const std::string& key, Bytes bytes, bool if_absent) override {
    if (!bucket_is_there_.load()) {
      TRY(loops_.run(make_bucket(objects_, bucket_, region_)));
      bucket_is_there_.store(true);
    }
    object::PutRequest request;
    request.bucket = bucket_;
    request.key = prefix_ + key;
    request.size_bytes = bytes.size();
    if (if_absent) request.conditions.if_none_match = "*";
    Status put = loops_.run(put_object(objects_, std::move(request), bytes));
    if (!put.ok() && if_absent && put.error().code == Code::kPreconditionFailed) {
      return Error(Code::kAlreadyExists, fmt::format("{} is there already", key));
    }
    return put;
  }
  Result<ByteVector> get(const std::string& key, uint64_t bytes_max) override {
    return loops_.run(get_object(objects_, request_for(key), bytes_max));
  }
  Result<bool> exists(const std::string& key) override {
    return loops_.run(head_object(objects_, request_for(key)));
  }
  Result<std::vector<chunks::PlacedObject>> list(const std::string& prefix,
                                                 const std::string& after) override {
    object::ListRequest request;
    request.bucket = bucket_;
    request.prefix = prefix_ + prefix;
    request.after = after.empty() ? std::string() : prefix_ + after;
    auto page = loops_.run(list_objects(objects_, std::move(request)));
    std::vector<chunks::PlacedObject> out;
    if (!page.ok()) {
      // Nothing has been stored yet.
      if (page.error().code == Code::kNotFound) return out;
      return std::move(page).error();
    }
    for (object::ObjectInfo& info : page->objects) {
      out.push_back({info.key.substr(prefix_.size()), info.size_bytes,
                     info.modified.time_since_epoch().count()});
    }
    return out;
  }
  Status remove(const std::string& key) override {
    Status removed = loops_.run(remove_object(objects_, bucket_, prefix_ + key));
    if (!removed.ok() && removed.error().code == Code::kNotFound) return {};
    return removed;
  }
  [[nodiscard]] std::string name() const override {
    return fmt::format("s3://{}{}{}", bucket_, prefix_.empty() ? "" : "/", prefix_);
  }

 private:
  [[nodiscard]] object::GetRequest request_for(const std::string& key) const {
    object::GetRequest request;
    request.bucket = bucket_;
    request.key = prefix_ + key;
    return request;
  }

  ObjectStore& objects_;
  LoopThreads& loops_;
  const std::string bucket_;
  const std::string prefix_;
  const std::string region_;
  std::atomic<bool> bucket_is_there_{false};
};

}  // namespace

std::unique_ptr<chunks::ObjectPlace> make_own_place(ObjectStore& objects, LoopThreads& loops,
                                                    std::string bucket, std::string prefix,
                                                    std::string region) {
  return std::make_unique<OwnPlace>(objects, loops, std::move(bucket), std::move(prefix),
                                    std::move(region));
}

}  // namespace strata::roof
