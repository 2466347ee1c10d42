#include "objstore/s3/route.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include "objstore/s3/copy_source.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/limits.h"
#include "objstore/s3/operations.h"

namespace strata::s3 {
namespace {

const std::vector<std::string> kDomains = {"s3.example.com"};

http::RequestHead head_of(std::string method, std::string target, std::string host = "localhost") {
  http::RequestHead head;
  head.method = std::move(method);
  head.target = std::move(target);
  const size_t question = head.target.find('?');
  head.path = head.target.substr(0, question);
  if (question != std::string::npos) head.query = head.target.substr(question + 1);
  head.fields.add("host", std::move(host));
  return head;
}

// The operation's name, or the S3 code of the refusal.
std::string routed(const http::RequestHead& head) {
  const auto parsed = ParsedRequest::parse(head, kDomains);
  if (!parsed.ok()) return std::string(to_wire(parsed.error()).code);
  const auto row = route(*parsed);
  if (!row.ok()) return std::string(to_wire(row.error()).code);
  return std::string((*row)->name);
}
std::string routed(std::string method, std::string target) {
  return routed(head_of(std::move(method), std::move(target)));
}

TEST(Route, every_row_of_the_table_is_reached_by_the_request_it_describes) {
  for (const OperationInfo& row : operations()) {
    std::string target = row.level == Level::kService  ? "/"
                         : row.level == Level::kBucket ? "/bucket"
                                                       : "/bucket/key";
    if (!row.selector.empty()) target += "?" + std::string(row.selector);
    if (!row.selector_value.empty()) target += "=" + std::string(row.selector_value);
    if (!row.also.empty()) target += "&" + std::string(row.also) + "=1";
    http::RequestHead head = head_of(std::string(row.method), target);
    if (!row.header.empty()) head.fields.add(std::string(row.header), "x");
    EXPECT_EQ(routed(head), row.name) << row.method << " " << target;
  }
}

TEST(Route, every_row_names_an_action_and_every_unset_row_an_error) {
  std::set<std::string_view> names;
  for (const OperationInfo& row : operations()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name << " is there twice";
    EXPECT_FALSE(row.action.empty()) << row.name;
    EXPECT_TRUE(row.handler != &unset_configuration || !row.unset.empty()) << row.name;
    if (row.unset.empty()) continue;
    EXPECT_EQ(to_wire(Error(Code::kNotFound, row.unset, "")).status, 404) << row.name;
    EXPECT_EQ(to_wire(Error(Code::kNotFound, row.unset, "")).code, row.unset);
  }
}

TEST(Route, the_compatibility_page_says_what_the_table_says) {
  std::map<std::string, std::string> documented;
  std::ifstream page(STRATA_DOCS "/s3-compatibility.md");
  ASSERT_TRUE(page.good());
  for (std::string line; std::getline(page, line);) {
    const size_t second = line.find(" | ");
    if (!line.starts_with("| ") || second == std::string::npos) continue;
    const size_t third = line.find(" | ", second + 3);
    if (third == std::string::npos) continue;
    documented[line.substr(2, second - 2)] = line.substr(second + 3, third - second - 3);
  }
  documented.erase("operation");
  for (const OperationInfo& row : operations()) {
    const char* here = row.handler == nullptr                ? "refused"
                       : row.handler == &unset_configuration ? "unset"
                                                             : "served";
    EXPECT_EQ(documented[std::string(row.name)], here) << row.name;
    documented.erase(std::string(row.name));
  }
  for (const auto& [name, here] : documented) ADD_FAILURE() << name << " is not an operation";
}

TEST(Route, refuses_what_fits_no_operation) {
  EXPECT_EQ(routed("POST", "/"), "MethodNotAllowed");
  EXPECT_EQ(routed("PATCH", "/bucket"), "MethodNotAllowed");
  EXPECT_EQ(routed("POST", "/bucket/key"), "MethodNotAllowed");
  EXPECT_EQ(routed("DELETE", "/bucket?versioning"), "MethodNotAllowed");
  EXPECT_EQ(routed("PUT", "/bucket/key?uploadId=x"), "MethodNotAllowed");
  EXPECT_EQ(routed("PUT", "/bucket/key?partNumber=1"), "InvalidArgument");
  EXPECT_EQ(routed("GET", "/bucket/key?partNumber=1"), "GetObject");
  EXPECT_EQ(routed("HEAD", "/bucket/key?tagging"), "MethodNotAllowed");
}

TEST(Route, refuses_subresources_it_does_not_know) {
  EXPECT_EQ(routed("PUT", "/bucket/key?invented"), "NotImplemented");
  EXPECT_EQ(routed("DELETE", "/bucket?invented"), "NotImplemented");
  EXPECT_EQ(routed("PUT", "/bucket/key?policy"), "NotImplemented");
  EXPECT_EQ(routed("GET", "/bucket/key?x-id=GetObject"), "GetObject");
  EXPECT_EQ(routed("GET", "/bucket/key?1700000000"), "GetObject");
}

TEST(Route, refuses_two_meanings_at_once) {
  EXPECT_EQ(routed("GET", "/bucket?policy&acl"), "InvalidArgument");
  EXPECT_EQ(routed("GET", "/bucket?prefix=a&prefix=b"), "InvalidArgument");
  EXPECT_EQ(routed("GET", "/bucket?list-type=1"), "InvalidArgument");
}

TEST(Route, decodes_names_once_and_changes_nothing_else_in_them) {
  const std::map<std::string, std::string> keys = {
      {"/bucket/a%2Fb", "a/b"},  {"/bucket/a%252Fb", "a%2Fb"},   {"/bucket/a+b", "a+b"},
      {"/bucket/a%20b", "a b"},  {"/bucket/../b", "../b"},       {"/bucket//b", "/b"},
      {"/bucket/a//", "a//"},    {"/bucket/./%2e%2e/", "./../"}, {"/bucket/%C3%A9", "\xc3\xa9"},
      {"/bucket/a%5Cb", "a\\b"},
  };
  for (const auto& [target, key] : keys) {
    const http::RequestHead head = head_of("GET", target);
    const auto parsed = ParsedRequest::parse(head, kDomains);
    ASSERT_TRUE(parsed.ok()) << target;
    EXPECT_EQ(parsed->bucket(), "bucket");
    EXPECT_EQ(parsed->key(), key);
  }
}

TEST(Route, refuses_names_that_are_not_text) {
  for (const char* target : {"/bucket/a%00b", "/bucket/%ff", "/bucket/%zz", "/bucket/%", "//key"}) {
    const http::RequestHead head = head_of("GET", target);
    EXPECT_FALSE(ParsedRequest::parse(head, kDomains).ok()) << target;
  }
}

TEST(Route, an_encoded_slash_does_not_end_the_bucket) {
  const http::RequestHead head = head_of("GET", "/bucket%2Fkey");
  const auto parsed = ParsedRequest::parse(head, kDomains);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->bucket(), "bucket/key");
  EXPECT_EQ(parsed->key(), "");
}

TEST(Route, takes_the_bucket_from_a_host_below_a_configured_domain) {
  EXPECT_EQ(bucket_of_host("My-Bucket.S3.example.com:9000", kDomains), "my-bucket");
  EXPECT_EQ(bucket_of_host("a.b.s3.example.com", kDomains), "a.b");
  EXPECT_EQ(bucket_of_host("s3.example.com", kDomains), "");
  EXPECT_EQ(bucket_of_host(".s3.example.com", kDomains), "");
  EXPECT_EQ(bucket_of_host("evils3.example.com", kDomains), "");
  EXPECT_EQ(bucket_of_host("127.0.0.1:9000", kDomains), "");
  const http::RequestHead head = head_of("GET", "/key/of", "bucket.s3.example.com");
  const auto parsed = ParsedRequest::parse(head, kDomains);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->bucket(), "bucket");
  EXPECT_EQ(parsed->key(), "key/of");
}

TEST(Route, headers_in_the_query_of_a_presigned_url_count_as_headers) {
  http::RequestHead head =
      head_of("PUT", "/bucket/key?X-Amz-Meta-Color=blue&X-Amz-Date=20260101T000000Z");
  auto parsed = ParsedRequest::parse(head, kDomains);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->fields().get("x-amz-meta-color"), "blue");
  EXPECT_EQ(parsed->fields().find("x-amz-date"), nullptr);
  head.fields.add("x-amz-meta-color", "red");
  EXPECT_FALSE(ParsedRequest::parse(head, kDomains).ok());
  EXPECT_EQ(routed("PUT", "/bucket/key?x-amz-meta-a=b%0D%0Ac"), "InvalidArgument");
  EXPECT_EQ(routed("PUT", "/bucket/key?x-amz-copy-source=a%2Fb"), "CopyObject");
}

TEST(Query, is_bounded) {
  std::string many = "a0=1";
  for (size_t i = 1; i <= kQueryParametersMax; ++i) many += "&a" + std::to_string(i) + "=1";
  EXPECT_FALSE(Query::parse(many).ok());
  EXPECT_FALSE(Query::parse(std::string(kQueryBytesMax + 1, 'a')).ok());
}

TEST(CopySource, is_decoded_once_and_split_at_the_first_slash) {
  const auto check = [](std::string_view field, std::string_view bucket, std::string_view key) {
    const auto source = parse_copy_source(field);
    ASSERT_TRUE(source.ok()) << field;
    EXPECT_EQ(source->bucket, bucket) << field;
    EXPECT_EQ(source->key, key) << field;
  };
  check("b/k", "b", "k");
  check("/b/k/l", "b", "k/l");
  check("b%2Fk%2Fl", "b", "k/l");
  check("b/k%252F", "b", "k%2F");
  check("b/k%3FversionId=7", "b", "k?versionId=7");
  check("b/k?versionId=null", "b", "k");
  check("b%2Fa+b%2B", "b", "a b+");  // as a form's field
  for (const char* bad : {"", "b", "/b", "b/", "/", "b/k%zz", "arn:aws:s3:x", "b/k?versionId="}) {
    EXPECT_FALSE(parse_copy_source(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace strata::s3
