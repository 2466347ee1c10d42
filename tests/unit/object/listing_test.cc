#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <set>

#include "objstore/object/listing_walk.h"
#include "objstore/object/row_keys.h"
#include "tests/support/object_fixture.h"

namespace strata::object {
namespace {

// What a listing is, said in the simplest way: every name greater than `after`, in order.
std::vector<std::pair<std::string, bool>> naive_listing(const std::set<std::string>& keys,
                                                        const ListRequest& request) {
  std::set<std::pair<std::string, bool>> names;
  for (const std::string& key : keys) {
    if (!key.starts_with(request.prefix)) continue;
    const size_t found = request.delimiter.empty()
                             ? std::string::npos
                             : key.find(request.delimiter, request.prefix.size());
    const bool rolled_up = found != std::string::npos;
    std::string name = rolled_up ? key.substr(0, found + request.delimiter.size()) : key;
    if (request.after.empty() || name > request.after) names.emplace(std::move(name), rolled_up);
  }
  return {names.begin(), names.end()};
}

class Listing : public testing::ObjectFixture {
 protected:
  Result<ListPage> list(ListRequest request) {
    request.bucket = "bucket";
    return run(objects.list(std::move(request)));
  }
  void put_all(const std::set<std::string>& keys) {
    for (const std::string& key : keys) CHECK(put(key, "").ok());
  }
  // Every page, each checked for order and size.
  std::vector<std::pair<std::string, bool>> list_all(ListRequest request) {
    std::vector<std::pair<std::string, bool>> names;
    while (true) {
      const ListPage page = list(request).value();
      std::vector<std::pair<std::string, bool>> found;
      for (const ObjectInfo& info : page.objects) found.emplace_back(info.key, false);
      CHECK(std::is_sorted(found.begin(), found.end()));
      CHECK(std::is_sorted(page.common_prefixes.begin(), page.common_prefixes.end()));
      for (const std::string& prefix : page.common_prefixes) found.emplace_back(prefix, true);
      CHECK(found.size() <= request.keys_max);
      std::sort(found.begin(), found.end());
      names.insert(names.end(), found.begin(), found.end());
      if (!page.truncated) return names;
      CHECK(found.size() == request.keys_max && page.next == found.back().first);
      request.after = page.next;
    }
  }
};

TEST_F(Listing, rolls_up_at_the_delimiter) {
  put_all({"a", "dir", "dir/1", "dir/2", "dir/sub/3", "dir0", "z"});
  ListRequest request;
  request.delimiter = "/";
  ListPage page = list(request).value();
  EXPECT_EQ(page.common_prefixes, std::vector<std::string>{"dir/"});
  ASSERT_EQ(page.objects.size(), 4u);
  EXPECT_EQ(page.objects[2].key, "dir0");
  EXPECT_FALSE(page.truncated);
  EXPECT_EQ(page.next, "");
  request.prefix = "dir/";
  page = list(request).value();
  EXPECT_EQ(page.common_prefixes, std::vector<std::string>{"dir/sub/"});
  EXPECT_EQ(page.objects.size(), 2u);
}

TEST_F(Listing, tells_what_a_reader_would_find) {
  clock.now += std::chrono::hours(1);
  const ObjectInfo info = put("k", "hello").value();
  const ListPage page = list({}).value();
  ASSERT_EQ(page.objects.size(), 1u);
  EXPECT_EQ(page.objects[0].etag, info.etag);
  EXPECT_EQ(page.objects[0].size_bytes, 5u);
  EXPECT_EQ(page.objects[0].modified, clock.now);
}

TEST_F(Listing, of_no_keys_at_most_is_empty_and_complete) {
  put_all({"a"});
  ListRequest request;
  request.keys_max = 0;
  const ListPage page = list(request).value();
  EXPECT_TRUE(page.objects.empty());
  EXPECT_FALSE(page.truncated);
}

TEST_F(Listing, gives_a_thousand_keys_at_most) {
  for (int i = 0; i < 1001; ++i) ASSERT_TRUE(put("k" + std::to_string(i), "").ok());
  ListRequest request;
  request.keys_max = 5000;
  const ListPage page = list(request).value();
  EXPECT_EQ(page.objects.size(), kListKeysMax);
  EXPECT_TRUE(page.truncated);
}

TEST_F(Listing, seeks_past_what_is_under_a_common_prefix) {
  for (int i = 0; i < 3000; ++i) {
    ASSERT_TRUE(put("dir" + std::to_string(i % 3) + "/" + std::to_string(i), "").ok());
  }
  const size_t before = store.rows_scanned();
  ListRequest request;
  request.delimiter = "/";
  EXPECT_EQ(list(request).value().common_prefixes.size(), 3u);
  EXPECT_LT(store.rows_scanned() - before, 200u);
}

TEST_F(Listing, after_a_name_inside_a_common_prefix_passes_over_that_prefix) {
  put_all({"a/1", "a/2", "b"});
  ListRequest request;
  request.delimiter = "/";
  request.after = "a/1";
  const ListPage page = list(request).value();
  EXPECT_TRUE(page.common_prefixes.empty());
  ASSERT_EQ(page.objects.size(), 1u);
}

TEST_F(Listing, is_unmoved_by_strange_prefixes_and_markers) {
  put_all({"a", "ab", "b"});
  ASSERT_TRUE(begin("a").ok());
  ListRequest request;
  request.prefix = std::string("a\0", 2);
  EXPECT_TRUE(list_all(request).empty());
  request.prefix = std::string(5000, 'a');
  EXPECT_TRUE(list_all(request).empty());
  request.prefix = "\xff";
  EXPECT_TRUE(list_all(request).empty());
  request.prefix.clear();
  request.after = std::string("a\0zzz", 5);
  EXPECT_EQ(list_all(request).size(), 2u);
  request.after = std::string(5000, 'a');
  EXPECT_EQ(list_all(request).size(), 2u);
  request.after = "\xff\xff";
  request.delimiter = "\xff";
  EXPECT_TRUE(list_all(request).empty());
  request.after = "a";
  request.prefix = "b";
  EXPECT_EQ(list_all(request).size(), 1u);
  request.after = "c";
  EXPECT_TRUE(list_all(request).empty());
}

async::Task<std::vector<std::string>> walk_names(replica::Store& store, std::string delimiter) {
  ListingWalk walk(store, rows::objects_head("bucket"), "", std::move(delimiter), "", 1);
  std::vector<std::string> names;
  while (true) {
    Result<std::optional<ListingWalk::Entry>> entry = co_await walk.next();
    CHECK(entry.ok());
    if (!*entry) co_return std::move(names);
    names.push_back((*entry)->name);
  }
}

TEST_F(Listing, meets_each_name_once_however_often_it_reads_on) {
  std::set<std::string> keys;
  std::set<std::string> rolled_up;
  for (int i = 0; i < 500; ++i) {
    keys.insert("k" + std::to_string(i));
    rolled_up.insert("k" + std::to_string(i));
    if (i % 10 != 0) continue;
    for (int j = 0; j < 20; ++j) keys.insert("k" + std::to_string(i) + "/" + std::to_string(j));
    rolled_up.insert("k" + std::to_string(i) + "/");
  }
  put_all(keys);
  EXPECT_EQ(run(walk_names(store, "")), std::vector<std::string>(keys.begin(), keys.end()));
  EXPECT_EQ(run(walk_names(store, "/")),
            std::vector<std::string>(rolled_up.begin(), rolled_up.end()));
}

TEST_F(Listing, needs_its_bucket) {
  EXPECT_FAILS(run(objects.list({"nowhere", "", "", "", 10})), Code::kNotFound,
               reason::kNoSuchBucket);
}

// Few letters, so that prefixes, delimiters and markers meet the keys.
rc::Gen<std::string> name_gen(size_t longest) {
  return rc::gen::mapcat(rc::gen::inRange<size_t>(0, longest + 1), [](size_t length) {
    return rc::gen::container<std::string>(length, rc::gen::element('a', 'b', '/', '-', '\x01'));
  });
}

TEST(ListingProperty, pages_hold_what_a_naive_listing_holds_each_once) {
  const bool holds = rc::check("pages together are the naive listing", [] {
    class Case : public Listing {
      void TestBody() override {}

     public:
      using Listing::list_all;
      using Listing::put_all;
    } listing;
    const auto names = *rc::gen::container<std::set<std::string>>(name_gen(7));
    std::set<std::string> keys;
    for (const std::string& name : names) {
      if (!name.empty()) keys.insert(name);
    }
    listing.put_all(keys);
    ListRequest request;
    request.prefix = *name_gen(3);
    request.delimiter =
        *rc::gen::oneOf(rc::gen::just(std::string()), rc::gen::just(std::string("/")), name_gen(3));
    request.after = *name_gen(5);
    request.keys_max = *rc::gen::inRange<size_t>(1, 8);
    RC_ASSERT(listing.list_all(request) == naive_listing(keys, request));
  });
  EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace strata::object
