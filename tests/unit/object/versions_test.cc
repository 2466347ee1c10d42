// Versions, delete markers and the version "null", through the interface.
#include "objstore/object/version_id.h"
#include "tests/support/object_fixture.h"

namespace strata::object {
namespace {

class Versions : public testing::ObjectFixture {
 protected:
  void versioning(Versioning state) {
    ASSERT_TRUE(run(objects.set_versioning("bucket", state)).ok());
  }
  std::string put_version(std::string_view bytes) { return put("k", bytes).value().version_id; }
  Result<std::string> read_version(std::string id, std::string key = "k") {
    GetRequest request = get_request(std::move(key));
    request.version_id = std::move(id);
    return read(std::move(request));
  }
  Result<Removal> remove(std::optional<std::string> id = {}, std::string key = "k") {
    RemoveRequest request;
    request.bucket = "bucket";
    request.key = std::move(key);
    request.version_id = std::move(id);
    return run(objects.remove(std::move(request)));
  }
  ListVersionsPage list(ListVersionsRequest request = {}) {
    request.bucket = "bucket";
    return run(objects.list_versions(std::move(request))).value();
  }
  // "key=id" of each, "!" before delete markers, "*" behind the latest.
  std::vector<std::string> listed(ListVersionsRequest request = {}) {
    std::vector<std::string> found;
    const ListVersionsPage page = list(std::move(request));
    for (const ListedVersion& version : page.versions) {
      found.push_back((version.info.delete_marker ? "!" : "") + version.info.key + "=" +
                      version.info.version_id + (version.latest ? "*" : ""));
    }
    return found;
  }
  std::vector<std::string> keys() {
    ListRequest request;
    request.bucket = "bucket";
    std::vector<std::string> found;
    const ListPage page = run(objects.list(std::move(request))).value();
    for (const ObjectInfo& info : page.objects) found.push_back(info.key);
    return found;
  }
};

using Names = std::vector<std::string>;

TEST(VersionId, hides_its_stamp_and_is_taken_back_as_it_was_given) {
  const std::string id = make_version_id(replica::Sequence(7), 1, 2);
  EXPECT_EQ(id.size(), 32u);
  EXPECT_EQ(stamp_of_version_id(id), replica::Sequence(7));
  EXPECT_EQ(id.find("-"), std::string::npos);
  EXPECT_NE(make_version_id(replica::Sequence(7), 1, 3), id);
  EXPECT_EQ(stamp_of_version_id("null"), std::nullopt);
  EXPECT_EQ(stamp_of_version_id(""), std::nullopt);
  EXPECT_EQ(stamp_of_version_id(id + "A"), std::nullopt);
  EXPECT_EQ(stamp_of_version_id("-" + id.substr(1)), std::nullopt);
}

TEST_F(Versions, each_write_adds_one_and_all_stay_readable) {
  versioning(Versioning::kEnabled);
  const std::string first = put_version("1");
  const std::string second = put_version("22");
  EXPECT_EQ(read("k").value(), "22");
  EXPECT_EQ(read_version(first).value(), "1");
  EXPECT_EQ(read_version(second).value(), "22");
  EXPECT_EQ(listed(), (Names{"k=" + second + "*", "k=" + first}));
  EXPECT_EQ(keys(), Names{"k"});
}

TEST_F(Versions, what_was_there_before_is_the_version_null) {
  put_version("old");
  versioning(Versioning::kEnabled);
  const std::string id = put_version("new");
  EXPECT_EQ(read_version("null").value(), "old");
  EXPECT_EQ(listed(), (Names{"k=" + id + "*", "k=null"}));
  EXPECT_EQ(remove("null")->version_id, "null");
  EXPECT_FAILS(read_version("null"), Code::kNotFound, reason::kNoSuchVersion);
  EXPECT_EQ(read("k").value(), "new");
}

TEST_F(Versions, while_suspended_the_version_null_is_replaced_and_the_others_stay) {
  versioning(Versioning::kEnabled);
  const std::string first = put_version("1");
  versioning(Versioning::kSuspended);
  EXPECT_EQ(put_version("2"), "null");
  EXPECT_EQ(put_version("3"), "null");
  EXPECT_EQ(listed(), (Names{"k=null*", "k=" + first}));
  versioning(Versioning::kEnabled);
  const std::string last = put_version("4");
  EXPECT_EQ(listed(), (Names{"k=" + last + "*", "k=null", "k=" + first}));
  versioning(Versioning::kSuspended);
  EXPECT_EQ(put_version("5"), "null");
  EXPECT_EQ(listed(), (Names{"k=null*", "k=" + last, "k=" + first}));
  EXPECT_EQ(read_version("null").value(), "5");
  EXPECT_EQ(store.owned_blobs(), 3u);
}

TEST_F(Versions, a_delete_marker_hides_the_key_and_goes_as_any_version_does) {
  versioning(Versioning::kEnabled);
  const std::string first = put_version("1");
  const Removal marked = remove().value();
  EXPECT_TRUE(marked.delete_marker);
  EXPECT_FAILS(read("k"), Code::kNotFound, reason::kDeleted);
  EXPECT_FAILS(read_version(marked.version_id), Code::kInvalidArgument, reason::kIsDeleteMarker);
  EXPECT_EQ(read_version(first).value(), "1");
  EXPECT_TRUE(keys().empty());
  EXPECT_EQ(listed(), (Names{"!k=" + marked.version_id + "*", "k=" + first}));
  EXPECT_TRUE(run(objects.describe({"bucket", "k", {}}))->delete_marker);
  const Removal unmarked = remove(marked.version_id).value();
  EXPECT_TRUE(unmarked.delete_marker);
  EXPECT_EQ(unmarked.version_id, marked.version_id);
  EXPECT_EQ(read("k").value(), "1");
  EXPECT_EQ(keys(), Names{"k"});
}

TEST_F(Versions, a_key_that_never_was_can_be_marked_and_markers_add_up) {
  versioning(Versioning::kEnabled);
  const std::string first = remove()->version_id;
  const std::string second = remove()->version_id;
  EXPECT_EQ(listed(), (Names{"!k=" + second + "*", "!k=" + first}));
  EXPECT_FAILS(run(objects.delete_bucket("bucket")), Code::kConflict, reason::kBucketNotEmpty);
  EXPECT_TRUE(remove(first).ok());
  EXPECT_TRUE(remove(second).ok());
  EXPECT_EQ(store.rows(), 1u);
  EXPECT_TRUE(run(objects.delete_bucket("bucket")).ok());
}

TEST_F(Versions, while_suspended_a_deletion_replaces_the_version_null_by_a_marker) {
  put_version("old");
  versioning(Versioning::kSuspended);
  EXPECT_EQ(remove()->version_id, "null");
  EXPECT_EQ(listed(), Names{"!k=null*"});
  EXPECT_EQ(store.owned_blobs(), 0u);
  EXPECT_EQ(put_version("new"), "null");
  EXPECT_EQ(listed(), Names{"k=null*"});
}

TEST_F(Versions, the_next_newest_takes_the_place_of_the_removed_latest) {
  put_version("0");
  versioning(Versioning::kEnabled);
  const std::string first = put_version("1");
  const std::string second = put_version("2");
  EXPECT_TRUE(remove(second).ok());
  EXPECT_EQ(read("k").value(), "1");
  EXPECT_EQ(read_version("null").value(), "0");
  EXPECT_TRUE(remove(first).ok());
  EXPECT_EQ(read("k").value(), "0");
  EXPECT_EQ(listed(), Names{"k=null*"});
  EXPECT_EQ(store.rows(), 2u);
  EXPECT_TRUE(remove("null").ok());
  EXPECT_EQ(store.rows(), 1u);
  EXPECT_EQ(store.owned_blobs(), 0u);
}

TEST_F(Versions, ids_that_cannot_be_and_ids_that_are_not_there_differ) {
  versioning(Versioning::kEnabled);
  const std::string id = put_version("1");
  EXPECT_FAILS(read_version("x"), Code::kInvalidArgument, reason::kInvalidVersionId);
  EXPECT_FAILS(read_version(""), Code::kInvalidArgument, reason::kInvalidVersionId);
  EXPECT_FAILS(read_version(std::string(2000, 'a')), Code::kInvalidArgument,
               reason::kInvalidVersionId);
  EXPECT_FAILS(read_version(std::string(32, 'a')), Code::kNotFound, reason::kNoSuchVersion);
  EXPECT_FAILS(read_version(id, "other"), Code::kNotFound, reason::kNoSuchVersion);
  EXPECT_FAILS(read_version("null"), Code::kNotFound, reason::kNoSuchVersion);
  EXPECT_TRUE(remove(std::string(32, 'a')).ok());
  EXPECT_FAILS(remove("x"), Code::kInvalidArgument, reason::kInvalidVersionId);
}

TEST_F(Versions, conditions_look_at_the_current_version_and_a_marker_is_absence) {
  versioning(Versioning::kEnabled);
  put_version("1");
  Conditions absent;
  absent.if_none_match = "*";
  EXPECT_FAILS(put("k", "2", absent), Code::kPreconditionFailed, "");
  ASSERT_TRUE(remove().ok());
  EXPECT_TRUE(put("k", "2", absent).ok());
  ASSERT_TRUE(remove().ok());
  Conditions present;
  present.if_match = "*";
  EXPECT_FAILS(put("k", "3", present), Code::kNotFound, reason::kNoSuchKey);
}

TEST_F(Versions, a_completed_upload_is_a_version_and_so_is_a_copy) {
  versioning(Versioning::kEnabled);
  const std::string first = put_version("1");
  const UploadInfo upload = begin("k").value();
  const PartInfo only = part(upload, 1, "part").value();
  const ObjectInfo done = complete(completion(upload, {only})).value();
  EXPECT_EQ(complete(completion(upload, {only}))->version_id, done.version_id);
  CopyRequest copy;
  copy.source_bucket = copy.bucket = "bucket";
  copy.source_key = copy.key = "k";
  copy.source_version_id = first;
  const CopyResult restored = run(objects.copy(copy)).value();
  EXPECT_EQ(restored.source_version_id, first);
  EXPECT_EQ(listed(),
            (Names{"k=" + restored.info.version_id + "*", "k=" + done.version_id, "k=" + first}));
  EXPECT_EQ(read("k").value(), "1");
}

TEST_F(Versions, pages_go_on_where_they_ended_whatever_their_size) {
  ASSERT_TRUE(put("a", "0").ok());
  versioning(Versioning::kEnabled);
  for (const char* key : {"a", "b", "a", "c/1", "c/1", "c/2", "a", "d"})
    ASSERT_TRUE(put(key, "x").ok());
  ASSERT_TRUE(remove({}, "b").ok());
  const Names all = listed();
  EXPECT_EQ(all.size(), 10u);
  for (size_t most = 1; most <= 11; ++most) {
    ListVersionsRequest request;
    request.versions_max = most;
    Names found;
    while (true) {
      const ListVersionsPage page = list(request);
      EXPECT_LE(page.versions.size(), most);
      for (std::string& one : listed(request)) found.push_back(std::move(one));
      if (!page.truncated) break;
      request.key_marker = page.next_key_marker;
      request.version_id_marker = page.next_version_id_marker;
    }
    EXPECT_EQ(found, all) << most;
  }
}

TEST_F(Versions, listings_roll_up_and_take_markers) {
  versioning(Versioning::kEnabled);
  for (const char* key : {"a", "c/1", "c/1", "c/2", "d"}) ASSERT_TRUE(put(key, "x").ok());
  ListVersionsRequest request;
  request.delimiter = "/";
  request.versions_max = 2;
  ListVersionsPage page = list(request);
  EXPECT_EQ(page.versions.size(), 1u);
  EXPECT_EQ(page.common_prefixes, Names{"c/"});
  ASSERT_TRUE(page.truncated);
  EXPECT_EQ(page.next_key_marker, "c/");
  EXPECT_EQ(page.next_version_id_marker, "");
  request.key_marker = page.next_key_marker;
  page = list(request);
  ASSERT_EQ(page.versions.size(), 1u);
  EXPECT_EQ(page.versions[0].info.key, "d");
  EXPECT_FALSE(page.truncated);
  request = {};
  request.version_id_marker = "null";
  request.bucket = "bucket";
  EXPECT_FAILS(run(objects.list_versions(request)), Code::kInvalidArgument, "");
}

TEST_F(Versions, hidden_keys_make_no_common_prefix) {
  versioning(Versioning::kEnabled);
  for (const char* key : {"x/1", "x/2", "y/1", "y/2"}) ASSERT_TRUE(put(key, "x").ok());
  for (const char* key : {"x/1", "x/2", "y/1"}) ASSERT_TRUE(remove({}, key).ok());
  ListRequest request;
  request.bucket = "bucket";
  request.delimiter = "/";
  EXPECT_EQ(run(objects.list(request))->common_prefixes, Names{"y/"});
}

TEST_F(Versions, of_one_key_do_not_slow_a_listing_down) {
  versioning(Versioning::kEnabled);
  for (int i = 0; i < 500; ++i) put_version("x");
  ASSERT_TRUE(put("l", "x").ok());
  const size_t before = store.rows_scanned();
  EXPECT_EQ(keys(), (Names{"k", "l"}));
  EXPECT_LE(store.rows_scanned() - before, 2u);
}

TEST_F(Versions, tags_and_lists_of_one_version_change_that_one_only) {
  versioning(Versioning::kEnabled);
  const std::string first = put_version("1");
  const std::string second = put_version("2");
  ASSERT_TRUE(run(objects.set_tags({"bucket", "k", first}, {{"a", "1"}})).ok());
  ASSERT_TRUE(run(objects.set_acl({"bucket", "k", {}}, "list")).ok());
  const ObjectInfo old = run(objects.describe({"bucket", "k", first})).value();
  const ObjectInfo now = run(objects.describe({"bucket", "k", {}})).value();
  EXPECT_EQ(old.extras.tags, (Tags{{"a", "1"}}));
  EXPECT_EQ(old.extras.acl, "");
  EXPECT_EQ(now.extras.acl, "list");
  EXPECT_EQ(now.version_id, second);
  EXPECT_TRUE(now.extras.tags.empty());
  EXPECT_FAILS(run(objects.set_tags({"bucket", "none", {}}, {})), Code::kNotFound,
               reason::kNoSuchKey);
  const std::string marker = remove()->version_id;
  EXPECT_FAILS(run(objects.set_tags({"bucket", "k", marker}, {})), Code::kInvalidArgument,
               reason::kIsDeleteMarker);
}

TEST_F(Versions, a_failed_commit_changes_nothing) {
  versioning(Versioning::kEnabled);
  put_version("1");
  const std::string second = put_version("2");
  const Names before = listed();
  store.fail = [](testing::StoreCall call) -> std::optional<Error> {
    if (call == testing::StoreCall::kCommit) return Error(Code::kNoSpace, "full");
    return std::nullopt;
  };
  EXPECT_FALSE(put("k", "3").ok());
  EXPECT_FALSE(remove().ok());
  EXPECT_FALSE(remove(second).ok());
  store.fail = nullptr;
  EXPECT_EQ(listed(), before);
  EXPECT_EQ(store.owned_blobs(), store.all_blobs());
}

}  // namespace
}  // namespace strata::object
