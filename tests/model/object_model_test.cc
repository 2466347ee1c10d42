// Random sequences of operations on an ObjectStore against a map of keys to bytes.
//
// RapidCheck prints the seed (RC_PARAMS repeats it) and shortens a failing sequence.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/codec/text.h"
#include "common/digest/checksum.h"
#include "tests/support/object_fixture.h"

namespace strata::object {
namespace {

enum class Verb {
  kPut,
  kPutIfAbsent,
  kPutIfMatch,
  kRead,
  kReadRange,
  kRemove,
  kCopy,
  kList,
  kBegin,
  kPart,
  kBigPart,
  kComplete,
  kAbort,
  kListParts,
  kListUploads,
  kReopen,
};
constexpr int kVerbs = static_cast<int>(Verb::kReopen) + 1;

// One operation; what the numbers mean depends on the verb.
struct Operation {
  Verb verb{};
  uint32_t a = 0;
  uint32_t b = 0;
  bool store_fails = false;
};

std::ostream& operator<<(std::ostream& out, const Operation& operation) {
  return out << "{" << static_cast<int>(operation.verb) << ", " << operation.a << ", "
             << operation.b << (operation.store_fails ? ", store fails" : "") << "}";
}

rc::Gen<Operation> operation_gen() {
  const auto number = rc::gen::inRange<uint32_t>(0, 64);
  return rc::gen::build<Operation>(
      rc::gen::set(&Operation::verb,
                   rc::gen::map(rc::gen::inRange(0, kVerbs), [](int verb) { return Verb(verb); })),
      rc::gen::set(&Operation::a, number), rc::gen::set(&Operation::b, number),
      rc::gen::set(&Operation::store_fails,
                   rc::gen::map(rc::gen::inRange(0, 10), [](int one) { return one == 0; })));
}

const std::vector<std::string> kKeys = {"a", "a/b", "a/c", "b", "b/c/d", "c", "a-b"};

struct ModelUpload {
  std::string key;
  std::string id;
  std::map<uint32_t, std::string> parts;
};

class Trial : public testing::ObjectFixture {
 public:
  void TestBody() override {}

  void apply(const Operation& operation) {
    fails_ = operation.store_fails;
    store.fail = [this](testing::StoreCall call) -> std::optional<Error> {
      if (fails_ && call == testing::StoreCall::kCommit) return Error(Code::kNoSpace, "full");
      return std::nullopt;
    };
    step(operation);
    store.fail = nullptr;
    fails_ = false;
    check_books();
  }

 private:
  static std::string etag_of(const std::string& bytes) {
    return codec::to_hex(std::string_view(digest::md5(as_bytes(bytes))));
  }
  const std::string& key_of(uint32_t number) { return kKeys[number % kKeys.size()]; }
  std::string bytes_of(uint32_t number) {
    return std::string(number * 7, static_cast<char>('a' + ++written_ % 26));
  }
  std::string current_etag(const std::string& key) {
    return model_.contains(key) ? etags_[key] : "0123";
  }
  ModelUpload* upload_of(uint32_t number) {
    return uploads_.empty() ? nullptr : &uploads_[number % uploads_.size()];
  }
  void now_is(const std::string& key, const std::string& bytes, const std::string& etag) {
    model_[key] = bytes;
    etags_[key] = etag;
  }

  void step(const Operation& operation) {
    switch (operation.verb) {
      case Verb::kPut:
      case Verb::kPutIfAbsent:
      case Verb::kPutIfMatch:
        return put_step(operation);
      case Verb::kRead:
      case Verb::kReadRange:
        return read_step(operation);
      case Verb::kRemove:
        return remove_step(operation);
      case Verb::kCopy:
        return copy_step(operation);
      case Verb::kList:
        return list_step(operation);
      case Verb::kBegin:
        return begin_step(operation);
      case Verb::kPart:
      case Verb::kBigPart:
        return part_step(operation);
      case Verb::kComplete:
        return complete_step(operation);
      case Verb::kAbort:
        return abort_step(operation);
      case Verb::kListParts:
        return list_parts_step(operation);
      case Verb::kListUploads:
        return list_uploads_step();
      case Verb::kReopen:
        reopened_.emplace(store, clock, random);
        return;
    }
  }

  ObjectStore& tested() { return reopened_ ? *reopened_ : objects; }

  void put_step(const Operation& operation) {
    const std::string& key = key_of(operation.a);
    const std::string bytes = bytes_of(operation.b);
    const bool present = model_.contains(key);
    PutRequest request;
    request.bucket = "bucket";
    request.key = key;
    std::optional<Code> expected;
    if (operation.verb == Verb::kPutIfAbsent) {
      request.conditions.if_none_match = "*";
      if (present) expected = Code::kPreconditionFailed;
    } else if (operation.verb == Verb::kPutIfMatch) {
      const bool right = operation.b % 2 == 0;
      request.conditions.if_match = right ? current_etag(key) : "4567";
      if (!present) {
        expected = Code::kNotFound;
      } else if (!right) {
        expected = Code::kPreconditionFailed;
      }
    }
    if (!expected && fails_) expected = Code::kNoSpace;
    async::MemorySource body(as_bytes(bytes), 50);
    const Result<ObjectInfo> done = run(tested().put(std::move(request), body));
    RC_ASSERT(done.ok() == !expected);
    if (expected) {
      RC_ASSERT(done.error().code == *expected);
    } else {
      RC_ASSERT(done->etag == etag_of(bytes));
      now_is(key, bytes, done->etag);
    }
  }

  void read_step(const Operation& operation) {
    const std::string& key = key_of(operation.a);
    GetRequest request = get_request(key);
    std::string expected = model_.contains(key) ? model_[key] : std::string();
    const bool ranged = operation.verb == Verb::kReadRange;
    if (ranged) request.range = ByteRange{operation.b * 3, operation.b * 5, {}};
    Result<OpenObject> open = run(tested().get(std::move(request)));
    if (!model_.contains(key)) {
      RC_ASSERT(open.error().reason == reason::kNoSuchKey);
      return;
    }
    if (ranged) {
      RC_ASSERT(open.ok() == (operation.b * 3 < expected.size()));
      if (!open.ok()) return;
      expected = expected.substr(operation.b * 3, operation.b * 2 + 1);
    }
    RC_ASSERT(run(testing::read_all(*open->body)).value() == expected);
    RC_ASSERT(open->info.etag == etags_[key]);
  }

  void remove_step(const Operation& operation) {
    const std::string& key = key_of(operation.a);
    const Status done = run(tested().remove("bucket", key, {}));
    const bool fails = fails_ && model_.contains(key);
    RC_ASSERT(done.ok() == !fails);
    if (done.ok()) model_.erase(key);
  }

  void copy_step(const Operation& operation) {
    const std::string& from = key_of(operation.a);
    const std::string& to = key_of(operation.b);
    CopyRequest request;
    request.source_bucket = "bucket";
    request.source_key = from;
    request.bucket = "bucket";
    request.key = to;
    const Result<CopyResult> done = run(tested().copy(std::move(request)));
    RC_ASSERT(done.ok() == (model_.contains(from) && from != to && !fails_));
    if (!done.ok()) return;
    RC_ASSERT(done->info.etag == etag_of(model_[from]));
    now_is(to, model_[from], done->info.etag);
  }

  void list_step(const Operation& operation) {
    ListRequest request;
    request.bucket = "bucket";
    request.keys_max = 1 + operation.a % 3;
    std::vector<std::string> found;
    while (true) {
      const ListPage page = run(tested().list(request)).value();
      for (const ObjectInfo& info : page.objects) {
        RC_ASSERT(info.etag == etags_[info.key]);
        RC_ASSERT(info.size_bytes == model_[info.key].size());
        found.push_back(info.key);
      }
      if (!page.truncated) break;
      request.after = page.next;
    }
    std::vector<std::string> expected;
    for (const auto& [key, bytes] : model_) expected.push_back(key);
    RC_ASSERT(found == expected);
  }

  void begin_step(const Operation& operation) {
    CreateUploadRequest request;
    request.bucket = "bucket";
    request.key = key_of(operation.a);
    const Result<UploadInfo> done = run(tested().create_upload(std::move(request)));
    RC_ASSERT(done.ok() == !fails_);
    if (done.ok()) uploads_.push_back({done->key, done->upload_id, {}});
  }

  void part_step(const Operation& operation) {
    ModelUpload* upload = upload_of(operation.a);
    if (upload == nullptr) return;
    const std::string bytes = operation.verb == Verb::kBigPart
                                  ? std::string(kPartBytesMin, static_cast<char>(++written_))
                                  : bytes_of(operation.b);
    UploadPartRequest request;
    request.bucket = "bucket";
    request.key = upload->key;
    request.upload_id = upload->id;
    request.part_number = 1 + operation.b % 4;
    async::MemorySource body(as_bytes(bytes));
    const uint32_t number = request.part_number;
    const Result<PartInfo> done = run(tested().upload_part(std::move(request), body));
    RC_ASSERT(done.ok() == !fails_);
    if (done.ok()) upload->parts[number] = bytes;
  }

  // Names the parts whose bit is set in b.
  void complete_step(const Operation& operation) {
    ModelUpload* upload = upload_of(operation.a);
    if (upload == nullptr) return;
    CompleteRequest request;
    request.bucket = "bucket";
    request.key = upload->key;
    request.upload_id = upload->id;
    std::string bytes;
    std::string md5s;
    bool sizes_hold = true;
    bool last_small = false;
    for (const auto& [number, part] : upload->parts) {
      if ((operation.b >> number & 1) != 0) continue;
      request.parts.push_back({number, etag_of(part), {}});
      sizes_hold = sizes_hold && !last_small;
      last_small = part.size() < kPartBytesMin;
      bytes += part;
      md5s += digest::md5(as_bytes(part));
    }
    const size_t parts = request.parts.size();
    const bool expected = parts > 0 && sizes_hold && !fails_;
    const Result<ObjectInfo> done = run(tested().complete_upload(request));
    RC_ASSERT(done.ok() == expected);
    if (!expected) return;
    RC_ASSERT(done->etag == etag_of(md5s) + "-" + std::to_string(parts));
    now_is(upload->key, bytes, done->etag);
    RC_ASSERT(run(tested().complete_upload(request)).ok());
    uploads_.erase(uploads_.begin() + (upload - uploads_.data()));
  }

  void abort_step(const Operation& operation) {
    ModelUpload* upload = upload_of(operation.a);
    if (upload == nullptr) return;
    const Status done = run(tested().abort_upload("bucket", upload->key, upload->id));
    RC_ASSERT(done.ok() == !fails_);
    if (done.ok()) uploads_.erase(uploads_.begin() + (upload - uploads_.data()));
  }

  void list_parts_step(const Operation& operation) {
    ModelUpload* upload = upload_of(operation.a);
    if (upload == nullptr) return;
    const ListPartsPage page =
        run(tested().list_parts("bucket", upload->key, upload->id, 0, 1000)).value();
    RC_ASSERT(page.parts.size() == upload->parts.size());
    for (const PartInfo& part : page.parts) {
      RC_ASSERT(part.etag == etag_of(upload->parts.at(part.number)));
    }
  }

  void list_uploads_step() {
    ListUploadsRequest request;
    request.bucket = "bucket";
    RC_ASSERT(run(tested().list_uploads(request)).value().uploads.size() == uploads_.size());
  }

  // Every blob is named by what the model still has, and nothing else is kept.
  void check_books() {
    size_t rows = 1 + model_.size() + uploads_.size();
    for (const ModelUpload& upload : uploads_) rows += upload.parts.size();
    RC_ASSERT(store.rows() == rows);
    RC_ASSERT(store.owned_blobs() == store.all_blobs());
    RC_ASSERT(store.live_pins() == 0u);
  }

  std::map<std::string, std::string> model_;
  std::map<std::string, std::string> etags_;
  std::vector<ModelUpload> uploads_;
  std::optional<ObjectStore> reopened_;
  uint32_t written_ = 0;
  bool fails_ = false;
};

TEST(ObjectModel, every_sequence_of_operations_behaves_as_a_map_does) {
  const bool holds = rc::check("an object store is a map of keys to bytes", [] {
    const auto operations = *rc::gen::container<std::vector<Operation>>(operation_gen());
    Trial trial;
    for (const Operation& operation : operations) trial.apply(operation);
  });
  EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace strata::object
