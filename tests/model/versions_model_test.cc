// Random sequences of changes to a bucket that keeps versions, or stops keeping them, against a
// list of versions for each key. RapidCheck prints the seed and shortens a failing sequence.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/object_fixture.h"

namespace strata::object {
namespace {

enum class VersionVerb { kPut, kRemove, kRemoveVersion, kRead, kTag, kEnable, kSuspend, kReopen };
constexpr int kVersionVerbs = static_cast<int>(VersionVerb::kReopen) + 1;

struct VersionOperation {
  VersionVerb verb{};
  uint32_t a = 0;
  uint32_t b = 0;
  bool store_fails = false;
};

std::ostream& operator<<(std::ostream& out, const VersionOperation& operation) {
  return out << "{" << static_cast<int>(operation.verb) << ", " << operation.a << ", "
             << operation.b << (operation.store_fails ? ", store fails" : "") << "}";
}

rc::Gen<VersionOperation> version_operation_gen() {
  const auto number = rc::gen::inRange<uint32_t>(0, 64);
  return rc::gen::build<VersionOperation>(
      rc::gen::set(&VersionOperation::verb,
                   rc::gen::map(rc::gen::inRange(0, kVersionVerbs),
                                [](int verb) { return VersionVerb(verb); })),
      rc::gen::set(&VersionOperation::a, number), rc::gen::set(&VersionOperation::b, number),
      rc::gen::set(&VersionOperation::store_fails,
                   rc::gen::map(rc::gen::inRange(0, 10), [](int one) { return one == 0; })));
}

const std::vector<std::string> kVersionedKeys = {"a", "a/b", "b"};

struct ModelVersion {
  std::string id;
  std::optional<std::string> content;  // absent: a delete marker
  std::string tag;
};

class VersionTrial : public testing::ObjectFixture {
 public:
  void TestBody() override {}

  void apply(const VersionOperation& operation) {
    fails_ = operation.store_fails;
    store.fail = [this](testing::StoreCall call) -> std::optional<Error> {
      if (fails_ && call == testing::StoreCall::kCommit) return Error(Code::kNoSpace, "full");
      return std::nullopt;
    };
    step(operation);
    store.fail = nullptr;
    check(1 + operation.a % 4);
  }

 private:
  using List = std::vector<ModelVersion>;  // the newest first

  ObjectStore& tested() { return reopened_ ? *reopened_ : objects; }

  void step(const VersionOperation& operation) {
    const std::string& key = kVersionedKeys[operation.a % kVersionedKeys.size()];
    switch (operation.verb) {
      case VersionVerb::kPut:
        return put_step(key);
      case VersionVerb::kRemove:
        return remove_step(key);
      case VersionVerb::kRemoveVersion:
        return remove_version_step(key, operation.b);
      case VersionVerb::kRead:
        return read_step(key, operation.b);
      case VersionVerb::kTag:
        return tag_step(key, operation.b);
      case VersionVerb::kEnable:
        return versioning_step(Versioning::kEnabled);
      case VersionVerb::kSuspend:
        return versioning_step(Versioning::kSuspended);
      case VersionVerb::kReopen:
        reopened_.emplace(store, clock, random);
        return;
    }
  }

  void add(const std::string& key, const std::string& id, std::optional<std::string> content) {
    List& list = model_[key];
    RC_ASSERT((id == "null") == (versioning_ != Versioning::kEnabled));
    std::erase_if(list, [&](const ModelVersion& one) { return one.id == id; });
    list.insert(list.begin(), {id, std::move(content), ""});
  }

  void put_step(const std::string& key) {
    const std::string bytes = "content " + std::to_string(++written_);
    PutRequest request;
    request.bucket = "bucket";
    request.key = key;
    async::MemorySource body(as_bytes(bytes));
    const Result<ObjectInfo> done = run(tested().put(std::move(request), body));
    RC_ASSERT(done.ok() == !fails_);
    if (done.ok()) add(key, done->version_id, bytes);
  }

  Result<Removal> remove(const std::string& key, std::optional<std::string> id) {
    RemoveRequest request;
    request.bucket = "bucket";
    request.key = key;
    request.version_id = std::move(id);
    return run(tested().remove(std::move(request)));
  }

  void remove_step(const std::string& key) {
    const bool changes = versioning_ != Versioning::kNever || !model_[key].empty();
    const Result<Removal> done = remove(key, {});
    RC_ASSERT(done.ok() == !(fails_ && changes));
    if (!done.ok()) return;
    if (versioning_ == Versioning::kNever) {
      model_[key].clear();
    } else {
      RC_ASSERT(done->delete_marker);
      add(key, done->version_id, std::nullopt);
    }
  }

  void remove_version_step(const std::string& key, uint32_t number) {
    List& list = model_[key];
    if (list.empty()) {
      RC_ASSERT(remove(key, "null").ok());
      return;
    }
    const ModelVersion target = list[number % list.size()];
    const Result<Removal> done = remove(key, target.id);
    RC_ASSERT(done.ok() == !fails_);
    if (!done.ok()) return;
    RC_ASSERT(done->version_id == target.id && done->delete_marker == !target.content);
    std::erase_if(list, [&](const ModelVersion& one) { return one.id == target.id; });
  }

  void read_step(const std::string& key, uint32_t number) {
    const List& list = model_[key];
    const Result<std::string> current = read_from(key, {});
    if (list.empty() || !list.front().content) {
      RC_ASSERT(current.error().reason == (list.empty() ? reason::kNoSuchKey : reason::kDeleted));
    } else {
      RC_ASSERT(*current == *list.front().content);
    }
    if (list.empty()) return;
    const ModelVersion& target = list[number % list.size()];
    const Result<std::string> found = read_from(key, target.id);
    RC_ASSERT(found.ok() == target.content.has_value());
    if (found.ok()) RC_ASSERT(*found == *target.content);
  }

  Result<std::string> read_from(const std::string& key, std::optional<std::string> id) {
    GetRequest request = get_request(key);
    request.version_id = std::move(id);
    TRY_ASSIGN(OpenObject open, run(tested().get(std::move(request))));
    return run(testing::read_all(*open.body));
  }

  void tag_step(const std::string& key, uint32_t number) {
    List& list = model_[key];
    if (list.empty()) return;
    ModelVersion& target = list[number % list.size()];
    const std::string tag = std::to_string(++written_);
    const Result<ObjectInfo> done =
        run(tested().set_tags({"bucket", key, target.id}, {{"tag", tag}}));
    RC_ASSERT(done.ok() == (target.content.has_value() && !fails_));
    if (done.ok()) target.tag = tag;
  }

  void versioning_step(Versioning versioning) {
    const Status done = run(tested().set_versioning("bucket", versioning));
    RC_ASSERT(done.ok() == !fails_);
    if (done.ok()) versioning_ = versioning;
  }

  // Both listings say what the model says, in pages of this size; nothing else is kept.
  void check(size_t page_size) {
    size_t rows = 1;
    size_t blobs = 0;
    std::vector<std::string> versions;
    std::vector<std::string> keys;
    for (const auto& [key, list] : model_) {
      rows += list.size();
      for (const ModelVersion& one : list) {
        blobs += one.content ? 1 : 0;
        versions.push_back(key + " " + one.id + (one.content ? " " : " marker ") + one.tag +
                           (&one == &list.front() ? " latest" : ""));
      }
      if (!list.empty() && list.front().content) keys.push_back(key);
    }
    RC_ASSERT(listed_versions(page_size) == versions);
    RC_ASSERT(listed_keys(page_size) == keys);
    RC_ASSERT(store.rows() == rows);
    RC_ASSERT(store.owned_blobs() == blobs);
    RC_ASSERT(store.all_blobs() == blobs);
    RC_ASSERT(store.live_pins() == 0u);
  }

  std::vector<std::string> listed_versions(size_t page_size) {
    std::vector<std::string> found;
    ListVersionsRequest request;
    request.bucket = "bucket";
    request.versions_max = page_size;
    while (true) {
      const ListVersionsPage page = run(tested().list_versions(request)).value();
      for (const ListedVersion& one : page.versions) {
        const Tags& tags = one.info.extras.tags;
        found.push_back(one.info.key + " " + one.info.version_id +
                        (one.info.delete_marker ? " marker " : " ") +
                        (tags.empty() ? "" : tags.front().second) + (one.latest ? " latest" : ""));
      }
      if (!page.truncated) return found;
      request.key_marker = page.next_key_marker;
      request.version_id_marker = page.next_version_id_marker;
    }
  }

  std::vector<std::string> listed_keys(size_t page_size) {
    std::vector<std::string> found;
    ListRequest request;
    request.bucket = "bucket";
    request.keys_max = page_size;
    while (true) {
      const ListPage page = run(tested().list(request)).value();
      for (const ObjectInfo& info : page.objects) found.push_back(info.key);
      if (!page.truncated) return found;
      request.after = page.next;
    }
  }

  std::map<std::string, List> model_;
  Versioning versioning_ = Versioning::kNever;
  std::optional<ObjectStore> reopened_;
  uint32_t written_ = 0;
  bool fails_ = false;
};

TEST(VersionsModel, every_sequence_of_changes_behaves_as_lists_of_versions_do) {
  const bool holds = rc::check("a bucket is a list of versions for each key", [] {
    const auto operations =
        *rc::gen::container<std::vector<VersionOperation>>(version_operation_gen());
    VersionTrial trial;
    for (const VersionOperation& operation : operations) trial.apply(operation);
  });
  EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace strata::object
