// Requests that try to be what they are not: names, headers and sizes.
#include "tests/unit/s3/iam_wire_fixture.h"

namespace strata::s3 {
namespace {

class Attacks : public IamWire {
 protected:
  Reply root(std::string method, const std::string& target, std::string body = "",
             Headers headers = {}) {
    return as(kRootKeys, std::move(method), target, std::move(body), std::move(headers));
  }
};

TEST_F(Attacks, x_forwarded_for_is_believed_from_nobody) {
  ASSERT_EQ(root("PUT", "/bucket/key", "bytes").status, 200);
  const sigv4::Keys far =
      user("far", R"("s3:GetObject")", R"({"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}})");
  for (const char* field : {"x-forwarded-for", "x-real-ip", "forwarded", "x-client-ip"}) {
    const Headers said = {{field, "10.1.2.3"}};
    EXPECT_EQ(as(far, "GET", "/bucket/key", "", said).code(), "AccessDenied") << field;
  }
  peer_address_ = "10.1.2.3:999";
  EXPECT_EQ(as(far, "GET", "/bucket/key").body, "bytes");
}

TEST_F(Attacks, a_header_does_not_stand_for_a_condition_key_of_the_query) {
  const sigv4::Keys lister =
      user("lister", R"("s3:ListBucket")", R"({"StringEquals":{"s3:prefix":"public/"}})");
  EXPECT_EQ(as(lister, "GET", "/bucket?prefix=public%2F").status, 200);
  for (const char* field : {"prefix", "s3-prefix", "x-prefix"}) {
    EXPECT_EQ(as(lister, "GET", "/bucket", "", {{field, "public/"}}).code(), "AccessDenied");
  }
  EXPECT_EQ(as(lister, "GET", "/bucket?prefix=public%2F&prefix=").code(), "InvalidArgument");
}

TEST_F(Attacks, keys_that_look_like_paths_or_internal_names_are_only_keys) {
  const std::map<std::string, std::string> keys = {
      {"/bucket/..", ".."},
      {"/bucket/%2E%2E%2Fother%2Fk", "../other/k"},
      {"/bucket/a/../b", "a/../b"},
      {"/bucket/.", "."},
      {"/bucket/%5C..%5Cx", "\\..\\x"},
      {"/bucket/strata%3Adirectory", "strata:directory"},
      {"/bucket/i%01root", "i\x01root"},
      {"/bucket//etc/passwd", "/etc/passwd"}};
  ASSERT_EQ(root("PUT", "/other").status, 200);
  for (const auto& [path, key] : keys) {
    ASSERT_EQ(root("PUT", path, key).status, 200) << key;
  }
  for (const auto& [path, key] : keys) EXPECT_EQ(root("GET", path).body, key);
  EXPECT_EQ(root("GET", "/other/k").code(), "NoSuchKey");
  EXPECT_EQ(root("GET", "/b").code(), "InvalidBucketName");
  const auto listed = codec::parse_xml(root("GET", "/bucket?encoding-type=url").body);
  size_t found = 0;
  for (const codec::XmlElement& child : listed->children) found += child.name == "Contents" ? 1 : 0;
  EXPECT_EQ(found, keys.size());
}

TEST_F(Attacks, names_that_are_too_long_or_no_text_are_refused) {
  EXPECT_EQ(root("PUT", "/bucket/" + std::string(1024, 'k'), "x").status, 200);
  EXPECT_EQ(root("PUT", "/bucket/" + std::string(1025, 'k'), "x").code(), "KeyTooLongError");
  EXPECT_EQ(root("PUT", "/bucket/a%00b", "x").code(), "InvalidURI");
  EXPECT_EQ(root("PUT", "/bucket/%C3%28", "x").code(), "InvalidURI");
}

TEST_F(Attacks, a_copy_source_names_one_object_however_it_is_encoded) {
  ASSERT_EQ(root("PUT", "/secret").status, 200);
  ASSERT_EQ(root("PUT", "/secret/k", "secret").status, 200);
  ASSERT_EQ(root("PUT", "/bucket/k", "own").status, 200);
  const sigv4::Keys copier = user("copier", R"(["s3:GetObject","s3:PutObject","s3:ListBucket"])");
  const auto copy = [&](const char* source) {
    return as(copier, "PUT", "/bucket/copy", "", {{"x-amz-copy-source", source}}).code();
  };
  EXPECT_EQ(copy("/bucket/k"), "");
  EXPECT_EQ(copy("bucket%2Fk"), "");
  EXPECT_EQ(copy("bucket/..%2Fsecret%2Fk"), "NoSuchKey");
  EXPECT_EQ(copy("bucket/../secret/k"), "NoSuchKey");
  for (const char* source : {"secret/k", "secret%2Fk", "/secret/k", "%2Fsecret%2Fk"}) {
    EXPECT_EQ(copy(source), "AccessDenied") << source;
  }
  EXPECT_NE(copy("secret/k?versionId=null"), "");
  EXPECT_NE(root("GET", "/bucket/copy").body, "secret");
}

TEST_F(Attacks, huge_page_sizes_are_cut_or_refused) {
  for (const char* parameter : {"max-keys=", "uploads=&max-uploads=", "versions=&max-keys="}) {
    const std::string list = "/bucket?" + std::string(parameter);
    EXPECT_EQ(root("GET", list + "2147483647").status, 200) << list;
    EXPECT_EQ(root("GET", list + "2147483648").code(), "InvalidArgument") << list;
    EXPECT_EQ(root("GET", list + "99999999999999999999").code(), "InvalidArgument") << list;
    EXPECT_EQ(root("GET", list + "-1").code(), "InvalidArgument") << list;
  }
}

TEST_F(Attacks, nothing_that_is_echoed_ends_a_header_line) {
  ASSERT_EQ(root("PUT", "/bucket/k", "x").status, 200);
  for (const char* parameter :
       {"response-content-type", "response-expires", "response-cache-control",
        "response-content-disposition", "response-content-encoding", "response-content-language"}) {
    const Reply reply =
        root("GET", "/bucket/k?" + std::string(parameter) + "=a%0D%0Aset-cookie%3Ax");
    EXPECT_EQ(reply.code(), "InvalidArgument") << parameter;
    EXPECT_EQ(reply.fields.find("set-cookie"), nullptr);
  }
}

}  // namespace
}  // namespace strata::s3
