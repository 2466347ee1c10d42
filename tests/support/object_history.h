// A scripted life of an object store over a ReplicaSet, and the book of what it must hold: for
// crash and fault tests. One thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/io/manual_clock.h"
#include "objstore/object/object_store.h"
#include "tests/support/replica_fixture.h"
#include "tests/support/version_book.h"

namespace strata::tests {

struct Step {
  // The last three in a bucket that keeps versions: one more, a delete marker, one less.
  enum class Kind { kPut, kPutLarge, kRemove, kCopy, kUpload, kVersion, kMark, kEndVersion };
  Kind kind = Kind::kPut;
  int key = 0;
  uint64_t seed = 0;  // of the content; for a copy, the source's key; of which version ends
};

inline std::string to_text(const std::vector<Step>& steps) {
  constexpr const char* kNames[] = {"put",    "put_large", "remove", "copy",
                                    "upload", "version",   "mark",   "end_version"};
  std::string text;
  for (const Step& step : steps) {
    text += std::string(kNames[static_cast<size_t>(step.kind)]) + "(" + std::to_string(step.key) +
            "," + std::to_string(step.seed) + ") ";
  }
  return text;
}

inline std::vector<Step> random_steps(RandomSource& random, size_t count, int keys) {
  std::vector<Step> steps;
  for (size_t i = 0; i < count; ++i) {
    steps.push_back(Step{.kind = static_cast<Step::Kind>(random.below(8)),
                         .key = static_cast<int>(random.below(keys)),
                         .seed = random.below(1'000'000)});
    if (steps.back().kind == Step::Kind::kCopy) steps.back().seed = random.below(keys);
  }
  return steps;
}

// A short one with everything in it.
inline std::vector<Step> short_history() {
  using Kind = Step::Kind;
  return {{Kind::kPut, 0, 1},       {Kind::kPutLarge, 1, 2}, {Kind::kPut, 0, 3},
          {Kind::kCopy, 2, 1},      {Kind::kRemove, 0, 0},   {Kind::kUpload, 0, 5},
          {Kind::kPutLarge, 1, 6},  {Kind::kRemove, 2, 0},   {Kind::kVersion, 0, 7},
          {Kind::kVersion, 0, 8},   {Kind::kMark, 0, 0},     {Kind::kEndVersion, 0, 0},
          {Kind::kEndVersion, 0, 1}};
}

// What each key may hold. Copied from a life that was cut into the lives after it.
class ObjectBook {
 public:
  using Value = std::optional<std::string>;
  void asked(const std::string& key, Value value) { doubted_[key] = std::move(value); }
  void done(const std::string& key) { known_[key] = std::move(doubted_[key]), doubted_.erase(key); }
  [[nodiscard]] Value known(const std::string& key) const {
    const auto found = known_.find(key);
    return found == known_.end() ? std::nullopt : found->second;
  }
  [[nodiscard]] VersionBook& versions(const std::string& key) { return versions_[key]; }
  // Takes what was found as true; false if it cannot be.
  [[nodiscard]] bool found(const std::string& key, const Value& value) {
    const auto doubted = doubted_.find(key);
    const bool is_doubted = doubted != doubted_.end() && doubted->second == value;
    if (!is_doubted && known(key) != value) return false;
    known_[key] = value;
    doubted_.erase(key);
    return true;
  }

 private:
  std::map<std::string, Value> known_;
  std::map<std::string, Value> doubted_;
  std::map<std::string, VersionBook> versions_;
};

class ObjectWorld {
 public:
  ObjectWorld(std::vector<io::FileSystem*> disks, uint32_t replicas, ObjectBook book = {})
      : fixture(std::move(disks), replicas, next_seed()), book_(std::move(book)) {}

  [[nodiscard]] Status start() {
    TRY(fixture.start());
    objects_ = std::make_unique<object::ObjectStore>(fixture.store(), clock, random_);
    return {};
  }
  void stop() {
    objects_.reset();
    fixture.stop();
  }
  [[nodiscard]] Status make_bucket() {
    TRY(fixture.run(objects_->create_bucket({.name = "bucket", .region = "us-east-1"})));
    TRY(fixture.run(objects_->create_bucket({.name = kVersioned, .region = "us-east-1"})));
    return fixture.run(objects_->set_versioning(kVersioned, object::Versioning::kEnabled));
  }
  [[nodiscard]] const ObjectBook& book() const { return book_; }
  [[nodiscard]] object::ObjectStore& objects() { return *objects_; }

  // An error leaves the key in doubt.
  [[nodiscard]] Status apply(const Step& step) {
    const std::string key = key_of(step.key);
    if (step.kind >= Step::Kind::kVersion) return apply_to_versions(step);
    if (step.kind == Step::Kind::kRemove) {
      book_.asked(key, std::nullopt);
      TRY(fixture.run(objects_->remove("bucket", key, {})));
    } else if (step.kind == Step::Kind::kCopy) {
      const std::string source = key_of(static_cast<int>(step.seed));
      if (source == key || !book_.known(source)) return {};
      book_.asked(key, book_.known(source));
      object::CopyRequest request;
      request.source_bucket = request.bucket = "bucket";
      request.source_key = source;
      request.key = key;
      TRY(fixture.run(objects_->copy(std::move(request))));
    } else {
      const std::string content = content_of(step);
      book_.asked(key, content);
      if (step.kind == Step::Kind::kUpload) {
        TRY(fixture.run(upload(key, content)));
      } else {
        async::MemorySource body(as_bytes(content));
        object::PutRequest request;
        request.bucket = "bucket";
        request.key = key;
        request.size_bytes = content.size();
        TRY(fixture.run(objects_->put(std::move(request), body)));
      }
    }
    book_.done(key);
    return {};
  }

  // Reads and lists everything; what is wrong with it, if anything is.
  [[nodiscard]] std::optional<std::string> check() {
    std::set<std::string> there;
    for (int number = 0; number < kKeys; ++number) {
      const std::string key = key_of(number);
      const auto content = fixture.run(read(key));
      if (!content.ok()) return key + " cannot be read: " + content.error().to_string();
      if (!book_.found(key, *content)) {
        return key + (*content ? " holds something else" : " is gone") +
               (book_.known(key) ? "" : " and was removed");
      }
      if (*content) there.insert(key);
    }
    object::ListRequest request;
    request.bucket = "bucket";
    const auto page = fixture.run(objects_->list(std::move(request)));
    if (!page.ok()) return "the listing: " + page.error().to_string();
    std::set<std::string> listed;
    for (const object::ObjectInfo& info : page->objects) listed.insert(info.key);
    if (listed != there) return "the listing differs from what can be read";
    for (int number = 0; number < kVersionedKeys; ++number) {
      if (auto wrong = check_versions(key_of(number))) return wrong;
    }
    return std::nullopt;
  }

  static constexpr int kKeys = 4;
  static constexpr int kVersionedKeys = 2;
  ReplicaFixture fixture;
  io::ManualClock clock;

 private:
  // Another one for each life: two lives must not give their blobs the same ids.
  static uint64_t next_seed() {
    static uint64_t seed = 1;
    return seed++;
  }
  [[nodiscard]] Status apply_to_versions(const Step& step) {
    const std::string key = key_of(step.key % kVersionedKeys);
    VersionBook& book = book_.versions(key);
    if (step.kind == Step::Kind::kVersion) {
      const std::string content = content_of(step);
      book.asked_to_add(content);
      object::PutRequest request;
      request.bucket = kVersioned;
      request.key = key;
      async::MemorySource body(as_bytes(content));
      TRY_ASSIGN(const object::ObjectInfo made,
                 fixture.run(objects_->put(std::move(request), body)));
      book.done(made.version_id);
      return {};
    }
    object::RemoveRequest request;
    request.bucket = kVersioned;
    request.key = key;
    if (step.kind == Step::Kind::kMark) {
      book.asked_to_add(std::nullopt);
    } else {
      if (book.known().empty()) return {};
      request.version_id = book.known()[step.seed % book.known().size()].id;
      book.asked_to_remove(*request.version_id);
    }
    TRY_ASSIGN(const object::Removal done, fixture.run(objects_->remove(std::move(request))));
    book.done(done.version_id);
    return {};
  }

  // The listed versions of a key, each read by its id; and the current one without.
  [[nodiscard]] std::optional<std::string> check_versions(const std::string& key) {
    object::ListVersionsRequest request;
    request.bucket = kVersioned;
    request.prefix = key;
    const auto page = fixture.run(objects_->list_versions(std::move(request)));
    if (!page.ok()) return "the versions of " + key + ": " + page.error().to_string();
    VersionBook::List found;
    for (const object::ListedVersion& version : page->versions) {
      if (version.latest != found.empty()) return "not the first version of " + key + " is latest";
      found.push_back({version.info.version_id, std::nullopt});
      const auto content = fixture.run(read(key, kVersioned, version.info.version_id));
      if (version.info.delete_marker) continue;
      if (!content.ok()) return "a version of " + key + ": " + content.error().to_string();
      found.back().content = *content;
      if (!*content) return "a listed version of " + key + " is not there";
    }
    const auto current = fixture.run(read(key, kVersioned, std::nullopt));
    if (!current.ok()) return key + " cannot be read: " + current.error().to_string();
    if (*current != (found.empty() ? std::nullopt : found.front().content)) {
      return "the current version of " + key + " is not the latest";
    }
    if (!book_.versions(key).found(found)) return "the versions of " + key + " are others";
    return std::nullopt;
  }

  static std::string key_of(int number) { return "key" + std::to_string(number); }
  static std::string content_of(const Step& step) {
    const bool large = step.kind == Step::Kind::kPutLarge;
    return random_text(step.seed, large ? 131'073 + step.seed % 60'000 : step.seed % 9'000);
  }
  async::Task<Status> upload(std::string key, std::string content) {
    object::CreateUploadRequest create;
    create.bucket = "bucket";
    create.key = key;
    CO_TRY_ASSIGN(const object::UploadInfo info, co_await objects_->create_upload(create));
    object::UploadPartRequest part;
    part.bucket = "bucket";
    part.key = key;
    part.upload_id = info.upload_id;
    part.part_number = 1;
    async::MemorySource body(as_bytes(content));
    CO_TRY_ASSIGN(const object::PartInfo done, co_await objects_->upload_part(part, body));
    object::CompleteRequest complete;
    complete.bucket = "bucket";
    complete.key = key;
    complete.upload_id = info.upload_id;
    complete.parts.push_back({done.number, done.etag, {}});
    CO_TRY(co_await objects_->complete_upload(std::move(complete)));
    co_return Status();
  }
  async::Task<Result<ObjectBook::Value>> read(std::string key, std::string bucket = "bucket",
                                              std::optional<std::string> version_id = {}) {
    object::GetRequest request;
    request.bucket = std::move(bucket);
    request.key = key;
    request.version_id = std::move(version_id);
    auto open = co_await objects_->get(std::move(request));
    if (!open.ok() && (open.error().code == Code::kNotFound ||
                       open.error().reason == object::reason::kIsDeleteMarker)) {
      co_return ObjectBook::Value();
    }
    if (!open.ok()) co_return open.error();
    std::string content;
    for (;;) {
      CO_TRY_ASSIGN(const Bytes piece, co_await open->body->next());
      if (piece.empty()) co_return ObjectBook::Value(std::move(content));
      content.append(as_text(piece));
    }
  }

  static constexpr const char* kVersioned = "versioned";
  SeededRandom random_{next_seed()};
  std::unique_ptr<object::ObjectStore> objects_;
  ObjectBook book_;
};

}  // namespace strata::tests
